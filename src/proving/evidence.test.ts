import { describe, expect, test } from 'vitest'
import type { Claims } from '../kernel/claim.ts'
import type { Finding } from '../kernel/finding.ts'
import { promiseIds } from '../kernel/promises.ts'
import { type EvidenceInput, joinSecurityJson, securityJson } from './evidence.ts'
import { promises } from './promises.ts'

const now = new Date('2026-11-20T12:00:00Z')
const claims: Claims = {
  'accounts/verified-first': { sentence: 'Verified first.', promises: ['A2'], ttlMinutes: 60 },
  'sessions/revoked-at-once': { sentence: 'Revoked at once.', promises: ['A3'], ttlMinutes: 60 },
}
const good: Finding = {
  claim: 'accounts/verified-first',
  status: 'holds',
  saw: '404',
  examined: 7,
  where: 'live',
  against: 'real',
  checkedAt: '2026-11-20T11:58:00Z',
  expiresAt: '2026-11-20T12:58:00Z',
  milliseconds: 5,
  commit: 'c0ffee',
}
const red: Finding = { ...good, status: 'broken', saw: 'it opened' }

function evidence(findings: Finding[], more: Partial<EvidenceInput> = {}) {
  return securityJson({
    product: { name: 'crm', title: 'Northwind' },
    promises,
    claims,
    findings,
    accepted: [],
    now,
    commit: 'c0ffee',
    ...more,
  })
}
const promise = (json: ReturnType<typeof evidence>, id: string) => json.promises.find((one) => one.id === id)!
const claim = (json: ReturnType<typeof evidence>) => json.claims[0]!

describe('the evidence as JSON', () => {
  test('has every promise and every claim, found or not', () => {
    const json = evidence([good])
    expect(json.promises.map((one) => one.id)).toEqual([...promiseIds])
    expect(promise(json, 'A2')).toEqual({
      id: 'A2',
      title: 'Verified addresses',
      status: 'holds',
      against: 'real',
      claims: ['accounts/verified-first'],
    })
    expect(promise(json, 'E2')).toMatchObject({ status: 'unproven', note: promises.E2.missing })
    expect(json.claims).toEqual([
      {
        id: 'accounts/verified-first',
        product: 'crm',
        promises: ['A2'],
        sentence: 'Verified first.',
        status: 'holds',
        saw: '404',
        where: 'live',
        against: 'real',
        checkedAt: '2026-11-20T11:58:00Z',
        expiresAt: '2026-11-20T12:58:00Z',
        examined: 7,
        commit: 'c0ffee',
      },
      {
        id: 'sessions/revoked-at-once',
        product: 'crm',
        promises: ['A3'],
        sentence: 'Revoked at once.',
        status: 'unproven',
        note: 'No probe has run yet.',
        saw: null,
        where: null,
        against: null,
        checkedAt: null,
        expiresAt: null,
        examined: null,
        commit: null,
      },
    ])
    expect(JSON.parse(JSON.stringify(json))).toEqual(json)
  })

  test('shows red at once, and what was seen after a day or when it is mended', () => {
    const early = evidence([red])
    expect(claim(early)).toMatchObject({ status: 'broken', saw: null, sawFrom: '2026-11-21T11:58:00.000Z' })
    expect(claim(early).red).toEqual({ since: '2026-11-20T11:58:00.000Z', saw: null })
    expect(promise(early, 'A2').status).toBe('broken')
    expect(JSON.stringify(early)).not.toContain('it opened')

    const late = evidence([red], { now: new Date('2026-11-21T11:58:00Z') })
    expect(claim(late)).toMatchObject({ status: 'broken', saw: 'it opened' })
    expect(claim(late)).not.toHaveProperty('sawFrom')

    const mended = evidence([red, { ...good, checkedAt: '2026-11-20T11:59:00Z' }])
    expect(claim(mended)).toMatchObject({
      status: 'holds',
      saw: '404',
      red: { saw: 'it opened', until: '2026-11-20T11:59:00.000Z' },
    })
  })

  test('says who accepted what, and holds the details back all the same', () => {
    const risk = { claim: good.claim, reason: 'Demo.', owner: 'Ops', until: '2026-12-31' }
    const json = evidence([red], { accepted: [risk] })
    expect(claim(json)).toMatchObject({
      status: 'accepted',
      saw: null,
      accepted: { reason: 'Demo.', owner: 'Ops', until: '2026-12-31' },
    })
    expect(promise(json, 'A2').status).toBe('accepted')
  })

  test('never lets a stand-in pass for the real part', () => {
    const json = evidence([{ ...good, against: 'stand-in' }])
    expect(promise(json, 'A2')).toMatchObject({ status: 'holds', against: 'stand-in' })
    expect(claim(json)).toMatchObject({ status: 'holds', against: 'stand-in' })
  })
})

describe('the evidence of two products together', () => {
  const study = (findings: Finding[]) => evidence(findings, { product: { name: 'study', title: 'Ebb' } })

  test('stands as badly as the worst, and keeps the claims of both', () => {
    const both = joinSecurityJson([evidence([good]), study([red])])
    expect(both.products).toEqual(['crm', 'study'])
    expect(promise(both, 'A2')).toMatchObject({ status: 'broken', claims: ['accounts/verified-first'] })
    expect(promise(both, 'A2')).not.toHaveProperty('against')
    expect(both.claims.map((one) => [one.product, one.status])).toEqual([
      ['crm', 'holds'],
      ['crm', 'unproven'],
      ['study', 'broken'],
      ['study', 'unproven'],
    ])
  })

  test('is against a stand-in if one is', () => {
    const standIn = study([{ ...good, against: 'stand-in' }])
    for (const parts of [
      [evidence([good]), standIn],
      [standIn, evidence([good])],
    ])
      expect(promise(joinSecurityJson(parts), 'A2')).toMatchObject({ status: 'holds', against: 'stand-in' })
    expect(promise(joinSecurityJson([evidence([good]), study([good])]), 'A2')).toMatchObject({
      status: 'holds',
      against: 'real',
    })
  })

  test('lets what does not apply to one weigh nothing', () => {
    const both = joinSecurityJson([evidence([good]), study([{ ...good, status: 'not-applicable' }])])
    expect(promise(both, 'A2').status).toBe('holds')
  })

  test('needs at least one', () => {
    expect(() => joinSecurityJson([])).toThrow('no evidence')
  })
})
