import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { type Company, found, giveFactor, mailsTo } from '../../../test/world/company.ts'
import { byKey, entryOfKey, inPlace, type Made, makeKey, toldByKey } from '../../../test/world/key.ts'
import { startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { sql } from '../../platform/database/statement.ts'

// People who join, each by a hash or two: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

let world: World
let ada: Visitor
let company: Company
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  ada = await world.join('Ada')
  company = await found(world, ada)
}, 120_000)
afterAll(() => world?.stop())

interface Listed {
  readonly id: string
  readonly name: string
  readonly hint: string
  readonly scopes: readonly string[]
  readonly maker: { readonly person: string; readonly name: string }
  readonly createdAt: string
  readonly expiresAt: string
  readonly usedAt: string | null
  readonly rotatedUntil: string | null
  readonly state: string
}
interface List {
  readonly keys: readonly Listed[]
  readonly mine: readonly string[]
  readonly permissionTitles: Readonly<Record<string, string>>
  readonly pattern: string
}
const list = (at = company, who = ada) => at.read<List>(who, '/keys')
const find = async ({ id }: Made, at = company, who = ada) => (await list(at, who)).keys.find((one) => one.id === id)!
const members = (at = company) => `/api/o/${at.organisation}/members`
const companies = (at = company) => `/api/o/${at.organisation}/companies`
const rotate = (made: Made, overlapHours: number, hint = made.key.slice(-4), at = company, who = ada) =>
  at.ask(who, 'POST', `/keys/${made.id}/rotate`, { hint, overlapHours })
/** As if it had been made so that it expires then: now, when left out. */
const setBack = ({ id }: Made, expires = 'clock_timestamp()', { organisation } = company) =>
  inPlace(
    world,
    organisation,
    `update holdfast.pass set expires_at = ${expires} where family = '${id}';
     update holdfast.api_key set expires_at = ${expires} where id = '${id}'`,
  )
const days = (from: string, until: string) => Math.round((Date.parse(until) - Date.parse(from)) / 86_400_000)

