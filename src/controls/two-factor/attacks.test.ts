import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { stepAt, totpCode } from './totp.ts'

// People who join, each by a hash or two: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

let world: World
let visitor: Visitor | undefined
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
}, 120_000)
afterAll(() => world?.stop())

const post = (path: string, cookie: string, body: unknown = {}, method = 'POST') =>
  world.fetch(path, { method, body, cookie })
const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0]!.split(';')[0]!
const statuses = (answers: readonly Response[]) => answers.map(({ status }) => status).sort()
const codeAt = (key: Uint8Array, steps: number) => totpCode(key, stepAt(Date.now()) + steps)

async function begin(cookie: string): Promise<{ enrolment: string; key: Uint8Array }> {
  const { enrolment, key } = (await (await post('/api/account/factors/totp', cookie)).json()) as Record<string, string>
  const bits = [...key!].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
  return {
    enrolment: enrolment!,
    key: Uint8Array.from(bits.join('').match(/.{8}/g)!, (byte) => Number.parseInt(byte, 2)),
  }
}

async function enrol(visitor: Visitor) {
  const { enrolment, key } = await begin(visitor.cookie)
  const step = stepAt(Date.now()) - 1
  const confirmed = await post('/api/account/factors/totp/confirm', visitor.cookie, {
    enrolment,
    code: totpCode(key, step),
  })
  expect(confirmed.status).toBe(200)
  return { key, step, cookie: cookieOf(confirmed), ...((await confirmed.json()) as { recoveryCodes: string[] }) }
}

async function halfSession({ address, password }: Visitor): Promise<string> {
  const answer = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
  expect(answer.status).toBe(200)
  return cookieOf(answer)
}

const liveSessions = async (person: string, assurance: number) => {
  const [row] = await world.superuser(
    `select count(*)::int as count from holdfast.pass where person_id = $1 and assurance = $2 and revoked_at is null`,
    [person, assurance],
  )
  return row!.count
}

describe('one code', () => {
  test('that arrives eight times at once, in eight sessions, mints one session', async () => {
    const ada = await world.join()
    const { key, cookie } = await enrol(ada)
    await post('/api/sign-out', cookie)
    const halves = await Promise.all(Array.from({ length: 8 }, () => halfSession(ada)))
    const code = codeAt(key, 0)
    const answers = await Promise.all(halves.map((half) => post('/api/session/code', half, { code })))
    expect(statuses(answers)).toEqual([204, ...Array(7).fill(422)])
    expect(await liveSessions(ada.person, 2)).toBe(1)
  }, 60_000)

  test('that arrives twice at once in one session mints one session', async () => {
    const ada = await world.join()
    const { key, cookie } = await enrol(ada)
    await post('/api/sign-out', cookie)
    const half = await halfSession(ada)
    const answers = await Promise.all([0, 1, 2].map(() => post('/api/session/code', half, { code: codeAt(key, 0) })))
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    expect(await liveSessions(ada.person, 2)).toBe(1)
  })

  test('that was used to enrol opens nothing, nor does one from before', async () => {
    const ada = await world.join()
    // By its number, and not counted from now: half a minute may go by in here.
    const { key, step } = await enrol(ada)
    const half = await halfSession(ada)
    expect((await post('/api/session/code', half, { code: totpCode(key, step) })).status).toBe(422)
    expect((await post('/api/session/code', half, { code: totpCode(key, step + 1) })).status).toBe(204)
    const later = await halfSession(ada)
    for (const used of [step, step + 1])
      expect((await post('/api/session/code', later, { code: totpCode(key, used) })).status).toBe(422)
  })

  test('is remembered in the database: another process that has just started refuses it too', async () => {
    const ada = await world.join()
    const { key } = await enrol(ada)
    const code = codeAt(key, 1)
    expect((await post('/api/session/code', await halfSession(ada), { code })).status).toBe(204)
    const [row] = await world.superuser(`select last_step::int as step from holdfast.totp where person_id = $1`, [
      ada.person,
    ])
    expect(totpCode(key, row!.step as number)).toBe(code)
  })

  test('of somebody else opens nothing', async () => {
    const [ada, ben] = [await world.join(), await world.join()]
    const hers = await enrol(ada)
    await enrol(ben)
    expect((await post('/api/session/code', await halfSession(ben), { code: codeAt(hers.key, 0) })).status).toBe(422)
    const code = hers.recoveryCodes[0]
    expect((await post('/api/session/recovery-code', await halfSession(ben), { code })).status).toBe(422)
  })
})

test('one recovery code that arrives six times at once opens once', async () => {
  const ada = await world.join()
  const { recoveryCodes } = await enrol(ada)
  const halves = await Promise.all(Array.from({ length: 6 }, () => halfSession(ada)))
  const answers = await Promise.all(
    halves.map((half) => post('/api/session/recovery-code', half, { code: recoveryCodes[3] })),
  )
  expect(statuses(answers)).toEqual([204, ...Array(5).fill(422)])
}, 60_000)

