import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { mailedToken, startWorld, type World } from '../../../test/world/world.ts'
import { stepAt, totpCode } from './totp.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

const post = (path: string, body: unknown = {}, cookie?: string) =>
  world.fetch(path, { method: 'POST', body, ...(cookie === undefined ? {} : { cookie }) })
const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0]!.split(';')[0]!
const signIn = (address: string, password: string) => post('/api/sign-in', { address, password })
const token = (address: string, page: string) => mailedToken(world.mails, address, new RegExp(`/${page}#([\\w-]+)`))
const housekeep = () => world.foundation.logins.worker.query({ text: 'select holdfast.run_recoveries()', values: [] })
const dueAt = async (cookie: string) =>
  ((await (await world.fetch('/api/recovery', { cookie })).json()) as { dueAt: string | null }).dueAt
const later = (person: string, days: number) =>
  world.superuser(
    `update holdfast.factor_recovery set begun_at = begun_at - make_interval(days => $2), due_at = due_at - make_interval(days => $2)
      where person_id = $1 and ended_at is null`,
    [person, days],
  )

async function subjects(address: string, atLeast: number, like: RegExp): Promise<string[]> {
  const all = () =>
    world.mails.filter(({ to, subject }) => to === address && like.test(subject)).map(({ subject }) => subject)
  for (let attempt = 0; attempt < 100 && all().length < atLeast; attempt++)
    await new Promise((go) => setTimeout(go, 50))
  return all()
}

/** An owner with an authenticator app, who has just shown the password alone. */
async function lockedOut() {
  const owner = await world.joinWithOrganisation()
  const begun = (await (await post('/api/account/factors/totp', {}, owner.cookie)).json()) as {
    enrolment: string
    key: string
  }
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...begun.key].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Uint8Array.from(bits.match(/.{8}/g)!, (byte) => Number.parseInt(byte, 2))
  const code = (steps: number) => totpCode(key, stepAt(Date.now()) + steps)
  const confirmed = await post(
    '/api/account/factors/totp/confirm',
    { enrolment: begun.enrolment, code: code(-1) },
    owner.cookie,
  )
  expect(confirmed.status).toBe(200)
  const half = cookieOf(await signIn(owner.address, owner.password))
  return { ...owner, code, half, whole: cookieOf(confirmed) }
}

async function begin({ address, half }: { address: string; half: string }): Promise<void> {
  expect((await post('/api/recovery', {}, half)).status).toBe(202)
  const link = await token(address, 'begin-recovery')
  const all = await Promise.all(Array.from({ length: 4 }, () => post('/api/recovery/begin', { token: link })))
  expect(all.map(({ status }) => status).sort()).toEqual([200, 410, 410, 410])
}

test('the factors go seven days after the link, with a mail at the start, halfway and at the end, and not before', async () => {
  const owner = await lockedOut()
  expect(await dueAt(owner.half)).toBeNull()
  await begin(owner)
  // Every session is told, whatever it has shown.
  expect(await dueAt(owner.half)).not.toBeNull()
  expect(await dueAt(owner.whole)).toBe(await dueAt(owner.half))
  await housekeep()
  await later(owner.person, 4)
  await housekeep()
  await housekeep()
  expect((await signIn(owner.address, owner.password)).status).toBe(200)
  const refused = await world.fetch('/api/me', { cookie: owner.half })
  expect(refused.status).toBe(428)
  await later(owner.person, 3)
  await housekeep()
  expect((await world.fetch('/api/me', { cookie: owner.whole })).status).toBe(401)
  const open = cookieOf(await signIn(owner.address, owner.password))
  expect((await world.fetch(`/api/o/${owner.organisation}/members`, { cookie: open })).status).toBe(200)
  // In the order of the alphabet: the worker sends several at once.
  const ofRecovery = /^Have you lost|^In about three days|^In seven days|were removed/
  expect((await subjects(owner.address, 4, ofRecovery)).sort()).toEqual([
    expect.stringMatching(/^Have you lost/),
    expect.stringMatching(/^In about three days/),
    expect.stringMatching(/^In seven days/),
    expect.stringMatching(/were removed$/),
  ])
  const recorded = await world.superuser(
    `select person_id, reset_by from holdfast.factor_reset where organisation_id = $1`,
    [owner.organisation],
  )
  expect(recorded).toEqual([{ person_id: owner.person, reset_by: owner.person }])
}, 60_000)

