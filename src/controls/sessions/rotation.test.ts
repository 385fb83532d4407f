import { spawn } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { sessionKey, startWorld, type World } from '../../../test/world/world.ts'
import type { Foundation } from '../../server/foundation.ts'
import { createSessions } from './sessions.ts'

let world: World
/** Two more server processes, as far as that can be had in one: they share nothing but the database and the keys. */
let twins: readonly [Foundation, Foundation]
const reports: string[] = []
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  const replaceStages: NonNullable<Parameters<World['twin']>[0]>['replaceStages'] = (stages) => ({
    ...stages,
    reportReuse: (presented) => {
      reports.push(presented.session)
      return stages.reportReuse(presented)
    },
  })
  twins = [await world.twin({ replaceStages }), await world.twin({ replaceStages })]
}, 120_000)
afterAll(async () => {
  await Promise.all((twins ?? []).map((twin) => twin.stop()))
  await world?.stop()
})

interface Answer {
  readonly status: number
  /** `name=value` of the one session cookie that was set; undefined where none was. */
  readonly cookie: string | undefined
  readonly setCookie: readonly string[]
}

/** One request to one of the processes. */
async function ask(twin: Foundation, target: string, cookie: string, method = 'GET', body?: object): Promise<Answer> {
  const answer = await twin.handle(
    new Request(new URL(target, world.origin), {
      method,
      headers: { cookie, origin: world.origin, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }),
    '127.0.0.1',
  )
  const setCookie = answer.headers.getSetCookie()
  return { status: answer.status, cookie: setCookie[0]?.split(';')[0], setCookie }
}

const sessionOf = (cookie: string) => String(claimsOf(cookie).sid)
const claimsOf = (cookie: string) =>
  JSON.parse(Buffer.from(cookie.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>
function entryOf(cookie: string): Buffer {
  const secret = Buffer.from(String(claimsOf(cookie).sec), 'base64url')
  return createHash('sha256').update('holdfast-entry-1').update(secret).digest()
}

/** As if so much time had gone by for the whole session. */
const age = (cookie: string, interval: string) =>
  world.superuser(
    `update holdfast.pass set issued_at = issued_at - $2::interval, settled_at = settled_at - $2::interval,
            dead_at = dead_at - $2::interval where family = $1`,
    [sessionOf(cookie), interval],
  )
const passes = (cookie: string) =>
  world.superuser(
    `select generation, settled_at is not null as settled, dead_at is not null as dead, revoked_at is not null as revoked,
            floor(extract(epoch from issued_at))::float8 as issued
       from holdfast.pass where family = $1 order by generation`,
    [sessionOf(cookie)],
  )

async function member() {
  const { organisation, ...visitor } = await world.joinWithOrganisation()
  return { ...visitor, organisation, contacts: `/api/o/${organisation}/contacts` }
}

const newCompany = () => ({ name: `Tide ${crypto.randomUUID()}`, website: '', note: '' })

/** A moment longer than a process remembers what it was told of one token. */
const forgotten = () => new Promise((go) => setTimeout(go, 1100))

describe('a secret', () => {
  test('younger than ten minutes stays, and nothing is asked of the database about it', async () => {
    const { cookie, contacts } = await member()
    expect((await ask(twins[0], contacts, cookie)).setCookie).toEqual([])
    await age(cookie, '9 minutes')
    expect(await ask(twins[0], contacts, cookie)).toMatchObject({ status: 200, setCookie: [] })
    expect(await passes(cookie)).toHaveLength(1)
  })

  test('older than that is replaced; both work until the new one is used, and the old one for half a minute more', async () => {
    const { cookie, contacts } = await member()
    await age(cookie, '11 minutes')
    const rotated = await ask(twins[0], contacts, cookie)
    const next = rotated.cookie!
    expect(rotated.setCookie[0]).toMatch(/^crm-session=[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(sessionOf(next)).toBe(sessionOf(cookie))
    expect(claimsOf(next).sec).not.toBe(claimsOf(cookie).sec)
    const [, successor] = await passes(cookie)
    expect(claimsOf(next).iat).toBe(successor!.issued)
    // Nobody has used it: an answer may have been lost, and every process hands out the same, to the byte.
    expect((await ask(twins[1], contacts, cookie)).cookie).toBe(next)
    await forgotten()
    expect((await ask(twins[0], contacts, cookie)).cookie).toBe(next)
    expect(await passes(cookie)).toMatchObject([
      { generation: 0, dead: false },
      { generation: 1, settled: false },
    ])

    expect(await ask(twins[1], contacts, next)).toMatchObject({ status: 200, setCookie: [] })
    expect(await passes(cookie)).toMatchObject([
      { generation: 0, dead: true, revoked: false },
      { generation: 1, settled: true, dead: false },
    ])
    await forgotten()
    // Late, but within the half minute: answered, and told nothing about cookies.
    for (const twin of twins) expect(await ask(twin, contacts, cookie)).toMatchObject({ status: 200, setCookie: [] })
  })

  test('is replaced at routes of the account too, and at writing ones', async () => {
    const { cookie, organisation } = await member()
    await age(cookie, '11 minutes')
    const me = await ask(twins[0], '/api/me', cookie)
    expect(me).toMatchObject({ status: 200, cookie: expect.stringContaining('crm-session=') })
    const written = await ask(twins[1], `/api/o/${organisation}/companies`, cookie, 'POST', newCompany())
    expect(written).toMatchObject({ status: 201, cookie: me.cookie })
  })

  test('that was handed out and forgotten begins to rest only when it is handed out again', async () => {
    const { cookie, contacts } = await member()
    await age(cookie, '11 minutes')
    const next = (await ask(twins[0], contacts, cookie)).cookie!
    await age(cookie, '3 hours')
    const again = (await ask(twins[1], contacts, cookie)).cookie!
    expect(claimsOf(again).sec).toBe(claimsOf(next).sec)
    const [, successor] = await passes(cookie)
    expect(Number(successor!.issued)).toBeGreaterThan(Date.now() / 1000 - 60)
    expect((await ask(twins[0], contacts, next)).status).toBe(200)
  })

  test('is not prolonged beyond the session’s life, nor past a role’s idle time', async () => {
    const { cookie, contacts, person } = await member()
    await age(cookie, '5 hours')
    await world.superuser(`update holdfast.role set idle = '4 hours' where name = 'owner'`)
    try {
      expect((await ask(twins[0], contacts, cookie)).status).toBe(428)
      // A route of the account still takes it, and replaces it: that must not bring the role back.
      const next = (await ask(twins[0], '/api/me', cookie)).cookie!
      expect((await ask(twins[0], '/api/me', next)).status).toBe(200)
      const refused = await ask(twins[0], contacts, next)
      expect(refused.status).toBe(428)
      // Nor may the life begin anew.
      await world.superuser(`update holdfast.role set idle = '24 hours', life = '8 hours' where name = 'owner'`)
      expect((await ask(twins[0], contacts, next)).status).toBe(200)
      await world.superuser(
        `update holdfast.pass set started_at = started_at - interval '9 hours' where person_id = $1`,
        [person],
      )
      expect((await ask(twins[1], contacts, next)).status).toBe(428)
    } finally {
      await world.superuser(`update holdfast.role set idle = '24 hours', life = '30 days' where name = 'owner'`)
    }
    const [lives] = await world.superuser(`select count(distinct expires_at) from holdfast.pass where family = $1`, [
      sessionOf(cookie),
    ])
    expect(Number(lives!.count)).toBe(1)
  })
})

test('while the signing key is replaced nobody is signed out, and processes with either key agree', async () => {
  const { cookie, contacts } = await member()
  const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const kidOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('=')[1]!.split('.')[0]!, 'base64url').toString()).kid
  const before = await world.twin({ otherSessionKeys: [key] })
  const after = await world.twin({ sessionKey: key, otherSessionKeys: [sessionKey] })
  const stranger = await world.twin({ sessionKey: key })
  try {
    await age(cookie, '11 minutes')
    const [byOld, byNew] = await Promise.all([ask(before, contacts, cookie), ask(after, contacts, cookie)])
    expect([byOld.status, byNew.status]).toEqual([200, 200])
    expect(kidOf(byOld.cookie!)).toBe(kidOf(cookie))
    expect(kidOf(byNew.cookie!)).not.toBe(kidOf(cookie))
    // Two tokens, one secret: whichever arrives last, the session goes on.
    expect(claimsOf(byOld.cookie!).sec).toBe(claimsOf(byNew.cookie!).sec)
    expect(await passes(cookie)).toHaveLength(2)
    for (const twin of [before, after])
      for (const given of [byOld.cookie!, byNew.cookie!]) expect((await ask(twin, contacts, given)).status).toBe(200)
    // The old key is gone there: its tokens are nobody's, and only the new ones are read.
    expect((await ask(stranger, contacts, byOld.cookie!)).status).toBe(401)
    expect((await ask(stranger, contacts, byNew.cookie!)).status).toBe(200)
    const published = await after.handle(new Request(`${world.origin}/api/session-keys`), '127.0.0.1')
    expect(((await published.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)).toEqual([
      kidOf(byNew.cookie!),
      kidOf(cookie),
    ])
  } finally {
    await Promise.all([before, after, stranger].map((twin) => twin.stop()))
  }
})

describe('races', () => {
  test('fifty requests at the moment of rotation, at three processes: all are answered, and one successor comes of it', async () => {
    const { cookie, contacts } = await member()
    await age(cookie, '11 minutes')
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, at) => ask([...twins, world.foundation][at % 3]!, contacts, cookie)),
    )
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
    const given = new Set(all.flatMap(({ setCookie }) => setCookie))
    expect(given.size).toBe(1)
    expect(await passes(cookie)).toHaveLength(2)
  })

  test('two tabs go on for hours at two processes while answers are lost: nobody is ever signed out', async () => {
    const { cookie, contacts, organisation } = await member()
    let jar = cookie
    let seed = 7
    const chance = () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return seed / 2 ** 31
    }
    const statuses: number[] = []
    for (let round = 0; round < 12; round++) {
      await age(cookie, '11 minutes')
      // Each tab sends what the jar holds when it sends; half of the answers never arrive.
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          await new Promise((go) => setTimeout(go, chance() * 60))
          const write = chance() < 0.3
          const twin = twins[chance() < 0.5 ? 0 : 1]
          const answer = write
            ? await ask(twin, `/api/o/${organisation}/companies`, jar, 'POST', newCompany())
            : await ask(twin, contacts, jar)
          statuses.push(answer.status)
          if (answer.cookie !== undefined && chance() < 0.5) jar = answer.cookie
        }),
      )
      await forgotten()
    }
    expect(statuses.filter((status) => status >= 400)).toEqual([])
    const line = await passes(cookie)
    expect(line.length).toBeGreaterThan(3)
    expect(line.map(({ generation }) => generation)).toEqual(line.map((_, at) => at))
    expect(line.some(({ revoked }) => revoked)).toBe(false)
    expect(line.filter(({ dead }) => !dead).length).toBeLessThanOrEqual(2)
  }, 60_000)

  test('a late answer of a loser sets nothing, whatever it was asked with', async () => {
    const { cookie, contacts } = await member()
    await age(cookie, '11 minutes')
    const next = (await ask(twins[0], contacts, cookie)).cookie!
    await ask(twins[0], contacts, next)
    await age(cookie, '11 minutes')
    // The first secret has been dead for long by now; the second is replaced.
    const third = (await ask(twins[1], contacts, next)).cookie!
    await ask(twins[1], contacts, third)
    await forgotten()
    expect(await ask(twins[0], contacts, next)).toMatchObject({ status: 200, setCookie: [] })
    expect(await ask(twins[0], contacts, third)).toMatchObject({ status: 200, setCookie: [] })
  })

  test('a process that is killed after the rotation and before its answer leaves a session that goes on', async () => {
    const { cookie, contacts } = await member()
    await age(cookie, '11 minutes')
    const child = spawn(
      process.execPath,
      [
        '--conditions=holdfast-source',
        path.join(import.meta.dirname, '../../../test/world/rotating-process.ts'),
        JSON.stringify({ database: world.database, origin: world.origin, product: crm.name, cookie }),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const ended = new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))
    // It says that the rotation is committed, and waits for ever before it would answer.
    await new Promise((resolve) => child.stdout.once('data', resolve))
    expect(await passes(cookie)).toMatchObject([{ dead: false }, { settled: false }])
    child.kill('SIGKILL')
    expect(await ended).toBe('SIGKILL')
    const given = (await ask(twins[0], contacts, cookie)).cookie!
    expect((await ask(twins[1], contacts, given)).status).toBe(200)
    expect(await passes(cookie)).toHaveLength(2)
  }, 30_000)

  test.each(['end_sessions_of', 'end_session', 'end_my_other_sessions'] as const)(
    'a rotation that is under way when %s begins leaves nothing alive',
    async (verb) => {
      const { cookie, person, address, password } = await member()
      const other = await signIn(address, password)
      await age(cookie, '11 minutes')
      const ending: pg.QueryConfig = {
        end_sessions_of: { text: 'select holdfast.end_sessions_of($1, null)', values: [person] },
        end_session: { text: 'select holdfast.end_session($1)', values: [entryOf(cookie)] },
        end_my_other_sessions: { text: 'select holdfast.end_my_other_sessions($1)', values: [entryOf(other)] },
      }[verb]
      const [rotator, ender] = await Promise.all([connect(), connect()])
      try {
        await rotator.query('begin')
        await rotator.query('select * from holdfast.touch($1, $2, $3)', [
          entryOf(cookie),
          Buffer.from(crypto.getRandomValues(new Uint8Array(32))),
          '',
        ])
        const ended = ender.query(ending)
        await new Promise((go) => setTimeout(go, 150))
        await rotator.query('commit')
        await ended
      } finally {
        await Promise.all([rotator.end(), ender.end()])
      }
      expect(await passes(cookie)).toMatchObject([{ revoked: true }, { generation: 1, revoked: true }])
    },
  )

  test('a session that is minted on a password which is being replaced does not come into being', async () => {
    const { person } = await world.join()
    const [reader, changer] = await Promise.all([connect(), connect()])
    const mint = (asOf: unknown) =>
      reader.query(
        `select verified from holdfast.begin_session($1, $2, 1::smallint, 'password', '1 day', '1 day', gen_random_uuid(), '', '', $3)`,
        [Buffer.from(crypto.getRandomValues(new Uint8Array(32))), person, asOf],
      )
    const snapshot = async () => (await reader.query('select pg_current_snapshot()::text as seen')).rows[0].seen
    try {
      await changer.query('begin')
      await changer.query('select holdfast.end_sessions_of($1, null)', [person])
      // Read after the ending was written and before it could be seen: the old hash is what one finds.
      const before = await snapshot()
      const waiting = mint(before)
      waiting.catch(() => {})
      await new Promise((go) => setTimeout(go, 150))
      await changer.query('commit')
      await expect(waiting).rejects.toMatchObject({ code: 'HF401' })
      await expect(mint(before)).rejects.toMatchObject({ code: 'HF401' })
      expect((await mint(await snapshot())).rows).toEqual([{ verified: true }])
    } finally {
      await Promise.all([reader.end(), changer.end()])
    }
  })
})

