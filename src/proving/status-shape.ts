import type { Status } from '../kernel/finding.ts'

/** What a mark on the page can say: a status, or that a claim holds against a stand-in only. */
export type Look = Status | 'stand-in'

/** The word for each status. Never shown without its shape, nor the shape without its word or a name. */
export const statusWords: Readonly<Record<Look, string>> = {
  broken: 'Broken',
  accepted: 'Accepted',
  inconclusive: 'Inconclusive',
  stale: 'Stale',
  unproven: 'Unproven',
  declared: 'Declared',
  holds: 'Holds',
  'stand-in': 'Holds against a stand-in',
  'not-applicable': 'Not applicable',
}

/** What each word means, for readers. */
export const statusMeanings: Readonly<Record<Look, string>> = {
  holds: 'Attacked or measured recently, and it held. Only this is green.',
  'stand-in': 'It held, but against a part that stands in for the real one. Not counted as holding.',
  broken: 'The last attack got through, and nothing has shown since that it is mended.',
  accepted: 'It is broken, and somebody answers for leaving it so until a date.',
  inconclusive: 'The probe could not tell.',
  stale: 'It held, but too long ago to count.',
  unproven: 'Nothing proves it yet, or something of it is not built.',
  declared: 'A fact that only a document can back.',
  'not-applicable': 'It does not apply here, for the reason given.',
}

/** A shape for each status on 16 × 16, told apart without colour. `stroke` draws the line, `fill` the area. */
export const statusShapes: Readonly<Record<Look, { readonly fill?: string; readonly stroke?: string }>> = {
  holds: { fill: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm3.6 4.3L7.1 9.8 4.5 7.3l-1.1 1.1 3.7 3.7 5.6-5.7Z' },
  'stand-in': { stroke: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM5 8.2l2.2 2.200L11.2 6.2' },
  broken: {
    fill: 'M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5Zm.7 3.6L4.4 5.7 6.7 8l-2.3 2.3 1.3 1.3L8 9.3l2.3 2.3 1.3-1.3L9.3 8l2.3-2.3-1.3-1.3L8 6.7Z',
  },
  accepted: { stroke: 'M8 2 14.5 13.5h-13ZM8 6.5v3m0 1v1.5' },
  inconclusive: {
    stroke: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM6.2 6.600C6.2 4.2 9.9 4.3 9.8 6.5 9.7 7.8 8 7.8 8 9.300M8 11v.8',
  },
  stale: { stroke: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 2.5V8l2.5 1.5' },
  unproven: { stroke: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z' },
  declared: { stroke: 'M3 2h10v12H3Zm2.5 4h5m-5 3h5' },
  'not-applicable': { stroke: 'M2.5 8h11' },
}

/** How a standing is drawn: what holds against a stand-in looks like nothing else. */
export function lookOf(standing: { readonly status: Status; readonly standIn: boolean }): Look {
  return standing.status === 'holds' && standing.standIn ? 'stand-in' : standing.status
}