describe('a key', () => {
  test('is shown once, stands in the list with what it may, and a mail tells whom it acts as', async () => {
    const mails = mailsTo(world, ada.address)
    const made = await makeKey(company, ada, ['companies.read', 'companies.write'], 90)
    const listed = await find(made)
    expect(listed).toMatchObject({
      name: 'Nightly report',
      hint: made.key.slice(-4),
      scopes: ['companies.read', 'companies.write'],
      maker: { person: ada.person, name: 'Ada' },
      usedAt: null,
      rotatedUntil: null,
      state: 'live',
    })
    expect(days(listed.createdAt, listed.expiresAt)).toBe(90)
    const { mine, pattern, permissionTitles } = await list()
    expect(made.key).toMatch(new RegExp(`^${pattern}$`))
    expect(JSON.stringify(await list())).not.toContain(made.key)
    // What a key cannot be given, although an owner has it.
    expect(mine).toEqual(crm.roles.owner.permissions.filter((name) => !/^(keys|roles)\./.test(name)).toSorted())
    for (const name of mine) expect(permissionTitles[name], name).toBeTypeOf('string')
    await expect.poll(() => mailsTo(world, ada.address), { timeout: 10_000 }).toBe(mails + 1)
    const mail = world.mails.findLast(({ to }) => to === ada.address)!
    expect(mail).toMatchObject({ subject: 'An API key was made in your name: Bight' })
    expect(mail.text).toContain(`${world.origin}/o/${company.organisation}/keys`)
    expect(mail.text).not.toContain(made.key)
  })

  test('reads and writes within its scopes, as its maker, without a token against cross-site requests', async () => {
    const { key } = await makeKey(company, ada, ['companies.read', 'companies.write'])
    const body = { name: 'By a program', website: '', note: '' }
    expect(await toldByKey(world, key, companies(), { method: 'POST', body })).toBe('201')
    expect(await toldByKey(world, key, companies())).toBe('200')
    expect(await toldByKey(world, key, members())).toBe('403 tenant-isolation/permission-missing')
    const [event] = await world.superuser(
      `select person_id from holdfast.event where organisation_id = $1 and table_name = 'app.company' order by id desc limit 1`,
      [company.organisation],
    )
    expect(event).toEqual({ person_id: ada.person })
  })

  test('sets no cookie, and its use is noted once in five minutes', async () => {
    const made = await makeKey(company, ada, ['members.read'])
    const answers = await Promise.all(Array.from({ length: 8 }, () => byKey(world, made.key, members())))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(answers.flatMap(({ headers }) => headers.getSetCookie())).toEqual([])
    const first = (await find(made)).usedAt
    expect(Math.abs(Date.now() - Date.parse(first!))).toBeLessThan(60_000)
    await byKey(world, made.key, members())
    expect((await find(made)).usedAt).toBe(first)
    await world.superuser(`update holdfast.pass set settled_at = settled_at - interval '6 minutes' where family = $1`, [
      made.id,
    ])
    // This process has noted it less than a minute ago; another one has not.
    const twin = await world.twin()
    try {
      const request = new Request(`${world.origin}${members()}`, { headers: { authorization: `Bearer ${made.key}` } })
      expect((await twin.handle(request, '127.0.0.1')).status).toBe(200)
    } finally {
      await twin.stop()
    }
    expect(Date.parse((await find(made)).usedAt!)).toBeGreaterThan(Date.parse(first!))
  })

  test('ends when it expires, and is still in the list', async () => {
    const made = await makeKey(company, ada, ['members.read'], 1)
    expect(days((await find(made)).createdAt, (await find(made)).expiresAt)).toBe(1)
    await setBack(made)
    expect(await toldByKey(world, made.key, members())).toBe('401 api-keys/key-opens-nothing')
    expect(await find(made)).toMatchObject({ state: 'expired' })
    expect((await rotate(made, 0)).status).toBe(409)
  })

  test('ends when it is withdrawn, and leaves the list', async () => {
    const made = await makeKey(company, ada, ['members.read'])
    expect(await company.told(ada, 'DELETE', `/keys/${made.id}`)).toBe('204')
    const answer = await byKey(world, made.key, members())
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect(await answer.json()).toMatchObject({ code: 'api-keys/key-opens-nothing' })
    expect(await find(made)).toBeUndefined()
    expect(await company.told(ada, 'DELETE', `/keys/${made.id}`)).toBe('404 http/not-found')
  })

  test('takes files in, and what it asks for is done by a job that may no more than the key', async () => {
    const { key } = await makeKey(company, ada, ['contacts.read', 'contacts.write'])
    const at = `/api/o/${company.organisation}/imports`
    const uploaded = await byKey(world, key, `${at}?name=people.csv`, {
      method: 'POST',
      body: 'First name,Last name,Email\nGrace,Hopper,grace@example.com\n',
      headers: { 'content-type': 'text/csv' },
    })
    expect(uploaded.status).toBe(201)
    const { id, mapping } = (await uploaded.json()) as { id: string; mapping: string[] }
    await byKey(world, key, `${at}/${id}/mapping`, { method: 'PUT', body: { mapping, duplicates: 'skip' } })
    expect((await byKey(world, key, `${at}/${id}/start`, { method: 'POST', body: {} })).status).toBeLessThan(300)
    const state = async () => {
      const read = (await (await byKey(world, key, `${at}/${id}`)).json()) as { import: { state: string } }
      return read.import.state
    }
    await expect.poll(state, { timeout: 15_000 }).toBe('done')
    const [job] = await world.superuser(
      `select holdfast.permission_names(scopes) as scopes, person_id from holdfast.job where organisation_id = $1 order by created_at desc limit 1`,
      [company.organisation],
    )
    expect(job).toEqual({ scopes: ['contacts.read', 'contacts.write'], person_id: ada.person })
  })
})

