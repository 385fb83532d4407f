import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../kernel/refusal.ts'
import type { Limit } from '../../platform/http/route.ts'
import { canonicalAddress, writeNetwork } from './address.ts'
import { clientAddress, createLimits, joinHeaders, type Limits, trustProxies } from './rate-limits.ts'
import { createLocator, newSketch, raiseSketch, readSketch, rows } from './sketch.ts'

const signIn: Limit = { name: 'sign-in', quota: 5, windowSeconds: 60 }
const overall: Limit = { name: 'overall', quota: 1000, windowSeconds: 60 }

function limitsAt(clock: { now: number }, more: Partial<Parameters<typeof createLimits>[0]> = {}): Limits {
  return createLimits({ limits: [signIn], overall, now: () => clock.now, ...more })
}

function refusal(spend: () => unknown): Refusal | undefined {
  try {
    spend()
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

describe('spending', () => {
  test('a quota, then a refusal that says when', () => {
    const clock = { now: 1_000_000 }
    const limits = limitsAt(clock)
    const seen = Array.from({ length: 5 }, () => limits.spendByAddress('192.0.2.1', signIn))
    expect(seen.map((headers) => headers.ratelimit)).toEqual([4, 3, 2, 1, 0].map((left) => `"sign-in";r=${left};t=12`))
    expect(seen[0]!['ratelimit-policy']).toBe('"sign-in";q=5;w=60')
    const refused = refusal(() => limits.spendByAddress('192.0.2.1', signIn))
    expect(refused?.kind).toMatchObject({ status: 429, code: 'rate-limits/too-many-requests' })
    expect(refused?.headers).toEqual({
      'retry-after': '12',
      'ratelimit-policy': '"sign-in";q=5;w=60',
      ratelimit: '"sign-in";r=0;t=12',
    })
  })

  test('Retry-After is exact: a moment before it is refused, then it passes once', () => {
    const clock = { now: 0 }
    const limits = limitsAt(clock)
    for (let index = 0; index < 5; index++) limits.spendByAddress('192.0.2.1', signIn)
    clock.now = 11_990
    expect(refusal(() => limits.spendByAddress('192.0.2.1', signIn))?.headers['retry-after']).toBe('1')
    clock.now = 12_000
    expect(limits.spendByAddress('192.0.2.1', signIn).ratelimit).toBe('"sign-in";r=0;t=12')
    expect(refusal(() => limits.spendByAddress('192.0.2.1', signIn))).toBeDefined()
    clock.now += 60_000
    expect(limits.spendByAddress('192.0.2.1', signIn).ratelimit).toBe('"sign-in";r=4;t=12')
  })

  test('a refused request costs nothing, so hammering does not lock anyone out for longer', () => {
    const clock = { now: 0 }
    const limits = limitsAt(clock)
    for (let index = 0; index < 5; index++) limits.spendByAddress('192.0.2.1', signIn)
    for (let index = 0; index < 1000; index++) refusal(() => limits.spendByAddress('192.0.2.1', signIn))
    clock.now = 12_000
    expect(refusal(() => limits.spendByAddress('192.0.2.1', signIn))).toBeUndefined()
  })

  test('policies and addresses do not spend from each other', () => {
    const limits = limitsAt({ now: 0 })
    for (let index = 0; index < 5; index++) limits.spendByAddress('192.0.2.1', signIn)
    expect(limits.spendByAddress('192.0.2.2', signIn).ratelimit).toBe('"sign-in";r=4;t=12')
    expect(limits.spendOverall('192.0.2.1').ratelimit).toBe('"overall";r=999;t=1')
  })

  test('in any stretch of time no more pass than the quota and what came back', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 200 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100 }), (waits, quota, seconds) => {
        const clock = { now: 7 }
        const limit = { name: 'x', quota, windowSeconds: seconds }
        const limits = createLimits({ limits: [limit], overall, now: () => clock.now })
        const passes: number[] = []
        for (const wait of waits) {
          clock.now += wait
          if (!refusal(() => limits.spendByAddress('192.0.2.1', limit))) passes.push(clock.now)
        }
        for (let from = 0; from < passes.length; from++)
          for (let to = from; to < passes.length; to++) {
            const cameBack = ((passes[to]! - passes[from]!) * quota) / (seconds * 1000)
            expect(to - from + 1).toBeLessThanOrEqual(quota + cameBack + 1e-3)
          }
      }),
      { numRuns: 50 },
    )
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, undefined as unknown as number])(
    'a clock that says %s refuses',
    (now) => {
      const refused = refusal(() => limitsAt({ now }).spendByAddress('192.0.2.1', signIn))
      expect(refused?.headers['retry-after']).toMatch(/^\d+$/)
    },
  )

  test('two spendings in one answer are two members of one list', () => {
    const limits = limitsAt({ now: 0 })
    expect(joinHeaders(limits.spendOverall('192.0.2.1'), limits.spendByAddress('192.0.2.1', signIn))).toEqual({
      'ratelimit-policy': '"overall";q=1000;w=60, "sign-in";q=5;w=60',
      ratelimit: '"overall";r=999;t=1, "sign-in";r=4;t=12',
    })
  })
})

