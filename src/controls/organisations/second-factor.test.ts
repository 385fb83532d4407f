import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { mailedToken, startWorld, type Visitor, type World } from '../../../test/world/world.ts'

// People who join, each by a hash or two: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 })

let world: World
/** The same product, but one that demands two factors of its administrators. */
let strict: World
beforeAll(async () => {
  const superuser = inject('superuser')
  world = await startWorld({ product: crm, superuser })
  const admin = { ...crm.roles.admin!, minAssurance: 2 as const }
  strict = await startWorld({ product: { ...crm, roles: { ...crm.roles, admin } }, superuser })
}, 120_000)
afterAll(async () => {
  await world?.stop()
  await strict?.stop()
})

type Member = Visitor & { organisation: string }

const send = (to: World, path: string, cookie: string, body: unknown = {}, method = 'POST') =>
  to.fetch(path, { method, body, cookie })
const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0]!.split(';')[0]!
const told = async (answer: Response) => [answer.status, ((await answer.json()) as { code: string }).code]

/** A second factor by SQL: what is tested here is what a mandate makes of it. Sessions of two factors are made by `whole`. */
async function giveFactor(to: World, { person }: Visitor) {
  const key = 'hf1.AAAAAAAA.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  await to.superuser(
    `insert into holdfast.totp (person_id, sealed, last_step) values ('${person}', '${key}', 1) on conflict do nothing;
     select holdfast.want_assurance('${person}', 2::smallint); update holdfast.pass set assurance = 2 where person_id = '${person}'`,
  )
}