describe('replacing a key', () => {
  test('gives a new text and a new life; the one before works on for as long as was said', async () => {
    const made = await makeKey(company, ada, ['members.read'], 10)
    await setBack(made, `expires_at - interval '9 days'`)
    const answer = await rotate(made, 48)
    expect(answer.status).toBe(201)
    const { key } = (await answer.json()) as { key: string }
    expect(key).not.toBe(made.key)
    for (const text of [made.key, key]) expect(await toldByKey(world, text, members())).toBe('200')
    const listed = await find(made)
    expect(listed).toMatchObject({ hint: key.slice(-4), scopes: ['members.read'], state: 'live' })
    expect(days(new Date().toISOString(), listed.expiresAt)).toBe(10)
    // Two days were asked for, and one is what the old text had left.
    expect(Math.round((Date.parse(listed.rotatedUntil!) - Date.now()) / 3_600_000)).toBe(24)
    const told = () => world.mails.filter(({ subject }) => subject === 'An API key of yours was replaced: Bight').length
    await expect.poll(told, { timeout: 10_000 }).toBe(1)

    await world.superuser(
      `update holdfast.pass set dead_at = clock_timestamp() where family = $1 and dead_at is not null`,
      [made.id],
    )
    expect(await toldByKey(world, made.key, members())).toBe('401 api-keys/key-opens-nothing')
    expect(await toldByKey(world, key, members())).toBe('200')
    expect(await find(made)).toMatchObject({ rotatedUntil: null, state: 'live' })
  })

  test('without an overlap ends at once what was before, also what still ran in an earlier overlap', async () => {
    const made = await makeKey(company, ada, ['members.read'])
    const { key: second } = (await (await rotate(made, 168)).json()) as { key: string }
    const { key: third } = (await (await rotate(made, 0, second.slice(-4))).json()) as { key: string }
    const told = await Promise.all([made.key, second, third].map((text) => toldByKey(world, text, members())))
    expect(told).toEqual(['401 api-keys/key-opens-nothing', '401 api-keys/key-opens-nothing', '200'])
    expect(await company.told(ada, 'DELETE', `/keys/${made.id}`)).toBe('204')
    expect(await toldByKey(world, third, members())).toBe('401 api-keys/key-opens-nothing')
  })

  test.each([
    [{ overlapHours: 169 }, 400],
    [{ overlapHours: -1 }, 400],
    [{ overlapHours: 1.5 }, 400],
    [{ hint: 'toolong' }, 400],
    [{ hint: '' }, 400],
    [{ hint: '0000' }, 409],
  ])('%j: %i', async (part, status) => {
    const made = await makeKey(company, ada, ['members.read'])
    const body = { hint: made.key.slice(-4), overlapHours: 0, ...part }
    expect((await company.ask(ada, 'POST', `/keys/${made.id}/rotate`, body)).status).toBe(status)
    expect(await toldByKey(world, made.key, members())).toBe('200')
  })
})

