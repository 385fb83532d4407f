import { request as httpRequest } from 'node:http'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { atOnce, type Company, found, giveFactor, maskOf, secretOf, tellOf } from '../../../test/world/company.ts'
import { byKey, entryOfKey, inPlace, makeKey, toldByKey } from '../../../test/world/key.ts'
import { mailedToken, startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { createKeyTexts } from './key-text.ts'

// People who join, each by a hash or two: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

let world: World
/** They found and join a new organisation in each test: to sign up costs two hashes, to found one nothing. */
let cast: [Visitor, Visitor, Visitor]
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  cast = [await world.join('Ada'), await world.join('Ben'), await world.join('Cleo')]
}, 120_000)
afterAll(() => world?.stop())

const members = ({ organisation }: Company) => `/api/o/${organisation}/members`
const companies = ({ organisation }: Company) => `/api/o/${organisation}/companies`
const company = { name: 'By a program', website: '', note: '' }
const dead = '401 api-keys/key-opens-nothing'
const missing = '403 tenant-isolation/permission-missing'
const refused = '403 api-keys/not-with-a-key'

/** Entry by the database's own function, as SQL in the application would: a code, or nothing where it was let in. */
async function enterBy(
  door: string,
  secret: Uint8Array,
  organisation: string,
  need = '0',
): Promise<string | undefined> {
  const [answer] = await world.foundation.logins.app.attempt([
    [{ text: `select holdfast.${door}($1, $2, $3)`, values: [secret, organisation, need] }],
  ])
  return answer!.error?.code
}

/** Runs a statement as the application would, after entering by the key: its error's code, or its rows as text. */
function inside(place: Company, key: string, text: string, values: unknown[] = []): Promise<string> {
  const entry = { secret: entryOfKey(key), organisation: place.organisation, need: '0', by: 'enter_key' as const }
  return world.foundation.logins.app
    .transaction(entry, (run) => run({ text, values }))
    .then(
      (rows) => JSON.stringify(rows),
      (error) => (error as { code: string }).code,
    )
}

describe('what has ended opens nothing from the next request on', () => {
  test('the key of a member who was removed, or has left, and one that is used while that happens', async () => {
    const place = await found(world, cast[0])
    const [, ben, cleo] = cast
    await place.take(ben, 'admin')
    await place.take(cleo, 'admin')
    const bens = await makeKey(place, ben, ['members.read'])
    const cleos = await makeKey(place, cleo, ['members.read'])
    for (const { key } of [bens, cleos]) expect(await toldByKey(world, key, members(place))).toBe('200')

    let out = false
    const late: string[] = []
    const busy = Array.from({ length: 6 }, async () => {
      for (let count = 0; count < 30; count++) {
        const begunAfter = out
        const told = await toldByKey(world, bens.key, members(place))
        if (begunAfter) late.push(told)
      }
    })
    expect(await place.told(cast[0], 'DELETE', `/members/${ben.person}`)).toBe('204')
    out = true
    await Promise.all(busy)
    expect(late.length).toBeGreaterThan(0)
    expect(new Set(late)).toEqual(new Set([dead]))

    expect(await place.told(cleo, 'POST', '/leave', {})).toBe('204')
    expect(await toldByKey(world, cleos.key, members(place))).toBe(dead)
    expect(
      await world.superuser('select from holdfast.api_key where organisation_id = $1', [place.organisation]),
    ).toEqual([])
    // Whoever comes back finds no old key of theirs alive.
    await place.take(ben, 'admin')
    expect(await toldByKey(world, bens.key, members(place))).toBe(dead)
  })

  test('a removed member’s key opens nothing even if its pass were left behind', async () => {
    const place = await found(world, cast[0])
    await place.take(cast[1], 'admin')
    const { id, key } = await makeKey(place, cast[1], ['members.read'])
    await place.told(cast[0], 'DELETE', `/members/${cast[1].person}`)
    await world.superuser('update holdfast.pass set revoked_at = null where family = $1', [id])
    expect(await toldByKey(world, key, members(place))).toBe('404 http/not-found')
  })

  test('a key whose row somebody deleted past the verbs', async () => {
    const place = await found(world, cast[0])
    const { id, key } = await makeKey(place, cast[0], ['members.read'])
    await inPlace(world, place.organisation, `delete from holdfast.api_key where id = '${id}'`)
    expect(await toldByKey(world, key, members(place))).toBe(dead)
  })

  test('an expired key, at the database as well', async () => {
    const place = await found(world, cast[0])
    const { id, key } = await makeKey(place, cast[0], ['members.read'], 1)
    await world.superuser('update holdfast.pass set expires_at = clock_timestamp() where family = $1', [id])
    expect(await toldByKey(world, key, members(place))).toBe(dead)
    expect(await enterBy('enter_key', entryOfKey(key), place.organisation)).toBe('HF401')
  })

  test('the keys of an account that was closed', async () => {
    const leaver = await world.join('Leaver')
    const place = await found(world, leaver)
    const { key } = await makeKey(place, leaver, ['members.read'])
    expect(
      (await world.fetch('/api/account/close', { method: 'POST', body: {}, cookie: leaver.cookie })).status,
    ).toBeLessThan(300)
    expect(await toldByKey(world, key, members(place))).toBe(dead)
  })
})

