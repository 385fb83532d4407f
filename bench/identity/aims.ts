import { type Shape, shapes } from '../isolation/traffic.ts'
import type { Results } from './identity.ts'

export const targets = {
  /** Throughput of a protected request, over what it was: at most 7 % less. */
  vsBefore: 0.93,
  /** Latency of a protected request over a bare one's, with the database 1 ms away, and round trips beyond the bare one's. */
  latencyAt1ms: 1.15,
  addedRoundTrips: 0.2,
  /** Milliseconds by which others' p99 grows while people sign in. */
  crowdGrowth: 25,
  /** Sign-ins over what bcrypt alone does with as many at once. */
  vsBcrypt: 0.9,
  /** Throughput of a protected request, over one without the limiter: at most 5 % less. */
  vsWithoutLimiter: 0.95,
  vsBetterAuth: 4,
  signInVsBetterAuth: 1,
} as const

export const shapeTitles: Readonly<Record<Shape, string>> = { pointRead: 'point read', list50: 'list of 50' }

export type Verdict = 'reached' | 'missed' | 'not measured'

/** One number that has an aim. */
export interface Judged {
  readonly what: string
  readonly value: number | null
  readonly sign: '≥' | '≤'
  readonly target: number
  readonly verdict: Verdict
}

/** Every number that the issue set an aim for, in its order. */
export function judge(results: Results): Judged[] {
  const { ratios, distance, crowd, signIn, plan } = results
  const each = (key: keyof Results['ratios'][Shape], words: string, target: number) =>
    shapes.map((shape) => judged(`${shapeTitles[shape]}, ${words}`, ratios[shape][key], '≥', target))
  const crowded = `${plan.signIns} sign-ins under way`
  return [
    ...each('vsBefore', 'now / before', targets.vsBefore),
    judged('latency at 1 ms, Holdfast / bare route', distance.ratio, '≤', targets.latencyAt1ms),
    judged(
      'round trips more than the bare route',
      distance.protected.roundTrips - distance.bare.roundTrips,
      '≤',
      targets.addedRoundTrips,
    ),
    judged(`${crowded}: others' p99 grows by, ms`, crowd.holdfast.growth, '≤', targets.crowdGrowth),
    judged(`${crowded}: a second, / bcrypt alone`, signIn.ratios.vsBcrypt, '≥', targets.vsBcrypt),
    ...each('vsWithoutLimiter', 'with / without limiter', targets.vsWithoutLimiter),
    ...each('vsBetterAuth', 'Holdfast / better-auth', targets.vsBetterAuth),
    judged('one sign-in at a time, against better-auth', signIn.alone.ratio, '≥', targets.signInVsBetterAuth),
    judged(
      `${crowded}, / better-auth, as many hashes at once`,
      signIn.ratios.vsBetterAuthInTurns,
      '≥',
      targets.signInVsBetterAuth,
    ),
    judged(
      `${crowded}, / better-auth, all hashes at once`,
      signIn.ratios.vsBetterAuth,
      '≥',
      targets.signInVsBetterAuth,
    ),
  ]
}

function judged(what: string, value: number | null, sign: '≥' | '≤', target: number): Judged {
  // Asked this way round, what is not a number has not reached anything.
  const isReached = value !== null && (sign === '≥' ? value >= target : value <= target)
  return { what, value, sign, target, verdict: value === null ? 'not measured' : isReached ? 'reached' : 'missed' }
}
