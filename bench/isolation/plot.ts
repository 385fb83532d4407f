import { type ContestantName, titles } from './contestant.ts'
import { axisOf } from './growth.ts'
import type { Results } from './isolation.ts'
import { type Shape, shapes } from './traffic.ts'

const width = 960
const height = 560
const ink = '#1f2a2a'
const faint = '#6b7777'
const line = '#d5dbd8'
const colours: Readonly<Record<ContestantName, string>> = {
  bare: '#a9b4b0',
  protected: '#1d5c4d',
  usual: '#c9a86a',
  'usual-prepared': '#dcc79b',
  'better-auth': '#8a6d5a',
  'better-auth-shortcut': '#b39a89',
}
const shapeTitles: Readonly<Record<Shape, string>> = { pointRead: 'Point read', list50: 'List of 50' }

/** Throughput of each contestant, latency at a distance, and how the ratio to the bare route changes as data grow. */
export function drawPlot(results: Results): string {
  const main = results.plan.sizes[0]!
  const count = (value: number) => value.toLocaleString('en')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="${ink}" role="img" aria-label="What isolation costs">
<rect width="${width}" height="${height}" fill="#fff"/>
${text(32, 36, 'What isolation costs', { size: 20, weight: 600 })}
${text(32, 58, `PostgreSQL ${results.postgres}, ${results.plan.connections} connections, ${count(main.tenants)} tenants, ${count(main.rows)} rows; database, server and client share one machine`, { fill: faint })}
${shapes.map((shape, index) => drawThroughput(results, shape, 32 + index * 312)).join('\n')}
${drawLatency(results, 656)}
${drawGrowth(results, 'tenants', 32)}
${drawGrowth(results, 'rows', 500)}
</svg>
`
}

function drawThroughput(results: Results, shape: Shape, left: number): string {
  const bars = entries(results.contestants).map(([name, measured]) => ({
    name,
    value: measured[shape].perSecond,
    label: measured[shape].perSecond.toFixed(0),
  }))
  return drawBars(`${shapeTitles[shape]}, requests a second`, bars, left)
}

function drawLatency({ latencyAt1ms }: Results, left: number): string {
  const { ratio: _, ...byName } = latencyAt1ms
  const bars = entries(byName).map(([name, value]) => ({ name, value, label: `${value.toFixed(2)} ms` }))
  return drawBars('One point read, database 1 ms away', bars, left)
}

interface Column {
  readonly name: ContestantName
  readonly value: number
  readonly label: string
}

function drawBars(title: string, bars: readonly Column[], left: number): string {
  const most = Math.max(...bars.map((bar) => bar.value))
  const room = 272 - 104 - 62
  const rows = bars.map(({ name, value, label }, index) => {
    const top = 110 + index * 28
    const long = (value / most) * room
    return `${text(left, top + 14, titles[name])}
<rect x="${left + 104}" y="${top}" width="${long.toFixed(1)}" height="20" rx="2" fill="${colours[name]}"/>
${text(left + 104 + long + 8, top + 14, label, { weight: name === 'protected' ? 600 : 400 })}`
  })
  return `${text(left, 98, title, { weight: 600 })}\n${rows.join('\n')}`
}

/** b/a along one axis: 1 would mean that isolation is free. */
function drawGrowth({ growth }: Results, axis: 'tenants' | 'rows', left: number): string {
  const along = axisOf(growth, axis)
  const [top, bottom, from, to] = [326, 500, left + 40, left + 400]
  const x = (index: number) => from + (along.length === 1 ? 0 : (index / (along.length - 1)) * (to - from))
  const y = (value: number) => bottom - value * (bottom - top)
  const other = axis === 'tenants' ? 'rows' : 'tenants'
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (value) =>
      `<line x1="${from}" x2="${to}" y1="${y(value)}" y2="${y(value)}" stroke="${line}"/>${text(from - 8, y(value) + 4, value.toFixed(2), { fill: faint, anchor: 'end' })}`,
  )
  const ticks = along.map((one, index) =>
    text(x(index), bottom + 20, one[axis].toLocaleString('en'), { fill: faint, anchor: 'middle' }),
  )
  const lines = shapes.map((shape) => {
    const points = along.map((one, index) => [x(index), y(one.vsBare[shape])] as const)
    const dash = shape === 'list50' ? ' stroke-dasharray="6 4"' : ''
    const [lastX, lastY] = points.at(-1)!
    const isAbove = shapes.every((other) => along.at(-1)!.vsBare[other] <= along.at(-1)!.vsBare[shape])
    return `<polyline points="${points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ')}" fill="none" stroke="${colours.protected}" stroke-width="2"${dash}/>
${points.map(([px, py]) => `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3.5" fill="${colours.protected}"/>`).join('')}
${text(lastX, lastY + (isAbove ? -10 : 20), shapeTitles[shape].toLowerCase(), { anchor: 'end' })}`
  })
  return `${text(left, 304, `Holdfast ÷ bare route as ${axis} grow (${along[0]![other].toLocaleString('en')} ${other})`, { weight: 600 })}
${grid.join('\n')}
${ticks.join('\n')}
${lines.join('\n')}`
}

function text(
  x: number,
  y: number,
  words: string,
  more: { size?: number; weight?: number; fill?: string; anchor?: 'start' | 'middle' | 'end' } = {},
): string {
  const attributes = [
    more.size === undefined ? '' : ` font-size="${more.size}"`,
    more.weight === undefined ? '' : ` font-weight="${more.weight}"`,
    more.fill === undefined ? '' : ` fill="${more.fill}"`,
    more.anchor === undefined ? '' : ` text-anchor="${more.anchor}"`,
  ]
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${attributes.join('')} style="font-variant-numeric: tabular-nums">${words}</text>`
}

function entries<Value>(record: Readonly<Partial<Record<ContestantName, Value>>>): [ContestantName, Value][] {
  return Object.entries(record) as [ContestantName, Value][]
}