describe('a key reaches no further than its maker', () => {
  test('who was made less: at once, and it comes back with the role', async () => {
    const place = await found(world, cast[0])
    const ben = await place.take(cast[1], 'admin')
    const { key } = await makeKey(place, ben, ['companies.read', 'companies.write'])
    let count = 0
    const put = () => {
      const body = { ...company, name: `Company ${++count}` }
      return toldByKey(world, key, companies(place), { method: 'POST', body })
    }
    expect(await put()).toBe('201')
    expect(await place.told(cast[0], 'PUT', `/members/${ben.person}/role`, { role: 'viewer' })).toBe('204')
    expect(await put()).toBe(missing)
    expect(await toldByKey(world, key, companies(place))).toBe('200')
    expect(await place.told(cast[0], 'PUT', `/members/${ben.person}/role`, { role: 'member' })).toBe('204')
    expect(await put()).toBe('201')
  })

  test('whose own role was narrowed', async () => {
    const place = await found(world, cast[0])
    const role = await place.role({ permissions: ['members.read', 'companies.read', 'companies.write', 'keys.manage'] })
    const ben = await place.take(cast[1], role)
    const { key } = await makeKey(place, ben, ['companies.write'])
    const narrower = { name: 'Narrower', permissions: ['members.read', 'keys.manage'], secondFactor: false }
    expect(await place.told(cast[0], 'PUT', `/roles/${role}`, narrower)).toBe('204')
    expect(await toldByKey(world, key, companies(place), { method: 'POST', body: company })).toBe(missing)
  })

  test('when it is made: no scope that its maker has not, and none by the back door of a replacement', async () => {
    const place = await found(world, cast[0])
    const role = await place.role({ permissions: ['members.read', 'keys.manage'] })
    const ben = await place.take(cast[1], role)
    const wanted = (scopes: readonly string[]) => ({ name: 'x', scopes, days: 1 })
    expect(await place.told(ben, 'POST', '/keys', wanted(['members.read', 'companies.read']))).toBe(
      '403 api-keys/more-than-you-have',
    )
    expect(
      await world.superuser('select from holdfast.api_key where organisation_id = $1', [place.organisation]),
    ).toEqual([])
    const made = await makeKey(place, ben, ['members.read'])
    const at = `/keys/${made.id}`
    const more = { scopes: ['companies.write'] }
    // There is no way to change one; and what replaces its text takes no scopes, no days and no maker.
    for (const method of ['PUT', 'POST'] as const)
      expect(await place.told(ben, method, at, { name: 'x', ...more, days: 1 })).toMatch(/^40[45] /)
    const body = { hint: made.key.slice(-4), overlapHours: 0 }
    for (const extra of [more, { days: 366 }, { maker: { person: cast[0].person } }, { person: cast[0].person }])
      expect(await place.told(ben, 'POST', `${at}/rotate`, { ...body, ...extra })).toMatch(/^400 /)
    const { key } = (await (await place.ask(ben, 'POST', `${at}/rotate`, body)).json()) as { key: string }
    expect(await toldByKey(world, key, companies(place))).toBe(missing)
  })

  test('who is an administrator and would like to act as the owner', async () => {
    const place = await found(world, cast[0])
    const admin = await place.take(cast[1], 'admin')
    const made = await makeKey(place, cast[0], ['members.read', 'members.remove'])
    const body = { hint: made.key.slice(-4), overlapHours: 168 }
    expect(await place.told(admin, 'POST', `/keys/${made.id}/rotate`, body)).toBe('403 api-keys/not-your-key')
    // An administrator's own key invites no owner and removes none, as the administrator does not.
    const own = await makeKey(place, admin, ['members.invite', 'members.remove', 'members.read'])
    const invite = { address: 'accomplice@example.com', role: 'owner' }
    const path = `/api/o/${place.organisation}`
    expect(await toldByKey(world, own.key, `${path}/invitations`, { method: 'POST', body: invite })).toMatch(/^4/)
    expect(await toldByKey(world, own.key, `${path}/members/${cast[0].person}`, { method: 'DELETE' })).toBe(missing)
    expect(await place.told(cast[0], 'GET', '/keys')).toBe('200')
  })

  test('and does not act against its maker beyond its scopes: it neither leaves nor removes', async () => {
    const place = await found(world, cast[0])
    const ben = await place.take(cast[1], 'admin')
    const { key } = await makeKey(place, ben, ['members.read'])
    const path = `/api/o/${place.organisation}`
    expect(await toldByKey(world, key, `${path}/leave`, { method: 'POST', body: {} })).toMatch(/^403 /)
    expect(await inside(place, key, 'select holdfast.remove_member($1)', [ben.person])).toBe('HF403')
    expect(await toldByKey(world, key, members(place))).toBe('200')
  })
})

