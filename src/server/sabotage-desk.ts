import { readFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import type { Control } from '../kernel/control.ts'
import type { Sabotage } from '../kernel/probe.ts'
import { writeAtomically } from '../platform/data-folder.ts'
import type { Product } from './product.ts'

export interface DeskEntry {
  /** `product/number`, the last part of the button's address. */
  readonly id: string
  readonly product: string
  readonly sabotage: Sabotage
  readonly brokenSince?: Date
}

export interface SabotageDesk {
  entries(): readonly DeskEntry[]
  /** Breaks what is whole, mends what is broken. Returns the entry as it was before, or undefined where there is none. */
  turn(id: string): Promise<DeskEntry | undefined>
  /** Mends all that an earlier run left broken in this product: the start would refuse it. */
  mendAll(product: string): Promise<void>
  close(): Promise<void>
}

/** The demo's desk for breaking controls on purpose, as the superuser of the demo's database. It exists in the demo alone. */
export async function createSabotageDesk(options: {
  readonly superuser: { host: string; port: number; user: string; password: string }
  readonly folder: string
  readonly controls: readonly Control[]
  readonly products: readonly Product[]
}): Promise<SabotageDesk> {
  const file = path.join(options.folder, 'sabotage.json')
  const broken = new Map<string, string>(
    await readFile(file, 'utf8').then(
      (text) => Object.entries(JSON.parse(text) as Record<string, string>),
      (error) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      },
    ),
  )
  const sabotages = options.controls.flatMap((control) => control.sabotages).filter((one) => one.inDemo)
  const entries = (): DeskEntry[] =>
    options.products.flatMap((product) =>
      sabotages.flatMap((sabotage, index) => {
        if (sabotage.people !== undefined && sabotage.people !== product.people) return []
        const id = `${product.name}/${index}`
        const since = broken.get(id)
        return { id, product: product.name, sabotage, ...(since === undefined ? {} : { brokenSince: new Date(since) }) }
      }),
    )
  const run = async (product: string, statement: string) => {
    const client = new pg.Client({ ...options.superuser, database: `holdfast_${product.replaceAll('-', '_')}` })
    await client.connect()
    try {
      await client.query(`begin; ${statement}; commit`)
    } finally {
      await client.end()
    }
  }
  const keep = () => writeAtomically(file, JSON.stringify(Object.fromEntries(broken)))
  const turn = async (entry: DeskEntry): Promise<void> => {
    const statement = entry.brokenSince ? entry.sabotage.mendSql : entry.sabotage.breakSql
    if (statement === undefined) throw new Error(`«${entry.sabotage.title}» cannot be done by SQL`)
    // Noted before it is broken and after it is mended: a crash in between leaves a note too many, and mending twice is harmless.
    if (!entry.brokenSince) {
      broken.set(entry.id, new Date().toISOString())
      keep()
    }
    await run(entry.product, statement)
    if (entry.brokenSince) {
      broken.delete(entry.id)
      keep()
    }
  }
  return {
    entries,
    async turn(id) {
      const entry = entries().find((one) => one.id === id)
      if (entry !== undefined) await turn(entry)
      return entry
    },
    async mendAll(product) {
      for (const entry of entries()) if (entry.product === product && entry.brokenSince) await turn(entry)
    },
    async close() {},
  }
}
