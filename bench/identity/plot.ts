import { type Judged, judge } from './aims.ts'
import type { Results } from './identity.ts'

const width = 960
const left = 440
const room = 340
const ink = '#1f2a2a'
const faint = '#6b7777'
const reached = '#1d5c4d'
const missed = '#b4552d'

/** Each number with an aim as a share of it: what reaches the line has reached the aim. */
export function drawPlot(results: Results): string {
  const all = judge(results)
  const height = 120 + all.length * 30
  // Twice the aim is as far as a bar goes.
  const aim = left + room / 2
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="${ink}" role="img" aria-label="What identity costs, against its aims">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="32" y="36" font-size="20" font-weight="600">What identity costs</text>
<text x="32" y="58" fill="${faint}">PostgreSQL ${results.postgres}; database, server and client share one machine. The line is the aim; a longer bar is better.</text>
${all.map((one, at) => drawRow(one, 84 + at * 30)).join('\n')}
<line x1="${aim}" x2="${aim}" y1="78" y2="${84 + all.length * 30}" stroke="${ink}" stroke-dasharray="4 4"/>
</svg>
`
}

function drawRow({ what, value, sign, target, verdict }: Judged, top: number): string {
  const share = shareOf(value, sign, target)
  const long = Math.max(0, Math.min(2, share)) * (room / 2)
  const fill = verdict === 'reached' ? reached : missed
  const label =
    value === null ? 'not measured' : `${value.toFixed(2)} (${sign} ${target})${verdict === 'missed' ? ' missed' : ''}`
  return `<text x="32" y="${top + 14}">${what.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>
<rect x="${left}" y="${top}" width="${long.toFixed(1)}" height="20" rx="2" fill="${fill}"/>
<text x="${left + room + 12}" y="${top + 14}" style="font-variant-numeric: tabular-nums">${label}</text>`
}

/** 1 where the aim is just reached, more where it is better; what should be small and is nothing at all is as good as can be. */
function shareOf(value: number | null, sign: '≥' | '≤', target: number): number {
  if (value === null || Number.isNaN(value)) return 0
  if (sign === '≥') return value / target
  return value <= 0 ? 2 : target / value
}
