import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../kernel/refusal.ts'
import type { Limit } from '../../platform/http/route.ts'
import { clientAddress, createLimits, type Limits, trustProxies } from './rate-limits.ts'

const signIn: Limit = { name: 'sign-in', quota: 5, windowSeconds: 60 }

function fresh(clock = { now: 0 }): Limits {
  return createLimits({
    limits: [signIn],
    overall: { name: 'overall', quota: 100_000, windowSeconds: 60 },
    now: () => clock.now,
  })
}

function passes(limits: Limits, address: string): boolean {
  try {
    limits.spendByAddress(address, signIn)
    return true
  } catch (error) {
    if (error instanceof Refusal && error.kind.status === 429) return false
    throw error
  }
}

describe('one client cannot become many', () => {
  test('the 2^64 addresses of one IPv6 network share one bucket', () => {
    const limits = fresh()
    let passed = 0
    for (let host = 0; host < 20_000; host++) {
      const tail = Array.from({ length: 4 }, () => Math.floor(Math.random() * 0xffff).toString(16)).join(':')
      if (passes(limits, `2001:db8:1:2:${tail}`)) passed++
    }
    expect(passed).toBe(5)
  })

  test('the 65,536 networks of one IPv6 customer share one wider bucket', () => {
    const limits = fresh()
    let passed = 0
    for (let network = 0; network < 65_536; network++)
      if (passes(limits, `2001:db8:1:${network.toString(16)}::1`)) passed++
    expect(passed).toBe(40)
    expect(passes(limits, '2001:db8:2::1')).toBe(true)
  })

  test('made-up forwarding headers from a stranger change nothing', () => {
    const proxies = trustProxies(['10.0.0.0/8'])
    const limits = fresh()
    let passed = 0
    for (let index = 0; index < 100; index++) {
      const headers = new Headers({ 'x-forwarded-for': `198.51.100.${index}`, 'x-real-ip': `198.51.100.${index}` })
      if (passes(limits, clientAddress('192.0.2.1', headers, proxies))) passed++
    }
    expect(passed).toBe(5)
  })

  test('behind a trusted proxy, what the client wrote to the left of it changes nothing', () => {
    const proxies = trustProxies(['10.0.0.0/8'])
    const limits = fresh()
    let passed = 0
    for (let index = 0; index < 100; index++) {
      const headers = new Headers({ 'x-forwarded-for': `198.51.100.${index}, 10.0.0.9, 192.0.2.1` })
      if (passes(limits, clientAddress('10.0.0.1', headers, proxies))) passed++
    }
    expect(passed).toBe(5)
  })

  test('one address in many spellings is one client', () => {
    const limits = fresh()
    const spellings = [
      '192.0.2.1',
      '::ffff:192.0.2.1',
      '::ffff:c000:201',
      '0:0:0:0:0:FFFF:192.0.2.1',
      '::FFFF:192.0.2.1',
    ]
    for (const peer of spellings) expect(passes(limits, clientAddress(peer, new Headers(), undefined))).toBe(true)
    expect(passes(limits, clientAddress('192.0.2.1', new Headers(), undefined))).toBe(false)
  })
})

function memoryInUse(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe('a flood of addresses', () => {
  test('takes no more memory, and gives no spent client a new quota', () => {
    const limits = fresh()
    for (let index = 0; index < 5; index++) expect(passes(limits, '192.0.2.1')).toBe(true)
    for (let index = 0; index < 50_000; index++)
      passes(limits, `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`)
    const before = memoryInUse()
    for (let index = 50_000; index < 400_000; index++)
      passes(limits, `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`)
    expect(memoryInUse() - before).toBeLessThan(2_000_000)
    expect(passes(limits, '192.0.2.1')).toBe(false)
  })

  test('of 5,000 addresses that spend all they have refuses fewer than one stranger in fifty, and is over in a window', () => {
    const clock = { now: 0 }
    const limits = fresh(clock)
    for (let host = 0; host < 5000; host++)
      for (let index = 0; index < 5; index++) passes(limits, `10.0.${host >> 8}.${host & 255}`)
    const strangers = Array.from({ length: 1000 }, (_, host) => `172.16.${host >> 8}.${host & 255}`)
    expect(strangers.filter((address) => !passes(limits, address)).length).toBeLessThan(20)
    clock.now += 60_000
    expect(strangers.filter((address) => !passes(limits, address)).length).toBe(0)
  })
})

test('a long header of proxies is walked for twenty hops, not for ever', () => {
  const proxies = trustProxies(['10.0.0.0/8'])
  const headers = new Headers({ 'x-forwarded-for': `198.51.100.1, ${'10.0.0.2, '.repeat(100_000)}10.0.0.2` })
  const started = performance.now()
  expect(clientAddress('10.0.0.1', headers, proxies)).toBe('10.0.0.2')
  expect(performance.now() - started).toBeLessThan(50)
})