describe('a key of one organisation', () => {
  test('finds every other like one that never was, also where its maker is an owner', async () => {
    const [mine, other, foreign] = [
      await found(world, cast[0]),
      await found(world, cast[0]),
      await found(world, cast[1]),
    ]
    const { key } = await makeKey(mine, cast[0], ['members.read', 'companies.write'])
    for (const place of [other, foreign, { organisation: crypto.randomUUID() } as Company]) {
      expect(await toldByKey(world, key, members(place))).toBe('404 http/not-found')
      expect(await toldByKey(world, key, companies(place), { method: 'POST', body: company })).toBe(
        '404 http/not-found',
      )
      expect(await enterBy('enter_key', entryOfKey(key), place.organisation)).toBe('HF404')
    }
    // Somebody else's key is neither seen, nor replaced, nor withdrawn.
    const made = await makeKey(foreign, cast[1], ['members.read'])
    const body = { hint: made.key.slice(-4), overlapHours: 0 }
    expect(await mine.told(cast[0], 'POST', `/keys/${made.id}/rotate`, body)).toBe('404 http/not-found')
    expect(await mine.told(cast[0], 'DELETE', `/keys/${made.id}`)).toBe('404 http/not-found')
    expect(await toldByKey(world, made.key, members(foreign))).toBe('200')
  })
})

