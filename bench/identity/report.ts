import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import path from 'node:path'
import { shapes } from '../isolation/traffic.ts'
import { disturbance, type Measured } from '../measure.ts'
import { provenanceOf, rounded } from '../provenance.ts'
import { judge, shapeTitles, targets } from './aims.ts'
import type { Crowd, ReaderName, Results, SignInName } from './identity.ts'
import { drawPlot } from './plot.ts'

export const readerTitles: Readonly<Record<ReaderName, string>> = {
  bare: 'bare route',
  protected: 'Holdfast',
  before: 'Holdfast before',
  'without-limiter': 'without limiter',
  'better-auth': 'better-auth',
  'better-auth-shortcut': 'better-auth, shortcut',
}

export const signInTitles: Readonly<Record<SignInName, string>> = {
  bcrypt: 'bcrypt alone, as many at once as Holdfast',
  'bcrypt-all': 'bcrypt alone, all at once',
  'sign-in': 'Holdfast',
  'better-auth-in-turns': 'better-auth, as many at once as Holdfast',
  'better-auth-sign-in': 'better-auth, all at once',
}

/** What `--json` prints. Ratios, but for milliseconds and counts where the name says so. */
export function summaryOf(results: Results) {
  const { ratios, distance, crowd, signIn } = results
  return {
    before: results.before,
    pointRead: ratios.pointRead,
    list50: ratios.list50,
    latencyAt1ms: distance.ratio,
    addedRoundTrips: distance.protected.roundTrips - distance.bare.roundTrips,
    crowdGrowthMilliseconds: crowd.holdfast.growth,
    signIn: signIn.ratios,
    signInAlone: signIn.alone.ratio,
    signInsPerSecond: signIn.perSecond['sign-in'] ?? null,
    disturbed: mostDisturbed(results),
    missed: judge(results)
      .filter(({ verdict }) => verdict === 'missed')
      .map(({ what }) => what),
  }
}

