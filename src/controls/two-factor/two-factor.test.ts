import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { stepAt, totpCode } from './totp.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

const post = (path: string, cookie: string, body: unknown = {}, method = 'POST') =>
  world.fetch(path, { method, body, cookie })
const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0]!.split(';')[0]!
const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code
/** A code a number of steps from now: each is taken once, and only the one before, this one and the next are taken at all. */
const codeAt = (key: Uint8Array, steps: number) => totpCode(key, stepAt(Date.now()) + steps)

/** Enrols an authenticator app, with the code of the step before. */
async function enrol(visitor: Visitor) {
  const begun = await post('/api/account/factors/totp', visitor.cookie)
  expect(begun.status).toBe(201)
  const { enrolment, key, link } = (await begun.json()) as { enrolment: string; key: string; link: string }
  const bytes = fromBase32(key)
  const confirmed = await post('/api/account/factors/totp/confirm', visitor.cookie, {
    enrolment,
    code: codeAt(bytes, -1),
  })
  expect(confirmed.status).toBe(200)
  const { recoveryCodes } = (await confirmed.json()) as { recoveryCodes: string[] }
  return { key: bytes, link, recoveryCodes, cookie: cookieOf(confirmed) }
}

async function signIn({ address, password }: Visitor) {
  const answer = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
  expect(answer.status).toBe(200)
  return { ...((await answer.json()) as { verified: boolean; secondStep: unknown }), cookie: cookieOf(answer) }
}

function fromBase32(text: string): Uint8Array {
  const bits = [...text].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
  return Uint8Array.from(bits.join('').match(/.{8}/g)!, (byte) => Number.parseInt(byte, 2))
}

describe('an authenticator app', () => {
  test('is enrolled by a code, and from then on the password alone opens nothing but the second step', async () => {
    const ada = await world.joinWithOrganisation()
    const elsewhere = await signIn(ada)
    const { key, cookie, recoveryCodes, link } = await enrol(ada)
    expect(link).toMatch(/^otpauth:\/\/totp\/Bight:/)
    expect(recoveryCodes).toHaveLength(10)
    // The session that enrolled goes on, by a new cookie; the others are over.
    expect((await world.fetch(`/api/o/${ada.organisation}/members`, { cookie })).status).toBe(200)
    for (const old of [ada.cookie, elsewhere.cookie])
      expect((await world.fetch('/api/me', { cookie: old })).status).toBe(401)

    const half = await signIn(ada)
    expect(half.secondStep).toEqual({ totp: true, passkey: false, recoveryCode: true })
    for (const path of ['/api/me', `/api/o/${ada.organisation}/members`, '/api/account/factors']) {
      const answer = await world.fetch(path, { cookie: half.cookie })
      expect([path, answer.status, await codeOf(answer)]).toEqual([path, 428, 'tenant-isolation/second-factor-not-shown'])
    }
    expect((await post('/api/session/code', half.cookie, { code: '000000' })).status).toBe(422)
    const shown = await post('/api/session/code', half.cookie, { code: codeAt(key, 0) })
    expect(shown.status).toBe(204)
    expect((await world.fetch('/api/me', { cookie: cookieOf(shown) })).status).toBe(200)
    expect((await world.fetch('/api/me', { cookie: half.cookie })).status).toBe(401)
  })
})
