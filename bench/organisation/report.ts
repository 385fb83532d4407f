import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import path from 'node:path'
import { provenanceOf, rounded } from '../provenance.ts'
import { aimMilliseconds, type Results, type Timed } from './organisation.ts'

/** What `--json` prints. Milliseconds. */
export function summaryOf({ timed }: Results) {
  return {
    slowest: timed.reduce((slowest, one) => (one.large > slowest.large ? one : slowest)),
    missed: timed.filter((one) => !isReached(one)).map(({ what }) => what),
  }
}

/** What is printed. */
export function tableOf({ postgres, plan, timed }: Results): string {
  const row = (what: string, ...cells: string[]) => what.padEnd(40) + cells.map((cell) => cell.padStart(12)).join('')
  return `${[
    '',
    `PostgreSQL ${postgres}, Node ${process.versions.node}, ${cpus().length} cores; ${plan.rounds} rounds`,
    `an organisation of ${plan.members.toLocaleString('en')} members and ${plan.roles} roles of its own, beside one of a single member`,
    '',
    row('on the server, ms', 'of one', 'large', 'worst', `≤ ${aimMilliseconds}`),
    ...timed.map((one) =>
      row(
        one.what,
        one.small.toFixed(1),
        one.large.toFixed(1),
        one.worst.toFixed(1),
        isReached(one) ? 'reached' : 'MISSED',
      ),
    ),
    '',
  ].join('\n')}\n`
}

export async function keepResults(results: Results, command: string): Promise<void> {
  const folder = path.join(import.meta.dirname, '../results')
  await mkdir(folder, { recursive: true })
  const kept = { ...provenanceOf(command, results.postgres), ...results }
  await writeFile(path.join(folder, 'organisation.json'), `${JSON.stringify(kept, rounded, 2)}\n`)
}

/** Of the median: what else the machine does makes the worst one. */
function isReached({ large }: Timed): boolean {
  return large <= aimMilliseconds
}