test('it is stopped by the link in any of its mails, once', async () => {
  const owner = await lockedOut()
  await begin(owner)
  const stop = await token(owner.address, 'stop-recovery')
  expect((await post('/api/recovery/stop', { token: stop })).status).toBe(200)
  expect((await post('/api/recovery/stop', { token: stop })).status).toBe(410)
  await later(owner.person, 30)
  await housekeep()
  await housekeep()
  expect(await dueAt(owner.half)).toBeNull()
  expect((await world.fetch('/api/me', { cookie: owner.half })).status).toBe(428)
}, 60_000)

test('it is stopped by whoever signs in with a factor', async () => {
  const owner = await lockedOut()
  await begin(owner)
  expect((await post('/api/session/code', { code: owner.code(0) }, owner.half)).status).toBe(204)
  const [row] = await world.superuser('select outcome from holdfast.factor_recovery where person_id = $1', [
    owner.person,
  ])
  expect(row).toEqual({ outcome: 'signed-in' })
}, 60_000)

test('it never leaves less than three days after the mail halfway, however long nothing ran', async () => {
  const owner = await lockedOut()
  await begin(owner)
  await later(owner.person, 30)
  await housekeep()
  await housekeep()
  expect((await world.fetch('/api/me', { cookie: owner.half })).status).toBe(428)
  const due = Date.parse((await dueAt(owner.half))!)
  expect(due - Date.now()).toBeGreaterThan(2.9 * 86_400_000)
}, 60_000)

test('it is nothing for whoever has no factor, without a session, or by a link of another kind', async () => {
  const { cookie, address } = await world.join()
  expect((await post('/api/recovery', {}, cookie)).status).toBe(409)
  expect((await post('/api/recovery', {})).status).toBe(401)
  await post('/api/reset', { address })
  const link = await token(address, 'new-password')
  for (const path of ['/api/recovery/begin', '/api/recovery/stop'])
    expect((await post(path, { token: link })).status).toBe(410)
})

test('it is asked for three times a day', async () => {
  const owner = await lockedOut()
  const all: number[] = []
  for (let at = 0; at < 4; at++) all.push((await post('/api/recovery', {}, owner.half)).status)
  expect(all).toEqual([202, 202, 202, 429])
}, 60_000)

test('its link is dead once the password was replaced: whoever asked for it knew the old one', async () => {
  const owner = await lockedOut()
  expect((await post('/api/recovery', {}, owner.half)).status).toBe(202)
  const begins = await token(owner.address, 'begin-recovery')
  await post('/api/reset', { address: owner.address })
  const reset = await token(owner.address, 'new-password')
  const finished = await post('/api/reset/finish', { token: reset, password: 'six quiet herons stand there' })
  expect(finished.status).toBe(200)
  expect((await post('/api/recovery/begin', { token: begins })).status).toBe(410)
}, 60_000)

test('whoever signs in with a factor at the moment when it is due stops it still', async () => {
  const owner = await lockedOut()
  await begin(owner)
  await later(owner.person, 4)
  await housekeep()
  await later(owner.person, 4)
  const client = new pg.Client({ ...inject('superuser'), database: world.database.database })
  await client.connect()
  try {
    // As signing in does: the person first, and then what waits for them.
    await client.query('begin')
    await client.query('select holdfast.lock_person($1)', [owner.person])
    const racing = housekeep()
    await expect.poll(waiting, { timeout: 20_000 }).toBe(1)
    await client.query(`select holdfast.end_recovery($1, 'signed-in')`, [owner.person])
    await client.query('commit')
    await racing
  } finally {
    await client.end()
  }
  expect((await world.fetch('/api/me', { cookie: owner.half })).status).toBe(428)
}, 60_000)

/** How many wait for a lock in this world's database. */
async function waiting(): Promise<unknown> {
  const [found] = await world.superuser(
    `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return found!.count
}
