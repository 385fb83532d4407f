import { html, raw } from 'hono/html'
import type { Status } from '../kernel/finding.ts'
import type { Day } from './status.ts'
import { counted, dayInWords } from './wording.ts'

type Html = ReturnType<typeof html>

/** One day of all claims of a page: how many were looked at, how many of them held, and the worst. */
export interface StandDay {
  readonly date: string
  readonly seen: number
  readonly held: number
  readonly status: Status | 'none'
}

const pitch = 4
const foot = 20

/** How a day looks, told apart by height and form as much as by colour. `x` is its middle. */
const strokes: Readonly<Record<Status | 'none', (x: number) => string>> = {
  holds: (x) => `M${x} ${foot}V7`,
  broken: (x) => `M${x} ${foot}V3M${x - 1.7} 0h3.4l-1.7 4z`,
  accepted: (x) => `M${x} ${foot}v-3m0-3v-3m0-3V5`,
  inconclusive: (x) => `M${x} ${foot}v-5`,
  stale: (x) => `M${x} ${foot}v-5`,
  unproven: (x) => `M${x} ${foot}h0`,
  declared: (x) => `M${x} ${foot}v-5`,
  'not-applicable': (x) => `M${x - 1} ${foot}h2`,
  none: (x) => `M${x} ${foot}h0`,
}

/** The last days of one claim or sentence as a drawing with a name, and below it the same in words. `id` is unique. */
export function drawStrip(id: string, days: readonly Day[]): Html {
  const words = daysInWords(days)
  const paths = new Map<Status | 'none', string>()
  for (const [index, { status }] of days.entries())
    paths.set(status, (paths.get(status) ?? '') + strokes[status](index * pitch + pitch / 2))
  return html`<figure class="strip"><svg role="img" aria-labelledby="${id}-t ${id}-d" viewBox="0 0 ${days.length * pitch} ${foot + 2}"><title id="${id}-t">The last ${days.length} days</title><desc id="${id}-d">${words}</desc>${[
    ...paths,
  ].map(
    ([status, path]) => html`<path class="day ${status}" d="${path}"/>`,
  )}</svg><figcaption aria-hidden="true">${words}</figcaption></figure>`
}

/** `Looked at on 12 of 90 days, red on 1 (12 Nov 2026).` */
export function daysInWords(days: readonly Day[]): string {
  const count = (...wanted: (Status | 'none')[]) => days.filter(({ status }) => wanted.includes(status)).length
  const looked = days.length - count('none')
  const red = redRuns(days)
  const parts = [
    `looked at on ${looked} of ${days.length} days`,
    red.length === 0 ? 'red on none' : `red on ${count('broken')} (${red.join('; ')})`,
    ...(count('accepted') > 0 ? [`red and accepted on ${count('accepted')}`] : []),
    ...(count('inconclusive') > 0 ? [`could not tell on ${count('inconclusive')}`] : []),
  ]
  const words = looked === 0 ? `not looked at in ${days.length} days` : parts.join(', ')
  return `${words[0]!.toUpperCase()}${words.slice(1)}.`
}

function redRuns(days: readonly Day[]): string[] {
  const runs: Day[][] = []
  for (const [index, day] of days.entries()) {
    if (day.status !== 'broken') continue
    if (days[index - 1]?.status === 'broken') runs.at(-1)!.push(day)
    else runs.push([day])
  }
  return runs.map((run) =>
    run.length === 1 ? dayInWords(run[0]!.date) : `${dayInWords(run[0]!.date)} to ${dayInWords(run.at(-1)!.date)}`,
  )
}

const bladePitch = 12
const seabed = 104

/** The whole page's last days as a stand of kelp: a blade for each day, as high as the share of claims that held. */
export function drawStand(days: readonly StandDay[]): Html {
  const width = days.length * bladePitch
  const words = standInWords(days)
  const blades = days.map((day, index) => ({ day, path: blade(day, index * bladePitch + bladePitch / 2, index) }))
  const all = (wanted: (day: StandDay) => boolean) => blades.filter(({ day }) => wanted(day)).map(({ path }) => path)
  const isRed = (day: StandDay) => day.status === 'broken'
  return html`<figure class="stand width"><svg role="img" aria-labelledby="stand-t stand-d" viewBox="0 0 ${width} 120" preserveAspectRatio="none"><title id="stand-t">All claims in the last ${days.length} days</title><desc id="stand-d">${words}</desc><path class="blades" d="${raw(all((day) => day.seen > 0 && !isRed(day)).join(''))}"/><path class="red" d="${raw(all(isRed).join(''))}"/><path class="sand" d="${sandLine(width)}${all((day) => day.seen === 0).join('')}"/></svg><figcaption>${words}</figcaption></figure>`
}

function standInWords(days: readonly StandDay[]): string {
  const looked = days.filter((day) => day.seen > 0).length
  const red = days.filter((day) => day.status === 'broken').length
  return (
    `${days.length} days, today on the right. Each blade is a day; its height is the share of the claims looked at that held ` +
    `all day. Looked at on ${counted(looked, 'day')}; ` +
    `${red === 0 ? 'nothing was broken.' : `something was broken on ${counted(red, 'day')}, drawn in red with a knot at the tip.`}`
  )
}

/** All lean with the current, each a little otherwise: by its place, so that a page drawn twice looks the same. */
function blade({ seen, held, status }: StandDay, x: number, index: number): string {
  if (seen === 0) return `M${x - 2} ${fixed(bedAt(x) + 1)}q0-4 2-4t2 4z`
  const height = 10 + (80 + 8 * Math.sin(index * 1.7)) * (held / seen)
  const lean = 4 + 5 * Math.sin(index * 0.83)
  const up = (share: number) => fixed(seabed - height * share)
  const tip = `${fixed(x + lean)} ${up(1)}`
  const ribbon =
    `M${x - 1} ${seabed + 4}C${x - 1} ${up(0.15)} ${x - 5.5} ${up(0.3)} ${fixed(x - 2.5)} ${up(0.55)}S${fixed(x + lean * 0.4)} ${up(0.9)} ${tip}` +
    `C${fixed(x + lean + 1)} ${up(0.8)} ${fixed(x + lean * 0.6 + 3.5)} ${up(0.7)} ${fixed(x + 2.5)} ${up(0.5)}S${x + 1} ${up(0.15)} ${x + 1} ${seabed + 4}z`
  return status === 'broken' ? `${ribbon}M${tip}m-5-1 5-7 5 7-5 7z` : ribbon
}

/** The height of the sand at `x`. */
function bedAt(x: number): number {
  return seabed + 2.4 * Math.sin(x / 97) + 1.2 * Math.sin(x / 31)
}

/** Drawn far beyond both ends: the sand reaches from edge to edge, the days stand in the column of the text. */
function sandLine(width: number): string {
  const reach = 3 * width
  const points = Array.from({ length: Math.ceil((width + 2 * reach) / bladePitch) }, (_, index) => {
    const x = index * bladePitch - reach
    return `L${x} ${fixed(bedAt(x))}`
  })
  return `M${-reach} ${seabed}${points.join('')}V120H${-reach}z`
}

function fixed(number: number): string {
  return number.toFixed(1)
}
