import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { stepAt, totpCode } from './totp.ts'

// People who join, each by a hash or two: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

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
  const bits = [...text].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
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
      expect([path, answer.status, await codeOf(answer)]).toEqual([
        path,
        428,
        'tenant-isolation/second-factor-not-shown',
      ])
    }
    expect((await post('/api/session/code', half.cookie, { code: '000000' })).status).toBe(422)
    const shown = await post('/api/session/code', half.cookie, { code: codeAt(key, 0) })
    expect(shown.status).toBe(204)
    expect((await world.fetch('/api/me', { cookie: cookieOf(shown) })).status).toBe(200)
    expect((await world.fetch('/api/me', { cookie: half.cookie })).status).toBe(401)
  })

  test('takes a clock that is half a minute off on either side, and nothing beyond', async () => {
    const ada = await world.join()
    const { key, cookie } = await enrol(ada)
    for (const [steps, status] of [
      [-2, 422],
      [2, 422],
      [0, 204],
      [1, 204],
    ] as const) {
      const half = await signIn(ada)
      expect([steps, (await post('/api/session/code', half.cookie, { code: codeAt(key, steps) })).status]).toEqual([
        steps,
        status,
      ])
    }
    expect(cookie).toBeTruthy()
  })

  test('is replaced by enrolling another, whose codes alone count then', async () => {
    const ada = await world.join()
    const first = await enrol(ada)
    const second = await enrol({ ...ada, cookie: first.cookie })
    expect(second.recoveryCodes).toEqual([])
    const half = await signIn(ada)
    expect((await post('/api/session/code', half.cookie, { code: codeAt(first.key, 0) })).status).toBe(422)
    expect((await post('/api/session/code', half.cookie, { code: codeAt(second.key, 0) })).status).toBe(204)
  })

  test('is removed with all it brought: the password alone opens again', async () => {
    const ada = await world.join()
    const { cookie } = await enrol(ada)
    expect((await post('/api/account/factors/totp', cookie, undefined, 'DELETE')).status).toBe(204)
    const after = await signIn(ada)
    expect(after.secondStep).toBeNull()
    expect((await world.fetch('/api/me', { cookie: after.cookie })).status).toBe(200)
    const left = await world.superuser(
      `select count(*)::int as count from holdfast.recovery_code where person_id = $1`,
      [ada.person],
    )
    expect(left).toEqual([{ count: 0 }])
  })

  test('tells its owner of every change by mail', async () => {
    const ada = await world.join()
    const { cookie, recoveryCodes } = await enrol(ada)
    const half = await signIn(ada)
    expect((await post('/api/session/recovery-code', half.cookie, { code: recoveryCodes[0] })).status).toBe(204)
    expect((await post('/api/account/factors/totp', cookie, undefined, 'DELETE')).status).toBe(204)
    await expect
      .poll(() => world.mails.filter(({ to }) => to === ada.address).map(({ subject }) => subject))
      .toEqual(
        expect.arrayContaining([
          'An authenticator app was added: Bight',
          'You have new recovery codes: Bight',
          'A recovery code was used: Bight',
          'An authenticator app was removed: Bight',
        ]),
      )
  })

  test('leaves its key nowhere but in the one answer', async () => {
    const ada = await world.join()
    const { key } = await enrol(ada)
    const [row] = await world.superuser(`select sealed from holdfast.totp where person_id = $1`, [ada.person])
    expect(row!.sealed).toMatch(/^hf1\./)
    const everything = JSON.stringify([world.requests, world.mails, world.failures])
    for (const form of ['hex', 'base64url', 'latin1'] as const)
      expect(everything).not.toContain(Buffer.from(key).toString(form))
  })
})

describe('recovery codes', () => {
  test('open once each, are counted, and new ones kill the old', async () => {
    const ada = await world.join()
    const { recoveryCodes, cookie } = await enrol(ada)
    const [first, second] = recoveryCodes
    const half = await signIn(ada)
    const shown = await post('/api/session/recovery-code', half.cookie, {
      code: first!.toLowerCase().replaceAll('-', ' '),
    })
    expect(shown.status).toBe(204)
    expect((await world.fetch('/api/me', { cookie: cookieOf(shown) })).status).toBe(200)
    const again = await signIn(ada)
    expect((await post('/api/session/recovery-code', again.cookie, { code: first })).status).toBe(422)
    expect(await (await world.fetch('/api/account/factors', { cookie })).json()).toMatchObject({ codesLeft: 9 })

    const renewed = await post('/api/account/recovery-codes', cookie)
    expect(renewed.status).toBe(200)
    const { recoveryCodes: fresh } = (await renewed.json()) as { recoveryCodes: string[] }
    expect((await post('/api/session/recovery-code', again.cookie, { code: second })).status).toBe(422)
    expect((await post('/api/session/recovery-code', again.cookie, { code: fresh[0] })).status).toBe(204)
  })

  test('are only for whoever has a factor that they could stand in for', async () => {
    const ada = await world.join()
    const refused = await post('/api/account/recovery-codes', ada.cookie)
    expect([refused.status, await codeOf(refused)]).toEqual([409, 'two-factor/no-factor'])
  })
})

describe('showing again who one is', () => {
  const grow = (person: string) =>
    world.superuser(`update holdfast.pass set shown_at = shown_at - interval '16 minutes' where person_id = $1`, [
      person,
    ])

  test('is asked of a session that signed in a quarter of an hour ago, before a factor changes', async () => {
    const ada = await world.join()
    await grow(ada.person)
    const refused = await post('/api/account/factors/totp', ada.cookie)
    expect([refused.status, await codeOf(refused)]).toEqual([428, 'tenant-isolation/show-again'])
    expect((await post('/api/session/password', ada.cookie, { password: 'not the password' })).status).toBe(422)
    const shown = await post('/api/session/password', ada.cookie, { password: ada.password })
    expect(shown.status).toBe(204)
    expect((await world.fetch('/api/me', { cookie: ada.cookie })).status).toBe(401)
    expect((await post('/api/account/factors/totp', cookieOf(shown))).status).toBe(201)
  })

  test('takes the second factor from whoever has one: the password is not enough', async () => {
    const ada = await world.join()
    const { key, cookie } = await enrol(ada)
    await grow(ada.person)
    const refused = await post('/api/session/password', cookie, { password: ada.password })
    expect([refused.status, await codeOf(refused)]).toEqual([428, 'tenant-isolation/second-factor-not-shown'])
    const shown = await post('/api/session/code', cookie, { code: codeAt(key, 0) })
    expect(shown.status).toBe(204)
    expect((await post('/api/account/factors/totp', cookieOf(shown), undefined, 'DELETE')).status).toBe(204)
  })
})