describe('enrolling', () => {
  test('twice at once has one winner, whose key is the one that counts', async () => {
    const ada = await world.join()
    const first = await begin(ada.cookie)
    const second = await begin(ada.cookie)
    const confirm = ({ enrolment, key }: typeof first) =>
      post('/api/account/factors/totp/confirm', ada.cookie, { enrolment, code: codeAt(key, -1) })
    // The first was replaced when the second began; of two answers to the second one wins.
    const answers = await Promise.all([confirm(first), confirm(second), confirm(second)])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const half = await halfSession(ada)
    expect((await post('/api/session/code', half, { code: codeAt(first.key, 0) })).status).toBe(422)
    expect((await post('/api/session/code', half, { code: codeAt(second.key, 0) })).status).toBe(204)
  })

  test('while the password is being reset waits for that, and comes to nothing', async () => {
    const ada = await world.join()
    const { enrolment, key } = await begin(ada.cookie)
    const client = new pg.Client({ ...inject('superuser'), database: world.database.database })
    await client.connect()
    try {
      // As a reset does: the account first, and then the sessions.
      await client.query('begin')
      await client.query('select from holdfast.account where person_id = $1 for update', [ada.person])
      const racing = post('/api/account/factors/totp/confirm', ada.cookie, { enrolment, code: codeAt(key, 0) })
      await expect.poll(waiting, { timeout: 20_000 }).toBe(1)
      await client.query('select holdfast.end_sessions_of($1, null)', [ada.person])
      await client.query('commit')
      expect((await racing).status).toBe(401)
    } finally {
      await client.end()
    }
    const apps = 'select count(*)::int as count from holdfast.totp where person_id = $1'
    expect(await world.superuser(apps, [ada.person])).toEqual([{ count: 0 }])
  })

  test('that somebody else began, or that is a quarter of an hour old, is over', async () => {
    const [ada, ben] = [await world.join(), await world.join()]
    const hers = await begin(ada.cookie)
    const confirm = (cookie: string) =>
      post('/api/account/factors/totp/confirm', cookie, { enrolment: hers.enrolment, code: codeAt(hers.key, 0) })
    expect((await confirm(ben.cookie)).status).toBe(410)
    await world.superuser(`update holdfast.totp_enrolment set expires_at = now() where person_id = $1`, [ada.person])
    expect((await confirm(ada.cookie)).status).toBe(410)
  })

  test('is not for half a session, not for nobody, and not for an unverified person', async () => {
    const ada = await world.join()
    await enrol(ada)
    expect((await post('/api/account/factors/totp', await halfSession(ada))).status).toBe(428)
    expect((await world.fetch('/api/account/factors/totp', { method: 'POST', body: {} })).status).toBe(401)
    const ben = await world.join()
    await world.superuser(`update holdfast.pass set verified = false where person_id = $1`, [ben.person])
    expect((await post('/api/account/factors/totp', ben.cookie)).status).toBe(428)
  })
})

describe('the database', () => {
  const anybody = '00000000-0000-4000-8000-00000000feed'

  test.each([
    'JBSWY3DPEHPK3PXP',
    '3132333435363738393031323334353637383930',
    'hf1.short',
    '',
    'hf2.AAAAAAAA.AAAAAAAAAAAAAAAA.',
  ])('keeps no key that is not sealed: %j', async (key) => {
    await expect(
      world.superuser(
        `insert into holdfast.person (id) values ('${anybody}'); insert into holdfast.totp (person_id, sealed, last_step) values ('${anybody}', '${key}', 1)`,
      ),
    ).rejects.toThrow(/totp_key_is_sealed/)
  })

  test('lets the application’s role read no key, take no code and remove no factor', async () => {
    const bench = await world.bench()
    try {
      for (const text of [
        'select * from holdfast.totp',
        'select * from holdfast.passkey',
        'select * from holdfast.recovery_code',
        `select * from holdfast.my_totp('\\x00')`,
        `select holdfast.take_totp('\\x00', 1)`,
        `select holdfast.remove_factors('${anybody}')`,
        `select holdfast.want_assurance('${anybody}', 1::smallint)`,
        `select holdfast.factor_count('${anybody}')`,
      ])
        for (const login of ['app', 'worker', 'auditor', 'prover'] as const)
          expect([text, login, (await bench.sql(login, text)).error?.code]).toEqual([text, login, '42501'])
    } finally {
      await bench.close()
    }
  }, 60_000)

  test('refuses a step that is not now, which would lock the app out for good', async () => {
    const { identity } = world.foundation.logins
    const ada = await world.join()
    const { cookie } = await enrol(ada)
    const claims = JSON.parse(Buffer.from(cookie.split('.')[1]!, 'base64url').toString()) as { sec: string }
    const { entryOf } = await import('../sessions/token.ts')
    const entry = entryOf(Buffer.from(claims.sec, 'base64url'))
    for (const step of [stepAt(Date.now()) + 1000, stepAt(Date.now()) - 1000, 0])
      await expect(
        identity.query({ text: 'select holdfast.take_totp($1, $2)', values: [entry, step] }),
      ).rejects.toMatchObject({ code: 'HF422' })
  })

  test('opens a key for nobody but the person it was sealed for', async () => {
    const [ada, ben] = [await world.join(), await world.join()]
    const hers = await enrol(ada)
    await enrol(ben)
    // Somebody who may write rows, but has no key: her sealed key on his row does not make her codes his.
    await world.superuser(
      `update holdfast.totp set sealed = (select sealed from holdfast.totp where person_id = $1) where person_id = $2`,
      [ada.person, ben.person],
    )
    const answer = await post('/api/session/code', await halfSession(ben), { code: codeAt(hers.key, 0) })
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toMatch(/hf1|seal/)
  })
})