describe('policies', () => {
  test.each<[string, Limit[]]>([
    ['one name, two limits', [signIn, { ...signIn, quota: 6 }]],
    ['the name of the overall limit', [{ ...signIn, name: 'overall' }]],
    ['a name that could end the header', [{ ...signIn, name: 'x";q=9' }]],
    ['no quota', [{ ...signIn, quota: 0 }]],
    ['a broken quota', [{ ...signIn, quota: 1.5 }]],
    ['no window', [{ ...signIn, windowSeconds: 0 }]],
    ['not a number', [{ ...signIn, windowSeconds: Number.NaN }]],
  ])('refused at start: %s', (_, limits) => {
    expect(() => createLimits({ limits, overall })).toThrow(Error)
  })

  test('a limit that was not declared is learned; another one of its name is an error, not a free pass', () => {
    const limits = limitsAt({ now: 0 })
    const late = { ...signIn, name: 'late' }
    expect(limits.spendByAddress('192.0.2.1', late).ratelimit).toBe('"late";r=4;t=12')
    expect(() => limits.spendByAddress('192.0.2.1', { ...late, quota: 6 })).toThrow('two different limits')
    expect(() => limits.spendByAddress('192.0.2.1', { ...signIn, windowSeconds: 6 })).toThrow('two different limits')
    expect(() => limits.spendByAddress('192.0.2.1', { ...signIn, name: 'A B' })).toThrow('is a word')
  })

  test('names without end are refused: they would be memory without end', () => {
    const limits = limitsAt({ now: 0 })
    const spend = () => {
      for (let index = 0; index < 500; index++)
        limits.spendByAddress('192.0.2.1', { ...signIn, name: `limit-${index}` })
    }
    expect(spend).toThrow('more than 200 limits')
  })
})

describe('the sketch', () => {
  test('never reads earlier than the truth, however full it is', () => {
    const spends = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 50 })), {
      maxLength: 300,
    })
    fc.assert(
      fc.property(spends, fc.constantFrom(2, 4, 16), (steps, columns) => {
        const locate = createLocator(columns)
        const sketch = newSketch(columns)
        const truth = new Map<number, number>()
        const at = new Uint32Array(rows)
        for (const [key, cost] of steps) {
          locate(new Uint8Array([key]), 1, at)
          const next = readSketch(sketch, at) + cost
          raiseSketch(sketch, at, next)
          truth.set(key, (truth.get(key) ?? 0) + cost)
        }
        for (const [key, time] of truth) {
          locate(new Uint8Array([key]), 1, at)
          expect(readSketch(sketch, at)).toBeGreaterThanOrEqual(time)
        }
      }),
    )
  })

  test('spreads neighbouring addresses: 1,000 of them leave a stranger untouched', () => {
    const limits = limitsAt({ now: 0 })
    for (let host = 0; host < 1000; host++)
      for (let index = 0; index < 5; index++) limits.spendByAddress(`10.0.${host >> 8}.${host & 255}`, signIn)
    let refused = 0
    for (let host = 0; host < 250; host++)
      if (refusal(() => limits.spendByAddress(`198.51.100.${host}`, signIn))) refused++
    expect(refused).toBeLessThanOrEqual(1)
  })
})

