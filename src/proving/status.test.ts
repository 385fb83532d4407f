import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Claim } from '../kernel/claim.ts'
import { type AcceptedRisk, type Finding, type Status, statuses } from '../kernel/finding.ts'
import {
  claimStandings,
  claimStatus,
  claimsOf,
  days,
  isGreen,
  jointStatus,
  type Moment,
  promiseStatus,
  thin,
  worst,
  worstDays,
} from './status.ts'

const id = 'tenant-isolation/rows-stay-home'
const claim: Claim = { sentence: 'Rows stay home.', promises: ['I1'], ttlMinutes: 60 }
const at: Moment = { now: new Date('2026-11-20T12:00:00Z'), commit: 'c0ffee' }
const risk: AcceptedRisk = { claim: id, reason: 'A demo.', owner: 'ops', until: '2026-11-20' }

function finding(checkedAt: string, more: Partial<Finding> = {}): Finding {
  return {
    claim: id,
    status: 'holds',
    saw: 'as B, 404, 0 rows',
    examined: 12,
    where: 'live',
    against: 'real',
    checkedAt,
    expiresAt: '2026-11-20T23:00:00Z',
    milliseconds: 9,
    commit: 'c0ffee',
    ...more,
  }
}
const status = (findings: Finding[], risks: AcceptedRisk[] = []) => claimStatus(id, claim, findings, risks, at)

describe('a claim', () => {
  test('without a finding is unproven, also when others have some', () => {
    expect(status([]).status).toBe('unproven')
    expect(status([finding('2026-11-20T11:59:00Z', { claim: 'sessions/other' })]).status).toBe('unproven')
  })

  test('holds by its newest finding, in whatever order they come', () => {
    const old = finding('2026-11-20T11:00:00Z', { status: 'inconclusive' })
    const fresh = finding('2026-11-20T11:59:00Z')
    for (const findings of [
      [old, fresh],
      [fresh, old],
    ]) {
      const standing = status(findings)
      expect(standing).toMatchObject({ status: 'holds', standIn: false, finding: fresh })
      expect(isGreen(standing)).toBe(true)
    }
  })

  test.each(['holds', 'broken', 'inconclusive', 'not-applicable'] as const)(
    'is %s when its probe says so',
    (outcome) => {
      expect(status([finding('2026-11-20T11:59:00Z', { status: outcome })]).status).toBe(outcome)
    },
  )

  test('is stale at the instant its finding expires, and not before', () => {
    const expiring = (expiresAt: string) => status([finding('2026-11-20T11:59:00Z', { expiresAt })]).status
    expect(expiring('2026-11-20T12:00:00.001Z')).toBe('holds')
    expect(expiring('2026-11-20T12:00:00.000Z')).toBe('stale')
  })

  test('is stale past its own time-to-live, whatever expiry the finding carries', () => {
    expect(status([finding('2026-11-20T11:00:00.001Z')]).status).toBe('holds')
    expect(status([finding('2026-11-20T11:00:00Z')]).status).toBe('stale')
    expect(status([finding('2026-11-20T11:00:00Z', { status: 'not-applicable' })]).status).toBe('stale')
  })

  test('that was tested in CI counts for the running commit alone', () => {
    const inCi = (commit: string) => finding('2026-11-20T11:59:00Z', { where: 'ci', commit })
    expect(status([inCi('c0ffee')]).status).toBe('holds')
    expect(status([inCi('decaf')]).status).toBe('stale')
    const unknown = { ...at, commit: 'unknown' }
    expect(claimStatus(id, claim, [inCi('unknown')], [], unknown).status).toBe('stale')
  })

  test('that holds against a stand-in says so, and is not green', () => {
    const standing = status([finding('2026-11-20T11:59:00Z', { against: 'stand-in' })])
    expect(standing).toMatchObject({ status: 'holds', standIn: true })
    expect(isGreen(standing)).toBe(false)
  })

  test('that examined nothing, or something without number, never holds', () => {
    for (const examined of [0, -1, Number.NaN])
      expect(status([finding('2026-11-20T11:59:00Z', { examined })]).status).toBe('inconclusive')
  })

  test('with dates that cannot be read, or lie ahead, is inconclusive; and red all the same', () => {
    for (const dates of [
      { checkedAt: 'yesterday' },
      { expiresAt: '' },
      { checkedAt: '2026-11-20T12:01:00.001Z' },
      { checkedAt: '2999-01-01T00:00:00Z', expiresAt: '3000-01-01T00:00:00Z' },
    ]) {
      expect(status([{ ...finding('2026-11-20T11:59:00Z'), ...dates }]).status).toBe('inconclusive')
      expect(status([{ ...finding('2026-11-20T11:59:00Z', { status: 'broken' }), ...dates }]).status).toBe('broken')
    }
    expect(status([finding('2026-11-20T12:00:59Z')]).status).toBe('holds')
  })
})

