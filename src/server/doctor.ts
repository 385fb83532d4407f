import path from 'node:path'
import {
  type Complaint,
  type Examined,
  examineDatabase,
  loginOptions,
} from '../controls/tenant-isolation/tenant-isolation.ts'
import type { Config } from '../platform/config/config.ts'
import { environment } from '../platform/config/env.ts'
import { readEnvironmentSecrets } from '../platform/config/secrets.ts'
import { openDataFolder, readSecrets } from '../platform/data-folder.ts'
import { Login } from '../platform/database/login.ts'
import { demoProducts } from './demo-products.ts'
import { databaseOf, databaseServer } from './start.ts'

export interface Report extends Examined {
  readonly product: string
}

interface Place {
  readonly product: string
  readonly database: { readonly host: string; readonly port: number; readonly database: string }
}

/** Looks at each product's database, as it runs; where nothing does, the server is started for as long as it takes. */
export async function examineAll(
  config: Config,
  running: readonly Place[] | undefined,
  say: (news: string) => void,
): Promise<Report[]> {
  if (running !== undefined) return examine(config, running)
  const folder = await openDataFolder(config.dataFolder)
  try {
    const server = await databaseServer(config, readEnvironmentSecrets(environment()), folder.path, say)
    try {
      const { host, port } = server.superuser
      const places = (await demoProducts()).map((product) => ({
        product: product.name,
        database: { host, port, database: databaseOf(product) },
      }))
      return await examine(config, places)
    } finally {
      await server.stop()
    }
  } finally {
    folder.release()
  }
}

async function examine(config: Config, places: readonly Place[]): Promise<Report[]> {
  const { passwords } = await readSecrets(path.resolve(config.dataFolder))
  const reports: Report[] = []
  for (const { product, database } of places) {
    const auditor = new Login(loginOptions('auditor', database, { password: passwords.auditor, most: 1 }))
    try {
      reports.push({ product, ...(await examineDatabase(auditor)) })
    } finally {
      await auditor.close()
    }
  }
  return reports
}

/** For people: what was looked at, and each complaint with its remedy. `isAnsweredFor`: an accepted risk. */
export function reportText(
  { product, complaints, rights, tables, columns }: Report,
  isAnsweredFor: (complaint: Complaint) => boolean,
): string {
  const lines = complaints.map((one) => {
    const accepted = isAnsweredFor(one)
    return `  ${accepted ? '–' : '✗'} ${one.code}: ${one.object}${accepted ? ' (an accepted risk)' : ''}\n    remedy: ${one.remedy}\n`
  })
  const found = complaints.length === 0 ? 'no complaint' : `complaints: ${complaints.length}`
  return `${product}: ${rights} rights, memberships, settings and functions, ${tables} tables, ${columns} columns; ${found}\n${lines.join('')}`
}