describe('a stolen secret', () => {
  const alerts = (address: string) =>
    world.mails.filter(({ to, subject }) => to === address && subject.includes('was ended'))
  const mailed = async (address: string) => {
    for (let tries = 0; tries < 60 && alerts(address).length === 0; tries++)
      await new Promise((go) => setTimeout(go, 100))
    await new Promise((go) => setTimeout(go, 600))
    return alerts(address)
  }

  test('that comes back after its owner went on ends the session for both, and its owner gets one mail', async () => {
    const { cookie, contacts, address, password } = await member()
    const elsewhere = await signIn(address, password)
    await age(cookie, '11 minutes')
    const next = (await ask(twins[0], contacts, cookie)).cookie!
    await ask(twins[0], contacts, next)
    await age(cookie, '31 seconds')
    const thief = await Promise.all(
      Array.from({ length: 20 }, (_, at) => ask([...twins, world.foundation][at % 3]!, contacts, cookie)),
    )
    expect(new Set(thief.map(({ status }) => status))).toEqual(new Set([401]))
    // No refusal takes a cookie away: only signing out does.
    expect(thief.flatMap(({ setCookie }) => setCookie)).toEqual([])
    expect(await ask(twins[1], contacts, next)).toMatchObject({ status: 401, setCookie: [] })
    expect((await ask(twins[1], contacts, elsewhere)).status).toBe(200)
    const mails = await mailed(address)
    expect(mails).toHaveLength(1)
    expect(mails[0]!.text).toContain(`${world.origin}/account/sessions`)
  })

  test('that a thief went on with ends both when its owner comes back', async () => {
    const { cookie, contacts, address } = await member()
    await age(cookie, '11 minutes')
    const stolen = (await ask(twins[1], contacts, cookie)).cookie!
    await ask(twins[1], contacts, stolen)
    await age(cookie, '31 seconds')
    expect((await ask(twins[0], '/api/me', cookie)).status).toBe(401)
    expect((await ask(twins[1], contacts, stolen)).status).toBe(401)
    expect(await mailed(address)).toHaveLength(1)
  })

  test('is not seen in a session that is merely over, nor in a token that is not ours', async () => {
    const { cookie, contacts, address } = await member()
    reports.length = 0
    const [header, payload, signature] = cookie.split('.')
    const forged = `${header}.${payload}.${signature!.startsWith('A') ? 'B' : 'A'}${signature!.slice(1)}`
    for (let times = 0; times < 5; times++) expect((await ask(twins[0], contacts, forged)).status).toBe(401)
    expect(reports).toEqual([])
    await age(cookie, '25 hours')
    expect((await ask(twins[0], contacts, cookie)).status).toBe(401)
    expect(reports).toHaveLength(1)
    expect(await passes(cookie)).toMatchObject([{ revoked: false }])
    expect(alerts(address)).toEqual([])
  })

  test('makes one call a minute to the database, however often it is presented', async () => {
    const { cookie, contacts, person } = await member()
    await world.superuser(`update holdfast.pass set revoked_at = now() where person_id = $1`, [person])
    const presented = { entry: entryOf(cookie), session: sessionOf(cookie), age: { issuedAt: 0, touched: true } }
    let calls = 0
    const counting = new Proxy(twins[0].logins.identity, {
      get: (real, key) => {
        if (key === 'openTransaction') calls++
        const value = Reflect.get(real, key, real)
        return typeof value === 'function' ? value.bind(real) : value
      },
    })
    const sessions = createSessions({
      product: 'crm',
      origin: world.origin,
      privateKeyPem: sessionKey,
      https: false,
    })
    for (let times = 0; times < 30; times++)
      await sessions.reportReuse(counting, presented, () => {
        throw new Error('there is nothing to tell')
      })
    expect(calls).toBe(1)
    expect((await ask(twins[0], contacts, cookie)).status).toBe(401)
  })
})

async function signIn(address: string, password: string): Promise<string> {
  const answer = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
  expect(answer.status).toBe(200)
  return answer.headers.getSetCookie()[0]!.split(';')[0]!
}

/** As the superuser, because the transactions of these races have to be held open by hand. */
async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ ...inject('superuser'), database: world.database.database })
  await client.connect()
  return client
}