describe('addresses', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:C000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['::', '::'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
  })

  test.each([
    '',
    'unknown',
    '192.0.2',
    '192.0.2.01',
    '0x7f.1',
    '2130706433',
    '1.2.3.4.5',
    '::g',
    '[::1]',
    ' 192.0.2.1',
    '192.0.2.1\n',
    '1::2::3',
  ])('%j is none', (text) => {
    expect(canonicalAddress(text)).toBeUndefined()
  })

  test('an IPv4 address is named by its four bytes, an IPv6 address by its first eight', () => {
    const key = new Uint8Array(8)
    const bytes = (address: string) => [...key.slice(0, writeNetwork(address, key))].map((byte) => byte.toString(16))
    expect(bytes('192.0.2.255')).toEqual(['c0', '0', '2', 'ff'])
    expect(bytes('2001:db8:1:2:3:4:5:6').join(' ')).toBe('20 1 d b8 0 1 0 2')
    expect(bytes('::').join('')).toBe('00000000')
    expect(bytes('::1').join('')).toBe('00000000')
    expect(bytes('1::').join(' ')).toBe('0 1 0 0 0 0 0 0')
    expect(bytes('::2:3:4:5:6:7:8').join(' ')).toBe('0 0 0 2 0 3 0 4')
    expect(bytes('1:2:3::').join(' ')).toBe('0 1 0 2 0 3 0 0')
    expect(bytes('::1.2.3.4').join('')).toBe('00000000')
  })

  test('whatever the address and its spelling, its key is its first 64 bits', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        fc.pre(!(groups.slice(0, 5).every((one) => one === 0) && groups[5] === 0xffff))
        const canonical = canonicalAddress(groups.map((one) => one.toString(16).padStart(4, '0')).join(':'))!
        const key = new Uint8Array(8)
        expect(writeNetwork(canonical, key)).toBe(8)
        expect([...key]).toEqual(groups.slice(0, 4).flatMap((one) => [one >> 8, one & 0xff]))
      }),
    )
  })
})

describe('clientAddress', () => {
  const proxies = trustProxies(['10.0.0.0/8', '2001:db8:ffff::/48', '203.0.113.7'])
  const from = (peer: string | undefined, forwarded?: string) =>
    clientAddress(peer, new Headers(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }), proxies)

  test.each<[string, string, string | undefined, string]>([
    ['no proxy', '192.0.2.1', undefined, '192.0.2.1'],
    ['a client that is no proxy is not believed', '192.0.2.1', '198.51.100.1', '192.0.2.1'],
    ['one proxy', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['one proxy, dual stack', '::ffff:10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['the client wrote first, the proxy appended', '10.0.0.1', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['two proxies', '10.0.0.1', '198.51.100.1, 203.0.113.7', '198.51.100.1'],
    ['an untrusted one in between ends it', '10.0.0.1', '198.51.100.1, 192.0.2.9, 203.0.113.7', '192.0.2.9'],
    ['proxies alone', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['a proxy without the header', '10.0.0.1', undefined, '10.0.0.1'],
    ['an empty header', '10.0.0.1', '', '10.0.0.1'],
    ['empty entries', '10.0.0.1', ',,', '10.0.0.1'],
    ['no address', '10.0.0.1', '198.51.100.1, unknown', '10.0.0.1'],
    ['no address behind a proxy', '10.0.0.1', 'evil, 10.0.0.2', '10.0.0.2'],
    ['with a port', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['IPv6 with a port', '10.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
    ['IPv6 in a long form', '2001:db8:ffff::1', '2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
  ])('%s', (_, peer, forwarded, expected) => {
    expect(from(peer, forwarded)).toBe(expected)
  })

  test('a connection without an address is refused', () => {
    for (const peer of [undefined, '', '/run/holdfast.sock'])
      expect(refusal(() => from(peer))?.kind.code).toBe('rate-limits/address-unknown')
  })

  test('networks that are none, or everybody, are all named in one error', () => {
    expect(trustProxies([])).toBeUndefined()
    const bad = ['0.0.0.0/0', '::/0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'proxy.example', '10.0.0.0/+8', '']
    expect(() => trustProxies(['10.0.0.0/8', ...bad])).toThrow(`not a network of trusted proxies: ${bad.join(', ')}`)
  })
})