describe('who may', () => {
  test('make, see and withdraw keys is said by the role; others learn nothing', async () => {
    const place = await found(world, await world.join('Owner'))
    const member = await place.take(await world.join('Member'), 'member')
    const made = await makeKey(place, place.owner, ['members.read'])
    const missing = '403 tenant-isolation/permission-missing'
    expect(await place.told(member, 'GET', '/keys')).toBe(missing)
    expect(await place.told(member, 'POST', '/keys', { name: 'x', scopes: ['members.read'], days: 1 })).toBe(missing)
    expect(await place.told(member, 'DELETE', `/keys/${made.id}`)).toBe(missing)
    for (const [method, path] of [
      ['GET', '/keys'],
      ['DELETE', `/keys/${made.id}`],
    ] as const)
      expect(await place.told(ada, method, path)).toBe('404 http/not-found')
  })

  test('withdraw a key is whoever may make them; replace it only its maker', async () => {
    const place = await found(world, await world.join('Owner'))
    const admin = await place.take(await world.join('Admin'), 'admin')
    const made = await makeKey(place, place.owner, ['members.read'])
    const answer = await rotate(made, 0, made.key.slice(-4), place, admin)
    expect(answer.status).toBe(403)
    expect(await answer.json()).toMatchObject({ code: 'api-keys/not-your-key' })
    expect(await toldByKey(world, made.key, members(place))).toBe('200')
    expect(await place.told(admin, 'DELETE', `/keys/${made.id}`)).toBe('204')
    expect(await toldByKey(world, made.key, members(place))).toBe('401 api-keys/key-opens-nothing')
  })

  test('make and replace keys is whoever has shown lately who they are; withdrawing needs no more', async () => {
    const made = await makeKey(company, ada, ['members.read'])
    await world.superuser(
      `update holdfast.pass set shown_at = shown_at - interval '16 minutes' where person_id = $1 and kind = 's'`,
      [ada.person],
    )
    try {
      const body = { name: 'x', scopes: ['members.read'], days: 1 }
      expect(await company.told(ada, 'POST', '/keys', body)).toBe('428 tenant-isolation/show-again')
      expect((await rotate(made, 0)).status).toBe(428)
      expect(await company.told(ada, 'GET', '/keys')).toBe('200')
      expect(await company.told(ada, 'DELETE', `/keys/${made.id}`)).toBe('204')
    } finally {
      await world.superuser(
        `update holdfast.pass set shown_at = clock_timestamp() where person_id = $1 and kind = 's'`,
        [ada.person],
      )
    }
  })

  test.each([
    [{ scopes: [] }, '400 input-validation/invalid-fields'],
    [{ days: 0 }, '400 input-validation/invalid-fields'],
    [{ days: 367 }, '400 input-validation/invalid-fields'],
    [{ name: '' }, '400 input-validation/invalid-fields'],
    [{ name: 'x'.repeat(81) }, '400 input-validation/invalid-fields'],
    [{ name: 'a\u0000b' }, '400 input-validation/malformed-body'],
    [{ scopes: ['no.such'] }, '422 http/value-refused'],
    [{ scopes: ['keys.manage'] }, '422 http/value-refused'],
    [{ scopes: ['members.read', 'roles.manage'] }, '422 http/value-refused'],
    [{ scopes: 'members.read' }, '400 input-validation/invalid-fields'],
    [{ expiresAt: '2099-01-01' }, '400 input-validation/invalid-fields'],
  ])('%j: %s', async (part, told) => {
    const body = { name: 'x', scopes: ['members.read'], days: 1, ...part }
    const answer = await company.told(ada, 'POST', '/keys', body)
    expect(answer.split(' ')[0]).toBe(told.split(' ')[0])
    if (!told.startsWith('400')) expect(answer).toBe(told)
  })

  test('keep no more than a hundred', async () => {
    const place = await found(world, ada)
    await inPlace(
      world,
      place.organisation,
      `insert into holdfast.api_key (organisation_id, id, person_id, name, hint, scopes, days, expires_at)
         select '${place.organisation}', gen_random_uuid(), '${ada.person}', 'n' || n, '0000', 1, 1,
                clock_timestamp() + case when n = 100 then interval '-1 day' else interval '1 day' end
           from generate_series(1, 100) n`,
    )
    const last = await makeKey(place, ada, ['members.read'])
    const body = { name: 'x', scopes: ['members.read'], days: 1 }
    expect(await place.told(ada, 'POST', '/keys', body)).toBe('429 api-keys/too-many-keys')
    await place.told(ada, 'DELETE', `/keys/${last.id}`)
    await makeKey(place, ada, ['members.read'])
  })
})