async function invite(to: World, owner: Member, guest: Visitor, role: string): Promise<Member> {
  const path = `/api/o/${owner.organisation}/invitations`
  expect((await send(to, path, owner.cookie, { address: guest.address, role })).status).toBe(201)
  const token = await mailedToken(to.mails, guest.address, /\/invitation#([\w-]+)/)
  expect((await send(to, '/api/invitations/accept', guest.cookie, { token })).status).toBe(200)
  return { ...guest, organisation: owner.organisation }
}

const demand = (owner: Member, demanded: boolean) =>
  send(world, `/api/o/${owner.organisation}/second-factor`, owner.cookie, { demanded }, 'PUT')
const read = (to: World, { organisation, cookie }: Member, what = 'members') =>
  to.fetch(`/api/o/${organisation}/${what}`, { cookie })

describe('an organisation that demands a second factor', () => {
  test('refuses whoever has one, from the next request on, and lets them set one up', async () => {
    const ada = await world.joinWithOrganisation('Ada')
    const ben = await invite(world, ada, await world.join('Ben'), 'member')
    await giveFactor(world, ada)
    expect((await read(world, ben)).status).toBe(200)
    expect((await demand(ada, true)).status).toBe(204)
    expect(await told(await read(world, ben))).toEqual([428, 'tenant-isolation/second-factor-not-enrolled'])
    expect((await read(world, ada)).status).toBe(200)

    // No dead end: the account stays open, and so does the way to a factor.
    expect((await world.fetch('/api/me', ben)).status).toBe(200)
    expect(await (await world.fetch('/api/account/factors', ben)).json()).toMatchObject({ demanded: true })
    expect((await send(world, '/api/account/factors/totp', ben.cookie)).status).toBe(201)
    // A new session of one factor is no way around it.
    const { address, password } = ben
    const again = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
    expect((await read(world, { ...ben, cookie: cookieOf(again) })).status).toBe(428)
    await giveFactor(world, ben)
    expect((await read(world, ben)).status).toBe(200)
  })

  test('shows its owner who has none, and nobody else', async () => {
    const ada = await world.joinWithOrganisation('Ada')
    const ben = await invite(world, ada, await world.join('Ben'), 'member')
    await giveFactor(world, ada)
    const factors = async () => (await read(world, ada, 'second-factor')).json()
    const listed = async (who: Member) => {
      const { members } = (await (await read(world, who)).json()) as {
        members: { person: string; secondFactor: boolean | null }[]
      }
      return [ada, ben].map(({ person }) => members.find((one) => one.person === person)!.secondFactor)
    }
    expect(await factors()).toEqual({ demanded: false, without: 1, own: true })
    expect([await listed(ada), await listed(ben)]).toEqual([
      [true, false],
      [null, null],
    ])
    await demand(ada, true)
    expect(await factors()).toEqual({ demanded: true, without: 1, own: true })
    await giveFactor(world, ben)
    expect(await factors()).toEqual({ demanded: true, without: 0, own: true })
    expect(await listed(ada)).toEqual([true, true])
    expect(await told(await read(world, ben, 'second-factor'))).toEqual([403, 'tenant-isolation/permission-missing'])
  })

  test('is not made by whoever has no factor, nor by a member, nor by an old session', async () => {
    const ada = await world.joinWithOrganisation('Ada')
    const ben = await invite(world, ada, await world.join('Ben'), 'member')
    expect(await told(await demand(ada, true))).toEqual([409, 'organisations/own-factor-first'])
    await giveFactor(world, ada)
    await giveFactor(world, ben)
    expect((await demand(ben, true)).status).toBe(403)
    const [stranger] = [await world.joinWithOrganisation('Cy')]
    expect((await demand({ ...stranger, organisation: ada.organisation }, true)).status).toBe(404)
    await world.superuser(
      `update holdfast.pass set shown_at = shown_at - interval '16 minutes' where person_id = '${ada.person}'`,
    )
    expect(await told(await demand(ada, true))).toEqual([428, 'tenant-isolation/show-again'])
  })

  test('keeps the last factor of its members from being removed', async () => {
    const ada = await world.joinWithOrganisation('Ada')
    await giveFactor(world, ada)
    await demand(ada, true)
    const path = '/api/account/factors/totp'
    expect(await told(await send(world, path, ada.cookie, undefined, 'DELETE'))).toEqual([
      409,
      'two-factor/last-factor',
    ])
    await demand(ada, false)
    expect((await send(world, path, ada.cookie, undefined, 'DELETE')).status).toBe(204)
  })

  test('is in the record of changes, made and lifted', async () => {
    const ada = await world.joinWithOrganisation('Ada')
    await giveFactor(world, ada)
    await demand(ada, true)
    await demand(ada, true)
    await demand(ada, false)
    const events = await world.superuser(
      `select action, person_id from holdfast.event where organisation_id = $1 and table_name = 'holdfast.mandate' order by id`,
      [ada.organisation],
    )
    expect(events).toEqual([
      { action: 'insert', person_id: ada.person },
      { action: 'delete', person_id: ada.person },
    ])
  })

  test('is not in the way of another organisation of the same person', async () => {
    const ada = await world.joinWithOrganisation('Ada')
    const ben = await world.joinWithOrganisation('Ben')
    const guest = await invite(world, ada, ben, 'member')
    await giveFactor(world, ada)
    await demand(ada, true)
    expect((await read(world, guest)).status).toBe(428)
    expect((await read(world, ben)).status).toBe(200)
  })
})

test('a role that demands two refuses one, over the API as everywhere (directus 24586)', async () => {
  const ada = await strict.joinWithOrganisation('Ada')
  const ben = await invite(strict, ada, await strict.join('Ben'), 'admin')
  const { address, password } = ben
  const signedIn = await strict.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
  expect(signedIn.status).toBe(200)
  const raw = { ...ben, cookie: cookieOf(signedIn) }
  for (const what of ['members', 'companies', 'contacts', 'second-factor'])
    expect([what, ...(await told(await read(strict, raw, what)))]).toEqual([
      what,
      428,
      'tenant-isolation/second-factor-not-enrolled',
    ])
  const written = await send(strict, `/api/o/${ben.organisation}/companies`, raw.cookie, {
    name: 'x',
    website: '',
    note: '',
  })
  expect(written.status).toBe(428)
  expect((await read(strict, ada)).status).toBe(200)
  await giveFactor(strict, ben)
  expect((await read(strict, ben)).status).toBe(200)
}, 60_000)

describe('a reset by an administrator', () => {
  const reset = (by: Member, { person }: Visitor) =>
    send(world, `/api/o/${by.organisation}/members/${person}/reset-factors`, by.cookie)

  test('takes the factors, ends the sessions, is mailed and recorded', async () => {
    const ada = await world.joinWithOrganisation('Ada')
    const ben = await invite(world, ada, await world.join('Ben'), 'member')
    await giveFactor(world, ben)
    expect((await reset(ada, ben)).status).toBe(204)
    expect((await world.fetch('/api/me', ben)).status).toBe(401)
    const { address, password } = ben
    const again = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
    expect(await again.json()).toMatchObject({ secondStep: null })
    await expect
      .poll(() => world.mails.some(({ to, subject }) => to === ben.address && /second factor was taken/.test(subject)))
      .toBe(true)
    const events = await world.superuser(
      `select e.action, e.person_id, r.person_id as of from holdfast.event e join holdfast.factor_reset r on r.id::text = e.row_key
        where e.organisation_id = $1 and e.table_name = 'holdfast.factor_reset'`,
      [ada.organisation],
    )
    expect(events).toEqual([{ action: 'insert', person_id: ada.person, of: ben.person }])
    expect(await told(await reset(ada, ben))).toEqual([409, 'organisations/no-factor-to-reset'])
  })

  test('is refused for oneself, for whoever may more, and by whoever may not', async () => {
    const ada = await world.joinWithOrganisation('Ada')
    const ben = await invite(world, ada, await world.join('Ben'), 'admin')
    const cy = await invite(world, ada, await world.join('Cy'), 'member')
    for (const one of [ada, ben, cy]) await giveFactor(world, one)
    expect(await told(await reset(ada, ada))).toEqual([409, 'organisations/oneself-reset'])
    expect((await reset(ben, ada)).status).toBe(403)
    expect((await reset(cy, ben)).status).toBe(403)
    const stranger = await world.joinWithOrganisation('Dee')
    expect((await reset(ada, stranger)).status).toBe(404)
    expect((await reset({ ...stranger, organisation: ada.organisation }, cy)).status).toBe(404)
    for (const one of [ada, ben, cy]) expect((await read(world, one)).status).toBe(200)
  })

  test('is refused for whoever belongs to another organisation too', async () => {
    const ada = await world.joinWithOrganisation('Ada')
    const ben = await world.joinWithOrganisation('Ben')
    const guest = await invite(world, ada, ben, 'member')
    await giveFactor(world, ben)
    expect(await told(await reset(ada, guest))).toEqual([409, 'organisations/member-elsewhere'])
    expect((await read(world, ben)).status).toBe(200)
  })
})