describe('a broken claim', () => {
  const red = finding('2026-11-20T11:00:00Z', { status: 'broken', saw: 'as B, 200, 1 row' })

  test('stays red when nothing runs any more', () => {
    const late = { ...at, now: new Date('2027-11-20T12:00:00Z') }
    expect(claimStatus(id, claim, [red], [], late)).toMatchObject({
      status: 'broken',
      red: { since: '2026-11-20T11:00:00.000Z' },
    })
  })

  test.each([
    ['a run that could not tell', { status: 'inconclusive' }],
    ['a run that examined nothing', { examined: 0 }],
    ['a run elsewhere', { where: 'ci' }],
    ['a run against a stand-in', { against: 'stand-in' }],
    ['a run without a date', { expiresAt: 'soon' }],
  ] as [string, Partial<Finding>][])('is not mended by %s', (_, more) => {
    const standing = status([red, finding('2026-11-20T11:30:00Z', more)])
    expect(standing).toMatchObject({
      status: 'broken',
      finding: red,
      note: 'Later runs have not shown it to be mended.',
    })
    expect(standing.red?.until).toBeUndefined()
  })

  test('is mended by a good run at the same place, and remembers its red period', () => {
    const standing = status([red, finding('2026-11-20T11:30:00Z')])
    expect(standing).toMatchObject({
      status: 'holds',
      red: { since: '2026-11-20T11:00:00.000Z', until: '2026-11-20T11:30:00.000Z', saw: 'as B, 200, 1 row' },
    })
  })

  test('against a stand-in is mended by the real part too', () => {
    const standIn = { ...red, against: 'stand-in' as const }
    expect(status([standIn, finding('2026-11-20T11:30:00Z')]).status).toBe('holds')
    expect(status([standIn, finding('2026-11-20T11:30:00Z', { against: 'stand-in' })]).status).toBe('holds')
  })

  test('found at two places is mended when both have found it good', () => {
    const inCi = { ...red, where: 'ci' as const }
    const mended = finding('2026-11-20T11:30:00Z')
    expect(status([red, inCi, mended]).status).toBe('broken')
    expect(status([red, inCi, mended, finding('2026-11-20T11:31:00Z', { where: 'ci' })]).status).toBe('holds')
  })

  test('wins over a good finding of the same instant', () => {
    const good = finding(red.checkedAt)
    expect(status([good, red]).status).toBe('broken')
    expect(status([red, good]).status).toBe('broken')
  })

  test('counts its red period from the first red finding, with what was seen last', () => {
    const again = finding('2026-11-20T11:10:00Z', { status: 'broken', saw: '2 rows' })
    expect(status([again, red]).red).toEqual({ since: '2026-11-20T11:00:00.000Z', saw: '2 rows' })
  })

  test('is accepted to the end of the day that was set, and red from then on', () => {
    expect(status([red], [risk])).toMatchObject({ status: 'accepted', note: 'A demo.', accepted: risk })
    const midnight = { ...at, now: new Date('2026-11-21T00:00:00Z') }
    const lapsed = claimStatus(id, claim, [red], [risk], midnight)
    expect(lapsed).toMatchObject({ status: 'broken', note: 'It was accepted until 2026-11-20; that has passed.' })
    expect(claimStatus(id, claim, [red], [risk], { ...at, now: new Date('2026-11-20T23:59:59.999Z') }).status).toBe(
      'accepted',
    )
    expect(claimStatus(id, claim, [red], [risk, { ...risk, until: '2026-12-01' }], midnight).status).toBe('accepted')
  })

  test.each(['', 'never', '9999', '2026-13-40', '2027-02-31', '2027-01-31T00:00:00Z', 'Infinity'])(
    'is not accepted until “%s”',
    (until) => {
      expect(status([red], [{ ...risk, until }]).status).toBe('broken')
    },
  )

  test('is not accepted by what accepts another', () => {
    expect(status([red], [{ ...risk, claim: 'sessions/other' }]).status).toBe('broken')
  })
})