describe('a key makes nothing that outlives it', () => {
  test('no key, no role, no owner; and opens no route of the account', async () => {
    const place = await found(world, cast[0])
    const { id, key } = await makeKey(
      place,
      cast[0],
      crm.roles.owner.permissions.filter((name) => !/^(keys|roles)\./.test(name)),
    )
    const at = `/api/o/${place.organisation}`
    const tries: readonly (readonly [string, string, unknown?])[] = [
      ['GET', `${at}/keys`],
      ['POST', `${at}/keys`, { name: 'x', scopes: ['members.read'], days: 366 }],
      ['POST', `${at}/keys/${id}/rotate`, { hint: key.slice(-4), overlapHours: 0 }],
      ['DELETE', `${at}/keys/${id}`],
      ['POST', `${at}/roles`, { name: 'x', permissions: ['members.read'], secondFactor: false }],
      ['PUT', `${at}/members/${cast[0].person}/role`, { role: 'owner' }],
      ['POST', `${at}/ownership`, { person: cast[1].person, keep: 'admin' }],
      ['PUT', `${at}/second-factor`, { demanded: false }],
      ['POST', `${at}/members/${cast[1].person}/reset-factors`, {}],
      ['GET', '/api/me'],
      ['GET', '/api/account'],
      ['PUT', '/api/account/name', { name: 'Mallory' }],
      ['POST', '/api/account/password', { current: cast[0].password, password: 'a key shall not pass' }],
      ['POST', '/api/account/close', {}],
      ['GET', '/api/sessions'],
      ['POST', '/api/sessions/end-others', {}],
      ['GET', '/api/account/factors'],
      ['POST', '/api/organisations', { name: 'x' }],
      ['POST', '/api/invitations/accept', { token: 'x' }],
      ['GET', '/api/csrf-token'],
      ['POST', '/api/sign-out', {}],
    ]
    for (const [method, path, body] of tries)
      expect(
        await toldByKey(world, key, path, { method, ...(body === undefined ? {} : { body }) }),
        `${method} ${path}`,
      ).toBe(refused)
  })

  test('nor does SQL that was smuggled into its requests', async () => {
    const place = await found(world, cast[0])
    const made = await makeKey(place, cast[0], ['members.read'])
    const d = entryOfKey(made.key)
    const hash = Buffer.alloc(32, 7)
    const make = `select * from holdfast.make_key($1, $2, 'x', 'abcd', array['members.read'], 366, 's', 'b')`
    expect(await inside(place, made.key, make, [d, hash])).toBe('HF401')
    // Not even where somebody's own session is at hand: the key has no permission to.
    expect(await inside(place, made.key, make, [secretOf(cast[0]), hash])).toBe('HF403')
    const rotate = `select holdfast.rotate_key($1, $2, $3, $4, 'abcd', 168, 's', 'b')`
    for (const secret of [d, secretOf(cast[0])])
      expect(await inside(place, made.key, rotate, [secret, made.id, made.key.slice(-4), hash])).toMatch(/^HF40[13]$/)
    expect(await inside(place, made.key, 'select holdfast.drop_key($1)', [made.id])).toBe('HF403')
    expect(await inside(place, made.key, 'select * from holdfast.keys()')).toBe('HF403')
    const role = `select holdfast.write_role($1, null, 'x', array['members.read'], false)`
    for (const secret of [d, secretOf(cast[0])])
      expect(await inside(place, made.key, role, [secret])).toMatch(/^HF40[13]$/)
    for (const text of [
      'select * from holdfast.api_key',
      'select * from holdfast.pass',
      `update holdfast.api_key set scopes = 1`,
      'delete from holdfast.api_key',
      `select holdfast.mint_key('\\x00', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 1::smallint, '1 day')`,
      `select holdfast.sweep_keys()`,
      `select holdfast.persons_of_keys('{}')`,
      `select set_config('backtrace_functions', rpad(current_setting('backtrace_functions'), 67), true)`,
    ])
      expect(await inside(place, made.key, text), text).toBe('42501')
    // Its scopes stand behind the role in the setting: entering once more, by whatever door, is refused.
    for (const door of ['enter', 'enter_key', 'enter_lease'])
      expect(
        await inside(place, made.key, `select holdfast.${door}($1, $2, 0)`, [secretOf(cast[0]), place.organisation]),
      ).toBe('HF000')
    expect(await toldByKey(world, made.key, members(place))).toBe('200')
  })

  test('SQL in somebody’s session makes no key of another’s session, and none without a fresh one', async () => {
    const place = await found(world, cast[0])
    const ben = await place.take(cast[1], 'admin')
    const make = `select * from holdfast.make_key($1, $2, 'x', 'abcd', array['members.read'], 366, 's', 'b')`
    const entry = { secret: secretOf(ben), organisation: place.organisation, need: '0' }
    const run = (secret: Uint8Array) =>
      world.foundation.logins.app
        .transaction(entry, (query) => query({ text: make, values: [secret, Buffer.alloc(32, 8)] }))
        .then(JSON.stringify, (error) => (error as { code: string }).code)
    expect(await run(secretOf(cast[0]))).toBe('HF401')
    await world.superuser(`update holdfast.pass set shown_at = shown_at - interval '16 minutes' where person_id = $1`, [
      ben.person,
    ])
    expect(await run(secretOf(ben))).toBe('HF440')
    await world.superuser(`update holdfast.pass set shown_at = clock_timestamp() where person_id = $1`, [ben.person])
  })
})