test('a passkey is renamed and removed by nobody but its owner', async () => {
  const [ada, ben] = [await world.join(), await world.join()]
  const id = 'A'.repeat(22)
  await world.superuser(
    `insert into holdfast.passkey (id, person_id, public_key, sign_count, transports, backed_up, name)
     values (decode($1, 'base64'), $2, decode(repeat('00', 32), 'hex'), 0, '', false, 'Key')`,
    [`${id}==`, ada.person],
  )
  const path = `/api/account/factors/passkeys/${id}`
  expect((await post(path, ben.cookie, { name: 'Mine' }, 'PATCH')).status).toBe(404)
  expect((await post(path, ben.cookie, undefined, 'DELETE')).status).toBe(404)
  expect((await post(path, ada.cookie, { name: 'Kitchen' }, 'PATCH')).status).toBe(204)
  expect(await (await world.fetch('/api/account/factors', ada)).json()).toMatchObject({
    factors: [{ kind: 'passkey', id, name: 'Kitchen', usedAt: null }],
  })
  expect((await post(path, ada.cookie, undefined, 'DELETE')).status).toBe(204)
})

describe('guessing', () => {
  test('ten codes of one account in a quarter of an hour, and no more, in however many sessions', async () => {
    const ada = await world.join()
    const { key } = await enrol(ada)
    const halves = [await halfSession(ada), await halfSession(ada)]
    const all: number[] = []
    for (let count = 0; count < 12; count++)
      all.push((await post('/api/session/code', halves[count % 2]!, { code: '000000' })).status)
    expect(all).toEqual([...Array(10).fill(422), 429, 429])
    // The right one waits too; another factor does not.
    expect((await post('/api/session/code', halves[0]!, { code: codeAt(key, 0) })).status).toBe(429)
  })

  test('a hundred failures in a row disable the app, right code or not, until it is bound anew', async () => {
    const ada = await world.join()
    const { key, recoveryCodes } = await enrol(ada)
    await world.superuser(`insert into holdfast.failures (subject, authenticator, strangers) values ($1, 'totp', 99)`, [
      ada.person,
    ])
    const half = await halfSession(ada)
    expect((await post('/api/session/code', half, { code: '000000' })).status).toBe(422)
    expect((await post('/api/session/code', half, { code: codeAt(key, 0) })).status).toBe(422)
    await expect
      .poll(() =>
        world.mails.some(({ to, subject }) => to === ada.address && subject.startsWith('Too many wrong tries')),
      )
      .toBe(true)
    const shown = await post('/api/session/recovery-code', half, { code: recoveryCodes[0] })
    const again = await enrol({ ...ada, cookie: cookieOf(shown) })
    expect((await post('/api/session/code', await halfSession(ada), { code: codeAt(again.key, 0) })).status).toBe(204)
  })
})

test.each([
  [{}],
  [{ code: 123456 }],
  [{ code: ['123456'] }],
  [{ code: { $ne: null } }],
  [{ code: '1'.repeat(1_000_000) }],
  [{ code: '１２３４５６' }],
  [{ code: '123456', step: 1 }],
  ['{"code":"123456","code":"654321"}'],
  ['[]'],
])('a second step with no code is refused at the fields (%#)', async (body) => {
  visitor ??= await world.join()
  const answer = await post('/api/session/code', visitor.cookie, body)
  expect([400, 413]).toContain(answer.status)
})

/** How many wait for a lock in this world's database. */
async function waiting(): Promise<unknown> {
  const [found] = await world.superuser(
    `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return found!.count
}
