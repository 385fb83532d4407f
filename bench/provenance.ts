import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import path from 'node:path'
import { pinnedVersion } from './peers.ts'

/** Where and from what numbers come: kept with them. */
export function provenanceOf(command: string, postgres: string) {
  return {
    command,
    measuredAt: new Date().toISOString(),
    machine: {
      processor: cpus()[0]?.model.trim(),
      cores: cpus().length,
      memoryGigabytes: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${release().split('-')[0]} ${process.arch}`,
    },
    versions: {
      node: process.versions.node,
      postgres,
      ...installed('hono', '@hono/node-server', 'pg', '@node-rs/bcrypt'),
      'better-auth': pinnedVersion('better-auth'),
    },
  }
}

/** For `JSON.stringify`: five digits are more than any number here deserves. */
export function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value
}

function installed(...names: readonly string[]): Record<string, string> {
  const root = path.join(import.meta.dirname, '../node_modules')
  return Object.fromEntries(
    names.map((name) => [name, JSON.parse(readFileSync(path.join(root, name, 'package.json'), 'utf8')).version]),
  )
}