test('accepting a risk changes nothing but red', () => {
  for (const outcome of ['holds', 'inconclusive', 'not-applicable'] as const)
    expect(status([finding('2026-11-20T11:59:00Z', { status: outcome })], [risk]).status).toBe(outcome)
  expect(status([], [risk]).status).toBe('unproven')
  expect(status([finding('2026-11-20T10:00:00Z')], [risk]).status).toBe('stale')
})

describe('several together', () => {
  const standing = (of: Status, standIn = false) => ({ claim: id, status: of, standIn }) as const
  const row = { chapter: '', title: '', sentence: '', folder: '', asked: [] }

  test('stand as badly as the worst, for every pair of statuses', () => {
    const order: Status[] = [
      'broken',
      'accepted',
      'inconclusive',
      'stale',
      'unproven',
      'declared',
      'holds',
      'not-applicable',
    ]
    expect(order.toSorted()).toEqual([...statuses].toSorted())
    for (const [one, worse] of order.entries())
      for (const other of order.slice(one)) {
        expect(worst([worse, other])).toBe(worse)
        expect(worst([other, worse])).toBe(worse)
        expect(isGreen(jointStatus([standing(worse), standing(other)]))).toBe(
          worse === 'holds' && (other === 'holds' || other === 'not-applicable'),
        )
      }
    expect(worst([])).toBe('unproven')
  })

  test('are not green with one stand-in among them', () => {
    expect(jointStatus([standing('holds'), standing('holds', true)])).toMatchObject({ status: 'holds', standIn: true })
    expect(isGreen(jointStatus([standing('holds'), standing('holds', true)]))).toBe(false)
    expect(jointStatus([standing('broken'), standing('holds', true)])).toMatchObject({
      status: 'broken',
      standIn: false,
    })
  })

  test('keep a row unproven without a claim, with or without a note', () => {
    expect(promiseStatus(row, [])).toMatchObject({ status: 'unproven', note: 'No claim proves it yet.' })
    expect(promiseStatus({ ...row, missing: 'All.' }, [])).toMatchObject({ status: 'unproven', note: 'All.' })
  })

  test('never make a row green while something is missing, for every status', () => {
    const missing = { ...row, missing: 'Half.' }
    for (const of of statuses) {
      const whole = promiseStatus(row, [standing(of)])
      const half = promiseStatus(missing, [standing(of)])
      expect(whole.status).toBe(of)
      expect(half).toMatchObject({ status: worst([of, 'unproven']), note: 'Half.' })
      expect(isGreen(half)).toBe(false)
    }
    expect(promiseStatus(missing, [standing('holds', true)])).toMatchObject({ status: 'unproven', standIn: false })
  })

  test('are found by the row that they help to keep', () => {
    const claims = { 'a/one': claim, 'b/two': { ...claim, promises: ['A2', 'I3'] } } as const
    expect(claimsOf('I1', claims)).toEqual(['a/one'])
    expect(claimsOf('I3', claims)).toEqual(['b/two'])
    expect(claimsOf('X2', claims)).toEqual([])
    expect([...claimStandings(claims, [], [], at).keys()]).toEqual(['a/one', 'b/two'])
  })
})