describe('a key and its maker', () => {
  test('survives a change of password, and ends with a reset', async () => {
    const place = await found(world, await world.join('Maker'))
    const { owner } = place
    const made = await makeKey(place, owner, ['members.read'])
    const changed = await world.fetch('/api/account/password', {
      method: 'POST',
      body: { current: owner.password, password: 'several quiet herons wait' },
      cookie: owner.cookie,
    })
    expect(changed.status).toBeLessThan(300)
    expect(await toldByKey(world, made.key, members(place))).toBe('200')
    await world.superuser(`select holdfast.end_sessions_of($1, null)`, [owner.person])
    expect(await toldByKey(world, made.key, members(place))).toBe('401 api-keys/key-opens-nothing')

    const signedIn = await world.fetch('/api/sign-in', {
      method: 'POST',
      body: { address: owner.address, password: 'several quiet herons wait' },
    })
    const again = { ...owner, cookie: signedIn.headers.getSetCookie()[0]!.split(';')[0]! }
    expect(await find(made, place, again)).toMatchObject({ state: 'ended' })
    expect((await rotate(made, 0, made.key.slice(-4), place, again)).status).toBe(409)
  })

  test('that was made with one factor opens nothing where two are demanded by now, and says why', async () => {
    const place = await found(world, await world.join('Maker'))
    const { owner } = place
    const before = await makeKey(place, owner, ['members.read'])
    await giveFactor(world, owner)
    await world.superuser('update holdfast.pass set assurance = 1 where family = $1', [before.id])
    expect(await place.told(owner, 'PUT', '/second-factor', { demanded: true })).toBe('204')
    expect(await toldByKey(world, before.key, members(place))).toBe('403 tenant-isolation/key-lacks-factor')
    expect(await find(before, place, owner)).toMatchObject({ state: 'lacks-factor' })
    const after = await makeKey(place, owner, ['members.read'])
    expect(await toldByKey(world, after.key, members(place))).toBe('200')
    // Replaced by a session that has shown two, the first one opens again.
    const { key } = (await (await rotate(before, 0, before.key.slice(-4), place, owner)).json()) as { key: string }
    expect(await toldByKey(world, key, members(place))).toBe('200')
  })

  test('counts for the quota of its maker', async () => {
    const made = await makeKey(company, ada, ['members.read'])
    const hash = `encode(sha256($1), 'hex')`
    const rows = await world.superuser(
      `select person::text as person from holdfast.persons_of_keys(array[${hash}, repeat('0', 64)])`,
      [entryOfKey(made.key)],
    )
    expect(rows).toEqual([{ person: ada.person }])
    await company.told(ada, 'DELETE', `/keys/${made.id}`)
    expect(
      await world.superuser(`select from holdfast.persons_of_keys(array[${hash}])`, [entryOfKey(made.key)]),
    ).toEqual([])
  })
})