/** What is printed. */
export function tableOf(results: Results): string {
  const { plan, distance, crowd, signIn } = results
  const lines = [
    '',
    `PostgreSQL ${results.postgres}, Node ${process.versions.node}, ${cpus().length} cores shared by database, server and client`,
    `${count(plan.tenants)} tenants, ${count(plan.rows)} rows; ${plan.connections} connections; median of ${plan.rounds} rounds of ${plan.seconds} s`,
    `before: ${results.before ?? 'not measured'}`,
    '',
  ]
  for (const shape of shapes) {
    lines.push(columns(shapeTitles[shape], 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs: server', 'database', 'client'))
    for (const [name, measured] of entries(results.readers))
      lines.push(columns(readerTitles[name], ...cellsOf(measured[shape])))
    lines.push('')
  }
  lines.push(columns('one at a time', 'near, ms', 'at 1 ms', 'round trips'))
  for (const [title, one] of distancesOf(distance))
    lines.push(columns(title, one.near.toFixed(2), one.at1ms.toFixed(2), one.roundTrips.toFixed(2)))
  lines.push(...rotationsOf(distance.rotations), '')
  lines.push(columns(`${plan.readsPerSecond} reads a second`, 'p50 ms', 'p99 ms', 'beside: p50', 'p99', 'grows by'))
  for (const [title, one] of crowdsOf(crowd)) lines.push(columns(title, ...crowdCells(one)))
  lines.push(
    '',
    `${plan.signIns} sign-ins under way, bcrypt at cost ${signIn.cost}, ${signIn.atOnce} at once in Holdfast`,
  )
  for (const [name, perSecond] of entries(signIn.perSecond))
    lines.push(`${signInTitles[name].padEnd(44)}${perSecond.toFixed(2).padStart(10)} a second`)
  lines.push(`one at a time, ms: ${aloneOf(signIn.alone)}`, '')
  const disturbed = mostDisturbed(results)
  if (disturbed !== null && disturbed > disturbance)
    lines.push(
      `disturbed: something else took up to ${Math.round(disturbed * 100)} % of this machine; measure again`,
      '',
    )
  for (const [name, why] of Object.entries(results.skipped)) lines.push(`not measured: ${name}: ${why}`)
  lines.push('aim'.padEnd(62) + 'measured'.padStart(10) + 'to reach'.padStart(12))
  for (const { what, value, sign, target, verdict } of judge(results))
    lines.push(
      `${what.padEnd(62)}${shown(value).padStart(10)}${`${sign} ${target}`.padStart(12)}  ${verdict === 'missed' ? 'MISSED' : verdict}`,
    )
  return `${lines.join('\n')}\n\n`
}

/** The section «Results» of docs/benchmarks.md. */
export function markdownOf(results: Results, command: string): string {
  const { machine, versions, measuredAt } = provenanceOf(command, results.postgres)
  const { distance, crowd, signIn, plan } = results
  const disturbed = mostDisturbed(results)
  const quiet = disturbed !== null && disturbed <= disturbance
  return [
    `Of \`${command}\` on ${measuredAt.slice(0, 10)}: ${machine.processor}, ${machine.cores} cores, PostgreSQL ${versions.postgres}, Node ${versions.node}, ` +
      `${quiet ? 'nothing else running' : `**disturbed**: ${disturbed === null ? 'how much else ran is not known' : `something else took up to ${Math.round(disturbed * 100)} % of the machine`}`}. ` +
      `Before: ${results.before === null ? 'not measured' : `\`${results.before}\``}. All of it is in \`bench/results/identity.json\`; \`bench/results/identity.svg\` draws it.`,
    ...Object.entries(results.skipped).flatMap(([name, why]) => ['', `Not measured: ${name}: ${why}`]),
    '',
    ...table(
      ['', 'measured', 'aim', ''],
      judge(results).map(({ what, value, sign, target, verdict }) => [
        what,
        shown(value),
        `${sign} ${target}`,
        verdict === 'missed' ? '**missed**' : verdict,
      ]),
    ),
    '',
    ...table(
      [
        '',
        ...shapes.flatMap((shape) => [
          `${shapeTitles[shape]}: per second`,
          'p50 / p99 ms',
          'CPU µs, server + database',
        ]),
      ],
      entries(results.readers).map(([name, measured]) => [
        readerTitles[name],
        ...shapes.flatMap((shape) => {
          const { perSecond, p50, p99, serverCpu, databaseCpu } = measured[shape]
          return [
            count(Math.round(perSecond)),
            `${p50.toFixed(1)} / ${p99.toFixed(1)}`,
            `${micro(serverCpu)} + ${micro(databaseCpu)}`,
          ]
        }),
      ]),
    ),
    '',
    ...table(
      ['one request at a time', 'database near, ms', 'at 1 ms', 'round trips'],
      distancesOf(distance).map(([title, one]) => [
        title,
        one.near.toFixed(2),
        one.at1ms.toFixed(2),
        one.roundTrips.toFixed(2),
      ]),
    ),
    '',
    ...rotationsOf(distance.rotations),
    '',
    ...table(
      [
        `${plan.readsPerSecond} point reads a second`,
        'p50 ms',
        'p99 ms',
        `beside ${plan.signIns} sign-ins: p50`,
        'p99',
        'p99 grows by',
      ],
      crowdsOf(crowd).map(([title, one]) => [title, ...crowdCells(one)]),
    ),
    '',
    ...table(
      [`${plan.signIns} sign-ins under way, cost ${signIn.cost}`, 'a second'],
      entries(signIn.perSecond).map(([name, perSecond]) => [signInTitles[name], perSecond.toFixed(2)]),
    ),
    '',
    `Holdfast computes ${signIn.atOnce} ${signIn.atOnce === 1 ? 'hash' : 'hashes'} at the same time here. One sign-in at a time takes, in milliseconds: ${aloneOf(signIn.alone)}.`,
    '',
  ].join('\n')
}

/** bench/results: the numbers with where they come from, their picture, and the section for the docs. */
export async function keepResults(results: Results, command: string): Promise<void> {
  const folder = path.join(import.meta.dirname, '../results')
  await mkdir(folder, { recursive: true })
  const kept = {
    ...provenanceOf(command, results.postgres),
    targets,
    summary: summaryOf(results),
    judged: judge(results),
    ...results,
  }
  await writeFile(path.join(folder, 'identity.json'), `${JSON.stringify(kept, rounded, 2)}\n`)
  await writeFile(path.join(folder, 'identity.svg'), drawPlot(results))
  await writeFile(path.join(folder, 'identity.md'), markdownOf(results, command))
}

/** The most that something else took of the machine while anything was measured; null: not known for all of it. */
export function mostDisturbed({ disturbed }: Results): number | null {
  const shares = Object.values(disturbed)
  return shares.includes(null) ? null : Math.max(...(shares as number[]))
}

// --- words and columns ---------------------------------------------------------------------------------------------

function distancesOf(distance: Results['distance']) {
  return [
    ['bare route', distance.bare],
    ['Holdfast', distance.protected],
    ['… that replaces a secret', distance.rotating],
    ['… that first shows it', distance.settling],
  ] as const
}

function rotationsOf({ requests, rotated }: Results['distance']['rotations']): string[] {
  return [
    `A session's secret is replaced once in ten minutes of use: ${count(rotated)} of ${count(requests)} requests did, two by each person when all secrets were old.`,
  ]
}

function crowdsOf({ holdfast, betterAuth }: Results['crowd']): (readonly [string, Crowd])[] {
  const first = ['Holdfast', holdfast] as const
  return betterAuth === null ? [first] : [first, ['better-auth, all at once', betterAuth]]
}

function crowdCells({ alone, crowded, growth }: Crowd): string[] {
  return [alone.p50, alone.p99, crowded.p50, crowded.p99, growth].map((value) => value.toFixed(2))
}

function aloneOf({ holdfast, betterAuth }: Results['signIn']['alone']): string {
  return `Holdfast ${holdfast.toFixed(0)}${betterAuth === null ? '' : `, better-auth ${betterAuth.toFixed(0)}`}`
}

function cellsOf({ perSecond, p50, p99, serverCpu, databaseCpu, clientCpu }: Measured): string[] {
  return [perSecond.toFixed(0), p50.toFixed(2), p99.toFixed(2), micro(serverCpu), micro(databaseCpu), micro(clientCpu)]
}

function columns(first: string, ...rest: readonly string[]): string {
  return first.padEnd(26) + rest.map((word) => word.padStart(15)).join('')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [row(head), `|${head.map(() => '---|').join('')}`, ...rows.map(row)]
}

function shown(value: number | null): string {
  // So that what has just missed 1 is not shown as 1.
  return value === null ? '-' : Math.abs(value) < 0.1 ? value.toFixed(2) : Number(value.toPrecision(3)).toString()
}

function micro(value: number | null): string {
  return value === null ? '-' : value.toFixed(0)
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function entries<Name extends string, Value>(record: Readonly<Partial<Record<Name, Value>>>): [Name, Value][] {
  return Object.entries(record) as [Name, Value][]
}
