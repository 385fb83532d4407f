import { expect, test } from 'vitest'
import type { Measured } from '../measure.ts'
import { signInRequests } from './accounts.ts'
import { judge, targets } from './aims.ts'
import { unpackBefore } from './before.ts'
import type { Results } from './identity.ts'
import { drawPlot } from './plot.ts'
import { markdownOf, summaryOf, tableOf } from './report.ts'

const measured: Measured = {
  perSecond: 1000,
  p50: 1,
  p99: 2,
  serverCpu: 100,
  databaseCpu: 100,
  clientCpu: 20,
  disturbed: 0.01,
}
const both = { pointRead: measured, list50: measured }
const crowd = { alone: { p50: 1, p99: 4 }, crowded: { p50: 2, p99: 10 }, growth: 6 }
const distance = (roundTrips: number) => ({ near: 1, at1ms: 1 + roundTrips, roundTrips })

/** Every aim is reached, by little. */
const results: Results = {
  postgres: '18.4',
  plan: {
    tenants: 100,
    rows: 1000,
    connections: 16,
    rounds: 3,
    seconds: 1,
    latencyRounds: 2,
    signIns: 64,
    signInsInAll: 64,
    signInRounds: 1,
    crowdRounds: 1,
    crowdSeconds: 4,
    readsPerSecond: 200,
  },
  before: 'abc1234 an older commit',
  skipped: {},
  readers: { bare: both, protected: both, before: both, 'without-limiter': both, 'better-auth': both },
  ratios: {
    pointRead: { vsBefore: 0.94, vsWithoutLimiter: 0.96, vsBetterAuth: 4.1, vsBetterAuthShortcut: 3 },
    list50: { vsBefore: 0.93, vsWithoutLimiter: 0.95, vsBetterAuth: 4, vsBetterAuthShortcut: 2 },
  },
  distance: {
    bare: distance(1.02),
    protected: distance(1.05),
    rotating: distance(3),
    settling: distance(3),
    ratio: 1.1,
    rotations: { requests: 200, rotated: 100 },
  },
  crowd: { holdfast: crowd, betterAuth: { ...crowd, growth: 60 } },
  disturbed: { readers: 0.01, distance: 0.01, crowd: 0.02, signIn: 0.03 },
  signIn: {
    cost: 12,
    atOnce: 1,
    perSecond: { bcrypt: 4, 'bcrypt-all': 8, 'sign-in': 3.8, 'better-auth-in-turns': 3.7, 'better-auth-sign-in': 3.8 },
    ratios: { vsBcrypt: 0.95, vsBcryptAll: 0.5, vsBetterAuthInTurns: 1.02, vsBetterAuth: 1 },
    alone: { holdfast: 250, betterAuth: 255, ratio: 1.02 },
  },
}

test('what the issue asks for is judged, each number once', () => {
  const all = judge(results)
  expect(all.map(({ verdict }) => verdict)).toEqual(all.map(() => 'reached'))
  expect(new Set(all.map(({ what }) => what)).size).toBe(all.length)
  expect(all).toHaveLength(13)
  expect(summaryOf(results).missed).toEqual([])
})

test.each<[string, Partial<Results>, string]>([
  [
    'throughput',
    { ratios: { ...results.ratios, list50: { ...results.ratios.list50, vsBefore: 0.929 } } },
    'list of 50, now / before',
  ],
  [
    'round trips',
    { distance: { ...results.distance, protected: distance(2.05) } },
    'round trips more than the bare route',
  ],
  [
    'the crowd',
    { crowd: { holdfast: { ...crowd, growth: targets.crowdGrowth + 0.1 }, betterAuth: null } },
    "64 sign-ins under way: others' p99 grows by, ms",
  ],
  [
    'what is no number',
    { signIn: { ...results.signIn, ratios: { ...results.signIn.ratios, vsBcrypt: Number.NaN } } },
    '64 sign-ins under way: a second, / bcrypt alone',
  ],
])('%s that misses its aim is said to have missed it, in each form', (_, changed, what) => {
  const worse = { ...results, ...changed }
  expect(summaryOf(worse).missed).toEqual([what])
  expect(
    tableOf(worse)
      .split('\n')
      .find((line) => line.startsWith(what)),
  ).toContain('MISSED')
  expect(
    markdownOf(worse, 'npm run bench')
      .split('\n')
      .find((line) => line.includes(what)),
  ).toContain('**missed**')
  expect(drawPlot(worse).match(/ missed</g)).toHaveLength(1)
})

test('what was left out is neither reached nor missed, and says why', () => {
  const without: Results = {
    ...results,
    before: null,
    skipped: { before: 'this is no checkout of the repository' },
    ratios: {
      pointRead: { ...results.ratios.pointRead, vsBefore: null },
      list50: { ...results.ratios.list50, vsBefore: null },
    },
  }
  expect(judge(without).filter(({ verdict }) => verdict === 'not measured')).toHaveLength(2)
  expect(summaryOf(without).missed).toEqual([])
  for (const text of [tableOf(without), markdownOf(without, 'npm run bench')])
    expect(text).toContain('this is no checkout of the repository')
})

test('a run that was disturbed says so, and so does one that cannot know', () => {
  const disturbed = { ...results, disturbed: { ...results.disturbed, crowd: 0.34 } }
  expect(tableOf(disturbed)).toContain('up to 34 % of this machine; measure again')
  expect(markdownOf(disturbed, 'npm run bench')).toContain('**disturbed**')
  expect(tableOf(results)).not.toContain('disturbed')
  expect(markdownOf(results, 'npm run bench')).toContain('nothing else running')
  const unknown = { ...results, disturbed: { ...results.disturbed, crowd: null } }
  expect(markdownOf(unknown, 'npm run bench')).toContain('is not known')
})

test('each sign-in is a whole request, of its own person from its own network address', () => {
  const requests = signInRequests(8080, 300, '/api/sign-in', 'address')
  expect(new Set(requests).size).toBe(300)
  const [head, body] = requests[299]!.split('\r\n\r\n')
  expect(head).toContain(`Content-Length: ${Buffer.byteLength(body!)}`)
  expect(head).toContain('X-Forwarded-For: 10.0.1.43')
  expect(JSON.parse(body!)).toMatchObject({ address: 'p299@example.com' })
})

test.each(['--output=/tmp/x', "x'; echo y", '0000000000000000000000000000000000000000'])(
  'a commit that is none is left out: %s',
  async (commit) => {
    expect(await unpackBefore(commit)).toEqual(expect.any(String))
  },
)