describe('beside the routes', () => {
  test('organisation(request, …) takes keys as it takes sessions, unless it is told not to', async () => {
    const made = await makeKey(company, ada, ['companies.read'])
    const visit = (method = 'GET', headers = {}) =>
      new Request(`${world.origin}/elsewhere`, { method, headers: { authorization: `Bearer ${made.key}`, ...headers } })
    const at = { organisation: company.organisation, needs: 'companies.read' }
    const who = await world.foundation.organisation(visit(), at, async (run) => {
      await run(sql`select name from app.company`)
      return run.person
    })
    expect(who).toBe(ada.person)
    expect((await find(made)).usedAt).not.toBeNull()
    const codeOf = (...asked: Parameters<World['foundation']['organisation']>) =>
      world.foundation.organisation(...asked).then(
        () => 'ran',
        (error) => (error as { kind?: { code: string } }).kind?.code ?? String(error),
      )
    const nothing = async () => undefined
    expect(await codeOf(visit('POST'), at, nothing)).toBe('ran')
    expect(await codeOf(visit(), { ...at, onlySessions: true }, nothing)).toBe('api-keys/not-with-a-key')
    expect(await codeOf(visit(), { ...at, needs: 'companies.write' }, nothing)).toBe(
      'tenant-isolation/permission-missing',
    )
    expect(await codeOf(visit('GET', { cookie: ada.cookie }), at, nothing)).toBe('api-keys/key-beside-session')
    expect(await codeOf(visit('POST', { 'sec-fetch-site': 'cross-site' }), at, nothing)).toBe(
      'browser-defences/cross-site-request',
    )
    await company.told(ada, 'DELETE', `/keys/${made.id}`)
    expect(await codeOf(visit(), at, nothing)).toBe('api-keys/key-opens-nothing')
  })

  test('the OpenAPI document says which routes take keys, and what they look like', async () => {
    const document = (await (await world.fetch('/api/openapi.json')).json()) as {
      paths: Record<string, Record<string, { security: object[] }>>
      components: { securitySchemes: Record<string, unknown> }
    }
    const { paths, components } = document
    expect(components.securitySchemes.key).toMatchObject({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: (await list()).pattern,
    })
    expect(components.securitySchemes.session).toMatchObject({ type: 'apiKey', in: 'cookie', name: 'crm-session' })
    const at = '/api/o/{organisation}'
    expect(paths[`${at}/companies`]!.get!.security).toEqual([{ session: [] }, { key: [] }])
    expect(paths[`${at}/keys`]!.post!.security).toEqual([{ session: [] }])
    expect(paths['/api/me']!.get!.security).toEqual([{ session: [] }])
    expect(paths['/api/sign-in']!.post!.security).toEqual([])
  })

  test('a route for everybody takes no notice of a key, whatever it is', async () => {
    expect(await toldByKey(world, 'whatever', '/api/openapi.json')).toBe('200')
  })

  test('the log has the beginning of its hash, and no more of it', async () => {
    const { key } = await makeKey(company, ada, ['members.read'])
    await byKey(world, key, members())
    const line = world.requests.findLast(({ route }) => route === 'GET /api/o/:organisation/members')!
    const [row] = await world.superuser(`select encode(sha256($1), 'hex') as hash`, [entryOfKey(key)])
    expect(line).toMatchObject({ key: row!.hash, session: undefined })
    expect(JSON.stringify([world.requests, world.failures])).not.toContain(key.slice(-49))
  })
})

test('a month after a key expired nothing is left of it, and the record says that nobody deleted it', async () => {
  const place = await found(world, ada)
  const [old, live] = [await makeKey(place, ada, ['members.read']), await makeKey(place, ada, ['members.read'])]
  const { key: newest } = (await (await rotate(live, 0, live.key.slice(-4), place)).json()) as { key: string }
  await setBack(old, `clock_timestamp() - interval '31 days'`, place)
  await world.superuser(
    `update holdfast.pass set expires_at = clock_timestamp() - interval '31 days' where family = $1 and dead_at is not null`,
    [live.id],
  )
  await world.superuser('select holdfast.sweep_passes()')
  expect(await find(old, place)).toMatchObject({ state: 'expired' })
  await world.superuser('select holdfast.sweep_keys()')
  const { keys } = await list(place)
  expect(keys.map(({ id }) => id)).toEqual([live.id])
  expect(await toldByKey(world, newest, members(place))).toBe('200')
  expect(await world.superuser('select from holdfast.pass where family = $1', [old.id])).toEqual([])
  expect(await world.superuser('select from holdfast.pass where family = $1', [live.id])).toHaveLength(1)
  const [event] = await world.superuser(
    `select action, person_id::text as person from holdfast.event where organisation_id = $1 and table_name = 'holdfast.api_key' order by id desc limit 1`,
    [place.organisation],
  )
  expect(event).toEqual({
    action: expect.stringMatching(/delete$/),
    person: '00000000-0000-0000-0000-000000000000',
  })
})