describe('the strip of days', () => {
  const strip = (findings: Finding[], risks: AcceptedRisk[] = [], count = 90) =>
    days(id, claim, findings, risks, at, count)
  const of = (findings: Finding[], risks: AcceptedRisk[] = []) => strip(findings, risks, 5).map((day) => day.status)

  test('has the last 90 days of UTC, today last, and none where nothing looked', () => {
    const empty = strip([])
    expect(empty).toHaveLength(90)
    expect(empty[0]).toEqual({ date: '2026-08-23', status: 'none' })
    expect(empty.at(-1)).toEqual({ date: '2026-11-20', status: 'none' })
  })

  test('shows the worst of each day', () => {
    expect(
      of([
        finding('2026-11-17T23:59:59Z'),
        finding('2026-11-18T00:00:00Z', { status: 'inconclusive' }),
        finding('2026-11-18T00:10:00Z'),
        finding('2026-11-20T09:00:00Z', { status: 'broken' }),
        finding('2026-11-20T09:10:00Z'),
      ]),
    ).toEqual(['none', 'holds', 'inconclusive', 'none', 'broken'])
  })

  test('keeps a red period red until it is mended, also on days on which nothing ran', () => {
    const red = finding('2026-11-17T10:00:00Z', { status: 'broken' })
    expect(of([red])).toEqual(['none', 'broken', 'broken', 'broken', 'broken'])
    expect(of([red, finding('2026-11-19T10:00:00Z')])).toEqual(['none', 'broken', 'broken', 'broken', 'none'])
    expect(of([red, finding('2026-11-18T10:00:00Z', { status: 'inconclusive' })]).at(-1)).toBe('broken')
    expect(of([finding('2026-08-01T10:00:00Z', { status: 'broken' })])).toEqual(Array(5).fill('broken'))
  })

  test('draws as accepted what is accepted now, and leaves red what was mended', () => {
    const history = [
      finding('2026-11-16T10:00:00Z', { status: 'broken' }),
      finding('2026-11-16T11:00:00Z'),
      finding('2026-11-19T10:00:00Z', { status: 'broken' }),
    ]
    expect(of(history, [risk])).toEqual(['broken', 'none', 'none', 'accepted', 'accepted'])
    expect(of(history, [{ ...risk, until: '2026-11-19' }])).toEqual(['broken', 'none', 'none', 'broken', 'broken'])
  })

  test('never draws a doubtful finding as good', () => {
    expect(of([finding('2026-11-19T10:00:00Z', { examined: 0 })])[3]).toBe('inconclusive')
  })

  test('joins several strips by the worst of each day', () => {
    const joined = worstDays([
      strip([finding('2026-11-19T10:00:00Z')]),
      strip([finding('2026-11-20T10:00:00Z', { status: 'broken' })]),
    ])
    expect(joined.slice(-3).map((day) => day.status)).toEqual(['none', 'holds', 'broken'])
    expect(worstDays([])).toEqual([])
  })
})

test('thinning the findings changes neither status nor strip', () => {
  const minutes = fc.integer({ min: 0, max: 60 * 24 * 4 })
  const some = fc.record({
    ago: minutes,
    status: fc.constantFrom('holds', 'broken', 'inconclusive', 'not-applicable'),
    where: fc.constantFrom('live', 'ci'),
    against: fc.constantFrom('real', 'stand-in'),
    examined: fc.constantFrom(0, 1, 2),
  }) as fc.Arbitrary<Pick<Finding, 'status' | 'where' | 'against' | 'examined'> & { ago: number }>
  const distinct = fc.uniqueArray(some, { selector: (one) => one.ago, maxLength: 60 })
  fc.assert(
    fc.property(distinct, (list) => {
      const findings = list.map(({ ago, ...more }) =>
        finding(new Date(at.now.getTime() - ago * 60_000).toISOString(), more),
      )
      const fewer = thin(findings)
      expect(status(fewer)).toEqual(status(findings))
      expect(days(id, claim, fewer, [], at)).toEqual(days(id, claim, findings, [], at))
    }),
  )
})

test('thinning keeps four of a thousand equal findings of two days', () => {
  const findings = Array.from({ length: 1000 }, (_, index) =>
    finding(new Date(at.now.getTime() - index * 100_000).toISOString()),
  )
  expect(thin(findings)).toHaveLength(4)
})