describe('what is no key', () => {
  test('a session’s secret at the door of keys, a key’s at that of sessions and leases', async () => {
    const place = await found(world, cast[0])
    const { key } = await makeKey(place, cast[0], ['members.read'])
    expect(await enterBy('enter_key', secretOf(cast[0]), place.organisation)).toBe('HF401')
    for (const door of ['enter', 'enter_lease'])
      expect(await enterBy(door, entryOfKey(key), place.organisation)).toBe('HF401')
    expect(
      await enterBy('enter_key', entryOfKey(key), place.organisation, await maskOf(world, 'members.read')),
    ).toBeUndefined()
    expect(await enterBy('enter_key', entryOfKey(key), place.organisation, await maskOf(world, 'companies.read'))).toBe(
      'HF403',
    )
  })

  test('cut, doubled, of another product, made up with a right checksum, or under another scheme', async () => {
    const place = await found(world, cast[0])
    const { key } = await makeKey(place, cast[0], ['members.read'])
    const session = cast[0].cookie.split('=')[1]!
    const texts = [
      '',
      key.slice(0, -1),
      key.slice(1),
      `${key}0`,
      `${key},${key}`,
      `${key} ${key}`,
      key.replace('bight', 'ebb'),
      key.toUpperCase(),
      key.replace('_key_', '_'),
      createKeyTexts('ebb').write(),
      createKeyTexts('bight').write(),
      session,
      entryOfKey(key).toString('hex'),
      'null',
      '\u00e4'.repeat(59),
      'x'.repeat(8000),
    ]
    for (const text of texts) expect(await toldByKey(world, text, members(place)), text.slice(0, 70)).toBe(dead)
    const told = async (authorization: string) =>
      tellOf(await byKey(world, key, members(place), { headers: { authorization } }))
    for (const scheme of ['Basic', 'Token', 'ApiKey', 'BearerX', 'DPoP', 'Digest'])
      expect(await told(`${scheme} ${key}`), scheme).toBe('401 sessions/no-session')
    expect(await told(key)).toBe('401 sessions/no-session')
    // The scheme in any case, and more than one blank: RFC 9110, section 11.4.
    for (const way of [`bearer ${key}`, `BEARER ${key}`, `Bearer   ${key}`]) expect(await told(way), way).toBe('200')
  })

  test('an unknown key asks the database nothing where its checksum is wrong', async () => {
    const { app } = world.foundation.logins
    const asked = vi.spyOn(app, 'entered')
    try {
      const place = await found(world, cast[0])
      const key = createKeyTexts('bight').write()
      const before = asked.mock.calls.length
      expect(await toldByKey(world, `${key.slice(0, -6)}000000`, members(place))).toBe(dead)
      expect(asked.mock.calls.length).toBe(before)
      expect(await toldByKey(world, key, members(place))).toBe(dead)
      expect(asked.mock.calls.length).toBe(before + 1)
    } finally {
      asked.mockRestore()
    }
  })

  test('in an address, a cookie, a body, or another header', async () => {
    const place = await found(world, cast[0])
    const { key } = await makeKey(place, cast[0], ['members.read'])
    const plain = (query = '', headers: Record<string, string> = {}) =>
      fetch(`${world.origin}${members(place)}${query}`, { headers }).then(tellOf)
    for (const name of ['key', 'api_key', 'apikey', 'token', 'access_token', 'authorization'])
      expect(await plain(`?${name}=${key}`), name).toMatch(/^40[01] /)
    for (const name of ['key', 'token', 'authorization', 'bight_key'])
      expect(await plain('', { cookie: `${name}=${key}` }), name).toBe('401 sessions/no-session')
    expect(await plain('', { cookie: `crm-session=${key}` })).toBe('401 sessions/no-session')
    for (const name of ['x-api-key', 'api-key', 'x-auth-token', 'proxy-authorization', 'x-forwarded-authorization'])
      expect(await plain('', { [name]: `Bearer ${key}` }), name).toBe('401 sessions/no-session')
    expect(JSON.stringify(world.requests)).not.toContain(key.slice(-49))
  })

  test('beside the cookie of a session: neither acts, whoever they are, and alive or not', async () => {
    const place = await found(world, cast[0])
    const { key } = await makeKey(place, cast[0], ['members.read'])
    const both = '400 api-keys/key-beside-session'
    const told = (text: string, cookie: string, path = members(place)) =>
      toldByKey(world, text, path, { headers: { cookie, origin: world.origin } })
    for (const cookie of [
      cast[0].cookie,
      cast[1].cookie,
      'crm-session=',
      'crm-session=x',
      `a=1;  ${cast[0].cookie}; b=2`,
    ])
      expect(await told(key, cookie), cookie.slice(0, 30)).toBe(both)
    expect(await told('nonsense', cast[0].cookie)).toBe(both)
    expect(await told(key, cast[0].cookie, '/api/me')).toBe(both)
    // Cookies that are none of ours are in nobody's way.
    expect(await told(key, 'theme=dark; other-session=1')).toBe('200')
    const session = await world.fetch(members(place), { cookie: cast[0].cookie })
    expect(session.status).toBe(200)
  })

  test('two headers with two keys', async () => {
    const place = await found(world, cast[0])
    const [one, other] = [
      await makeKey(place, cast[0], ['members.read']),
      await makeKey(place, cast[0], ['companies.read']),
    ]
    const status = await new Promise<number>((resolve, reject) => {
      const { hostname, port } = new URL(world.origin)
      const lines = [
        'host',
        new URL(world.origin).host,
        'authorization',
        `Bearer ${one.key}`,
        'authorization',
        `Bearer ${other.key}`,
      ]
      httpRequest({ hostname, port, path: members(place), headers: lines }, (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
        .on('error', reject)
        .end()
    })
    // Never both, and never the second alone.
    expect([401, 200]).toContain(status)
    if (status === 200) expect(await toldByKey(world, one.key, members(place))).toBe('200')
  })
})

describe('a key in a browser', () => {
  test('of another site is refused, whatever the page could make of it', async () => {
    const place = await found(world, cast[0])
    const { key } = await makeKey(place, cast[0], ['companies.read', 'companies.write'])
    const crossSite = '403 browser-defences/cross-site-request'
    const told = (headers: Record<string, string>, method = 'POST') =>
      toldByKey(world, key, companies(place), { method, headers, ...(method === 'POST' ? { body: company } : {}) })
    for (const headers of [
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-site', origin: 'https://sub.example' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ])
      expect(await told(headers), JSON.stringify(headers)).toBe(crossSite)
    expect(await told({ 'sec-fetch-site': 'cross-site' }, 'GET')).toBe(crossSite)
    // No preflight is answered with leave.
    const preflight = await fetch(`${world.origin}${companies(place)}`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://evil.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    })
    expect(preflight.status).toBeGreaterThanOrEqual(400)
    expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    expect(await told({})).toBe('201')
  })

  test('heals no request of a session’s that shows nothing of where it comes from', async () => {
    const place = await found(world, cast[0])
    const { key } = await makeKey(place, cast[0], ['companies.write'])
    const answer = await toldByKey(world, key, companies(place), {
      method: 'POST',
      body: company,
      headers: { cookie: cast[0].cookie },
    })
    expect(answer).toBe('403 browser-defences/cross-site-request')
  })
})

describe('at the same moment', () => {
  test('two who replace a key: one does, and holds what works', async () => {
    const place = await found(world, cast[0])
    const made = await makeKey(place, cast[0], ['members.read'])
    const body = { hint: made.key.slice(-4), overlapHours: 0 }
    const answers = await atOnce(
      world,
      place.organisation,
      Array.from({ length: 4 }, () => () => place.ask(cast[0], 'POST', `/keys/${made.id}/rotate`, body)),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409])
    const { key } = (await answers.find(({ status }) => status === 201)!.json()) as { key: string }
    expect(await toldByKey(world, key, members(place))).toBe('200')
    const living = await world.superuser(
      'select from holdfast.pass where family = $1 and revoked_at is null and (dead_at is null or dead_at > clock_timestamp())',
      [made.id],
    )
    expect(living).toHaveLength(1)
  })

  test('replacing and withdrawing: nothing lives on', async () => {
    const place = await found(world, cast[0])
    const made = await makeKey(place, cast[0], ['members.read'])
    const body = { hint: made.key.slice(-4), overlapHours: 168 }
    await atOnce(world, place.organisation, [
      () => place.ask(cast[0], 'POST', `/keys/${made.id}/rotate`, body),
      () => place.ask(cast[0], 'DELETE', `/keys/${made.id}`),
    ])
    await place.ask(cast[0], 'DELETE', `/keys/${made.id}`)
    expect(
      await world.superuser('select from holdfast.pass where family = $1 and revoked_at is null', [made.id]),
    ).toEqual([])
  })

  test('making one and being removed: no key of nobody', async () => {
    const place = await found(world, cast[0])
    const ben = await place.take(cast[1], 'admin')
    const wanted = { name: 'x', scopes: ['members.read'], days: 1 }
    await atOnce(world, place.organisation, [
      () => place.ask(ben, 'POST', '/keys', wanted),
      () => place.ask(cast[0], 'DELETE', `/members/${ben.person}`),
      () => place.ask(ben, 'POST', '/keys', wanted),
    ])
    expect(
      await world.superuser(
        `select from holdfast.pass where organisation_id = $1 and kind = 'k' and revoked_at is null`,
        [place.organisation],
      ),
    ).toEqual([])
    expect(
      await world.superuser('select from holdfast.api_key where organisation_id = $1', [place.organisation]),
    ).toEqual([])
  })

  test('making the hundredth: one does', async () => {
    const place = await found(world, cast[0])
    await inPlace(
      world,
      place.organisation,
      `insert into holdfast.api_key (organisation_id, id, person_id, name, hint, scopes, days, expires_at)
         select '${place.organisation}', gen_random_uuid(), '${cast[0].person}', 'n', '0000', 1, 1, clock_timestamp() + interval '1 day'
           from generate_series(1, 99)`,
    )
    const wanted = { name: 'x', scopes: ['members.read'], days: 1 }
    const answers = await atOnce(
      world,
      place.organisation,
      Array.from({ length: 3 }, () => () => place.ask(cast[0], 'POST', '/keys', wanted)),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 429, 429])
  })

  test('making one and ending all that the person has, as a reset of the password does: nothing is left', async () => {
    const maker = await world.join('Maker')
    const place = await found(world, maker)
    const client = new pg.Client({ ...inject('superuser'), database: world.database.database })
    await client.connect()
    try {
      await client.query('begin')
      await client.query('select from holdfast.person where id = $1 for no key update', [maker.person])
      const racing = place.ask(maker, 'POST', '/keys', { name: 'x', scopes: ['members.read'], days: 1 })
      const waiting = `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      await expect.poll(() => world.superuser(waiting), { timeout: 20_000 }).toEqual([{ count: 1 }])
      await client.query('select holdfast.end_sessions_of($1, null)', [maker.person])
      await client.query('commit')
      expect((await racing).status).toBe(401)
    } finally {
      await client.end()
    }
    expect(
      await world.superuser('select from holdfast.pass where person_id = $1 and revoked_at is null', [maker.person]),
    ).toEqual([])
  })
})

describe('what is kept', () => {
  test('neither the text nor what is presented stands in the database, also where an Idempotency-Key came', async () => {
    const place = await found(world, cast[0])
    const answer = await world.fetch(`/api/o/${place.organisation}/keys`, {
      method: 'POST',
      cookie: cast[0].cookie,
      headers: { 'idempotency-key': 'a-key-for-idempotency' },
      body: { name: 'x', scopes: ['members.read'], days: 1 },
    })
    expect(answer.status).toBe(201)
    const { id, key } = (await answer.json()) as { id: string; key: string }
    await mailedToken(world.mails, cast[0].address, /\/o\/([0-9a-f-]+)\/keys/)
    const tables = await world.superuser(`select table_name from holdfast.table_class order by 1`)
    for (const { table_name: name } of tables) {
      const rows = await world.superuser(`select t::text as row from ${name} t`)
      const text = rows.map(({ row }) => row).join('\n')
      expect(text, String(name)).not.toContain(key)
      expect(text, String(name)).not.toContain(key.slice(10, -6))
      expect(text, String(name)).not.toContain(entryOfKey(key).toString('hex'))
    }
    const [pass] = await world.superuser(`select hash = sha256($2) as fits from holdfast.pass where family = $1`, [
      id,
      entryOfKey(key),
    ])
    expect(pass).toEqual({ fits: true })
  })

  test('a key has the factors of the session that made it, and no more', async () => {
    const maker = await world.join('Maker')
    const place = await found(world, maker)
    const assurance = async (id: string) =>
      (await world.superuser('select assurance from holdfast.pass where family = $1', [id]))[0]!.assurance
    expect(await assurance((await makeKey(place, maker, ['members.read'])).id)).toBe(1)
    await giveFactor(world, maker)
    expect(await assurance((await makeKey(place, maker, ['members.read'])).id)).toBe(2)
  })
})
