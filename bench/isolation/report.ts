import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import path from 'node:path'
import type { Measured } from '../measure.ts'
import { provenanceOf, rounded } from '../provenance.ts'
import { type ContestantName, titles } from './contestant.ts'
import { axisOf, changeAlong } from './growth.ts'
import type { Results } from './isolation.ts'
import { drawPlot } from './plot.ts'
import { type Shape, shapes } from './traffic.ts'

export const targets = {
  pointRead: { vsBare: 0.55, vsUsual: 1.8, vsBetterAuth: 4 },
  list50: { vsBare: 0.7, vsUsual: 1.5, vsBetterAuth: 4 },
  latencyAt1ms: 1.15,
  growth: 0.1,
  rssMegabytes: 250,
} as const

/** What `--json` prints: ratios of throughput; `tenants` and `rows`: b/a at the most of them over b/a at the fewest. */
export function summaryOf(results: Results) {
  const rounded = (value: number | null) => (value === null ? null : Math.round(value * 1000) / 1000)
  return {
    pointRead: mapValues(results.ratios.pointRead, rounded),
    list50: mapValues(results.ratios.list50, rounded),
    latencyAt1ms: rounded(results.latencyAt1ms.ratio),
    tenants: mapShapes((shape) => rounded(changeAlong(results.growth, 'tenants', shape))),
    rows: mapShapes((shape) => rounded(changeAlong(results.growth, 'rows', shape))),
    rssMegabytes: results.rssMegabytes === null ? null : Math.round(results.rssMegabytes),
  }
}

const ratioTitles = {
  vsBare: 'b / a',
  vsUsual: 'b / c',
  vsUsualPrepared: "b / c'",
  vsBetterAuth: 'b / d',
  vsBetterAuthShortcut: "b / d'",
} as const

export function tableOf(results: Results): string {
  const { plan } = results
  const main = plan.sizes[0]!
  const lines = [
    '',
    `PostgreSQL ${results.postgres}, Node ${process.versions.node}, ${cpus().length} cores shared by database, server and client`,
    `${main.tenants.toLocaleString('en')} tenants, ${main.rows.toLocaleString('en')} rows; ${plan.connections} connections; median of ${plan.rounds} rounds of ${plan.seconds} s`,
    '',
  ]
  for (const shape of shapes) {
    lines.push(
      `${shape === 'pointRead' ? 'point read' : 'list of 50'}`.padEnd(16) +
        ['requests/s', 'p50 ms', 'p99 ms', 'CPU µs: server', 'database', 'client']
          .map((word) => word.padStart(15))
          .join(''),
    )
    for (const [name, measured] of Object.entries(results.contestants))
      lines.push(titles[name as ContestantName].padEnd(16) + rowOf(measured[shape]))
    lines.push('')
  }
  const disturbed = Math.max(
    ...Object.values(results.contestants).flatMap((one) => shapes.map((shape) => one[shape].disturbed ?? 0)),
  )
  if (disturbed > 0.1)
    lines.push(
      `disturbed: something else took up to ${Math.round(disturbed * 100)} % of this machine; measure again`,
      '',
    )
  for (const [name, why] of Object.entries(results.skipped)) lines.push(`not measured: ${name}: ${why}`)
  lines.push('ratio'.padEnd(44) + 'measured'.padStart(10) + 'to reach'.padStart(12))
  for (const shape of shapes)
    for (const [key, what] of Object.entries(ratioTitles))
      lines.push(
        judged(
          `${what}, ${shape}`,
          results.ratios[shape][key as 'vsBare'],
          (targets[shape] as Record<string, number>)[key] ?? null,
          '≥',
        ),
      )
  lines.push(judged('latency at 1 ms, b over a', results.latencyAt1ms.ratio, targets.latencyAt1ms, '≤'))
  for (const axis of ['tenants', 'rows'] as const) {
    const along = axisOf(results.growth, axis)
    for (const shape of shapes) {
      const steps = along.map((one) => `${one[axis].toLocaleString('en')}: ${one.vsBare[shape].toFixed(2)}`).join('  ')
      const grown = changeAlong(results.growth, axis, shape)
      lines.push(judged(`b / a as ${axis} grow, ${shape}`, grown, 1 - targets.growth, '≥'), `    ${steps}`)
    }
  }
  lines.push(judged('memory of the server, MB', results.rssMegabytes, targets.rssMegabytes, '≤'), '')
  return `${lines.join('\n')}\n`
}

function rowOf(measured: Measured): string {
  const { perSecond, p50, p99, serverCpu, databaseCpu, clientCpu } = measured
  const micro = (value: number | null) => (value === null ? '-' : value.toFixed(0))
  return [perSecond.toFixed(0), p50.toFixed(2), p99.toFixed(2), micro(serverCpu), micro(databaseCpu), micro(clientCpu)]
    .map((word) => word.padStart(15))
    .join('')
}

function judged(what: string, value: number | null, target: number | null, sign: '≥' | '≤'): string {
  const shown = value === null ? '-' : value >= 20 ? value.toFixed(0) : value.toFixed(2)
  const row = what.padEnd(44) + shown.padStart(10)
  if (target === null) return row
  const met = value === null ? 'not measured' : (sign === '≥' ? value >= target : value <= target) ? 'met' : 'MISSED'
  return `${row}${`${sign} ${target}`.padStart(12)}  ${met}`
}

/** bench/results: the numbers with where they come from, and their picture. */
export async function keepResults(results: Results, command: string): Promise<void> {
  const folder = path.join(import.meta.dirname, '../results')
  await mkdir(folder, { recursive: true })
  const kept = {
    ...provenanceOf(command, results.postgres),
    targets,
    summary: summaryOf(results),
    ...results,
  }
  await writeFile(path.join(folder, 'isolation.json'), `${JSON.stringify(kept, rounded, 2)}\n`)
  await writeFile(path.join(folder, 'isolation.svg'), drawPlot(results))
}

function mapShapes<T>(make: (shape: Shape) => T): Record<Shape, T> {
  return { pointRead: make('pointRead'), list50: make('list50') }
}

function mapValues<Key extends string, From, To>(record: Readonly<Record<Key, From>>, change: (value: From) => To) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value as From)])) as Record<
    Key,
    To
  >
}
