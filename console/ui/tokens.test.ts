import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const css = readFileSync(path.join(import.meta.dirname, 'tokens.css'), 'utf8')
const tokens = new Map([...css.matchAll(/^ {2}(--[\w-]+):\s*([^;]+);/gm)].map((match) => [match[1]!, match[2]!]))

type Scheme = 'light' | 'dark'

/** WCAG 2.2, 1.4.3 and 1.4.11: text 4.5, what has to be seen to be used 3. */
const text = ['--ink', '--ink-soft', '--ink-faint', '--action', '--signal', '--care', '--holds', '--unproven'] as const
const grounds = ['--ground', '--surface', '--raised'] as const

describe.each(['light', 'dark'] as const)('in %s', (scheme) => {
  it.each(text.flatMap((ink) => grounds.map((ground) => [ink, ground] as const)))(
    '%s can be read on %s',
    (ink, ground) => {
      expect(contrast(ink, ground, scheme)).toBeGreaterThanOrEqual(4.5)
    },
  )

  it.each([
    ['--on-action', '--action'],
    ['--on-action', '--action-hover'],
    ['--on-signal', '--signal'],
    ['--on-signal', '--signal-hover'],
    ['--ink', '--signal-soft'],
    ['--signal', '--signal-soft'],
    ['--ink', '--care-soft'],
    ['--care', '--care-soft'],
    ['--ink', '--holds-soft'],
    ['--holds', '--holds-soft'],
    ['--ink-soft', '--unproven-soft'],
    ['--unproven', '--unproven-soft'],
    ['--ink', '--action-soft'],
    ['--ink-faint', '--sunken'],
    ['--ink-soft', '--sunken'],
  ])('%s can be read on %s', (ink, ground) => {
    expect(contrast(ink, ground, scheme)).toBeGreaterThanOrEqual(4.5)
  })

  it.each(['--line-strong', '--focus'].flatMap((line) => grounds.map((ground) => [line, ground] as const)))(
    '%s can be seen on %s',
    (line, ground) => {
      expect(contrast(line, ground, scheme)).toBeGreaterThanOrEqual(3)
    },
  )
})

function contrast(one: string, other: string, scheme: Scheme): number {
  const [dark, light] = [luminance(resolve(one, scheme)), luminance(resolve(other, scheme))].sort((a, b) => a - b)
  return (light! + 0.05) / (dark! + 0.05)
}

function resolve(name: string, scheme: Scheme): string {
  let value = tokens.get(name)
  for (let step = 0; value !== undefined && step < 9; step++) {
    const both = /^light-dark\((.+\)|[\w-]+), (.+)\)$/.exec(value)
    const reference = /^var\((--[\w-]+)\)$/.exec(value)
    if (both) value = scheme === 'light' ? both[1]! : both[2]!
    else if (reference) value = tokens.get(reference[1]!)
    else return value
  }
  throw new Error(`${name} leads nowhere`)
}

/** Relative luminance of an opaque `oklch(L C H)`, clipped to sRGB as browsers clip it, after Björn Ottosson's OKLab. */
function luminance(value: string): number {
  const match =
    /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)$/.exec(value) ?? (/^oklch\(1 0 0\)$/.exec(value) && ['', '1', '0', '0'])
  if (!match) throw new Error(`${value} is not an opaque oklch()`)
  const [lightness, chroma, hue] = match.slice(1).map(Number) as [number, number, number]
  const a = chroma * Math.cos((hue * Math.PI) / 180)
  const b = chroma * Math.sin((hue * Math.PI) / 180)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  const clip = (part: number) => Math.min(1, Math.max(0, part))
  const red = clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s)
  const green = clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s)
  const blue = clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
