import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { accept, type Company, found, giveFactor, mailsTo, newName } from '../../../test/world/company.ts'
import { startWorld, type Visitor, type World } from '../../../test/world/world.ts'

vi.setConfig({ testTimeout: 60_000 })

let world: World
/** They found and join a new organisation in each test: to sign up costs two hashes, to found one nothing. */
let [ada, ben, cy]: Visitor[] = []
let company: Company
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  ;[ada, ben, cy] = await Promise.all(['Ada Holm', 'Ben Okoro', 'Cy Voss'].map((name) => world.join(name)))
}, 120_000)
afterAll(() => world?.stop())

interface RoleSeen {
  readonly key: string
  readonly name: string
  readonly custom: boolean
  readonly permissions: string[]
  readonly secondFactor: boolean
  readonly members: number
  readonly open: number
  readonly yours: boolean
}
interface RolesSeen {
  readonly roles: RoleSeen[]
  readonly permissions: string[]
  readonly permissionTitles: Record<string, string>
  readonly mine: string[]
}
interface MembersSeen {
  readonly members: { person: string; name: string; role: string }[]
  readonly invitations: { id: string; role: string; expiresAt: string }[]
  readonly next: string | null
  readonly you: { role: string; permissions: string[] }
}

const rolesOf = (who: Visitor) => company.read<RolesSeen>(who, '/roles')
const roleOf = async (who: Visitor, key: string) => (await rolesOf(who)).roles.find((role) => role.key === key)
const membersOf = (who: Visitor, query = '') => company.read<MembersSeen>(who, `/members${query}`)
const lookOnly = ['companies.read', 'contacts.read', 'members.read']
const notAllowed = '403 tenant-isolation/permission-missing'
const newCompany = { name: 'Kelpworks', website: '', note: '' }

describe('a role of the organisation’s own', () => {
  test('is made, given with an invitation, may what it says and no more, is changed, and deleted', async () => {
    company = await found(world, ada!)
    const bookkeeper = await company.role({ name: 'Bookkeeper', permissions: ['companies.read', 'members.read'] })
    expect(await roleOf(ada!, bookkeeper)).toEqual({
      key: bookkeeper,
      name: 'Bookkeeper',
      custom: true,
      permissions: ['companies.read', 'members.read'],
      secondFactor: false,
      members: 0,
      open: 0,
      yours: true,
    })
    await company.take(ben!, bookkeeper)
    expect((await membersOf(ben!)).you).toMatchObject({
      role: bookkeeper,
      permissions: ['companies.read', 'members.read'],
    })
    expect(await roleOf(ada!, bookkeeper)).toMatchObject({ members: 1, open: 0 })
    expect(await company.told(ben!, 'GET', '/companies')).toBe('200')
    expect(await company.told(ben!, 'GET', '/contacts')).toBe(notAllowed)
    expect(await company.told(ben!, 'POST', '/companies', newCompany)).toBe(notAllowed)

    // Widened and narrowed while the tab is open: the next request knows.
    const change = (permissions: string[]) =>
      company.told(ada!, 'PUT', `/roles/${bookkeeper}`, { name: 'Controller', permissions, secondFactor: false })
    expect(await change(['companies.read', 'companies.write'])).toBe('204')
    expect(await company.told(ben!, 'POST', '/companies', newCompany)).toBe('201')
    expect(await company.told(ben!, 'GET', '/members')).toBe(notAllowed)
    expect(await change(['contacts.read', 'members.read'])).toBe('204')
    expect(await company.told(ben!, 'POST', '/companies', newCompany)).toBe(notAllowed)
    expect(await company.told(ben!, 'GET', '/contacts')).toBe('200')
    expect(await roleOf(ben!, bookkeeper)).toMatchObject({ name: 'Controller', yours: true })

    expect(await company.told(ada!, 'DELETE', `/roles/${bookkeeper}`)).toBe('409 permissions/role-in-use')
    expect(await company.told(ada!, 'PUT', `/members/${ben!.person}/role`, { role: 'viewer' })).toBe('204')
    expect(await company.told(ada!, 'DELETE', `/roles/${bookkeeper}`)).toBe('204')
    expect(await company.told(ada!, 'DELETE', `/roles/${bookkeeper}`)).toBe('404 http/not-found')
    expect(await roleOf(ada!, bookkeeper)).toBeUndefined()
  })

  test('may only look into the product where it lacks members.read, and still has a place', async () => {
    company = await found(world, ada!, 'Third Bay')
    await company.take(ben!, await company.role({ name: 'Auditor', permissions: ['contacts.read'] }))
    expect(await company.told(ben!, 'GET', '/members')).toBe(notAllowed)
    const place = () => world.fetch(`/api/organisations/${company.organisation}`, ben!)
    expect(await (await place()).json()).toMatchObject({
      id: company.organisation,
      name: 'Third Bay',
      person: ben!.person,
      permissions: ['contacts.read'],
    })
    expect(await company.told(ada!, 'DELETE', `/members/${ben!.person}`)).toBe('204')
    expect((await place()).status).toBe(404)
  })

  test('is called by its name in each organisation of somebody in two', async () => {
    const [first, second] = [await found(world, ada!, 'First'), await found(world, cy!, 'Second')]
    for (const [place, name] of [
      [first, 'Skipper'],
      [second, 'Mate'],
    ] as const)
      await place.take(ben!, await place.role({ name, permissions: lookOnly }))
    const me = (await (await world.fetch('/api/me', ben!)).json()) as {
      organisations: { id: string; roleName: string }[]
    }
    const called = (id: string) => me.organisations.find((one) => one.id === id)?.roleName
    expect([called(first.organisation), called(second.organisation)]).toEqual(['Skipper', 'Mate'])
    company = first
    expect((await rolesOf(ben!)).roles.filter(({ custom }) => custom).map(({ name }) => name)).toEqual(['Skipper'])
  })

  test('demands a second factor at entry, where it says so', async () => {
    company = await found(world, ada!)
    const dee = await world.join('Dee')
    const guarded = await company.role({ permissions: lookOnly, secondFactor: true })
    await company.take(dee, guarded)
    expect(await company.told(dee, 'GET', '/contacts')).toBe('428 tenant-isolation/second-factor-not-enrolled')
    await giveFactor(world, dee)
    expect(await company.told(dee, 'GET', '/contacts')).toBe('200')
  })

  test('has a name that nobody else has', async () => {
    company = await found(world, ada!)
    await company.role({ name: 'Crew', permissions: lookOnly })
    const make = async (name: unknown) =>
      company.ask(ada!, 'POST', '/roles', { name, permissions: lookOnly, secondFactor: false })
    for (const name of ['Crew', 'crew', '  CREW ', 'Ｃrew', 'owner', 'Owner', 'Administrator', 'VIEWER', '(custom)']) {
      const answer = await make(name)
      expect([name, answer.status, await answer.json()]).toMatchObject([
        name,
        409,
        { code: 'permissions/role-name-taken', fields: [{ pointer: '/body/name' }] },
      ])
    }
    for (const name of ['', '   ', 'x'.repeat(61), 'a\u0000b', 'a\nb', 7, null])
      expect([name, (await make(name)).status]).toEqual([name, 400])
    // Its own name is no other's.
    const { roles } = await rolesOf(ada!)
    const { key } = roles.find(({ name }) => name === 'Crew')!
    const body = { name: 'crew', permissions: lookOnly, secondFactor: false }
    expect(await company.told(ada!, 'PUT', `/roles/${key}`, body)).toBe('204')
  })

  test('has permissions of the product, and at least one', async () => {
    company = await found(world, ada!)
    const make = async (permissions: unknown) => {
      const answer = await company.ask(ada!, 'POST', '/roles', { name: newName(), permissions, secondFactor: false })
      return [answer.status, ((await answer.json()) as { code: string }).code]
    }
    const invalid = [400, 'input-validation/invalid-fields']
    expect(await make(['contacts.read', 'contacts.erase'])).toEqual([422, 'permissions/permission-unknown'])
    expect(await make([])).toEqual(invalid)
    expect(await make(Array.from({ length: 65 }, () => 'contacts.read'))).toEqual(invalid)
    for (const hostile of [
      0,
      true,
      null,
      '',
      'contacts.read',
      { 0: 'contacts.read' },
      [7],
      [null],
      [['contacts.read']],
    ])
      expect([hostile, ...(await make(hostile))]).toEqual([hostile, ...invalid])
    const twice = await company.role({ permissions: ['contacts.read', 'contacts.read'] })
    expect((await roleOf(ada!, twice))?.permissions).toEqual(['contacts.read'])
  })

  test('is one of two hundred at most', async () => {
    company = await found(world, ada!)
    await company.sql(
      `insert into holdfast.custom_role (organisation_id, name, name_key, permissions)
         select '${company.organisation}', 'r' || n, 'r' || n, 1 from generate_series(1, 199) n`,
    )
    await company.role({ permissions: lookOnly })
    const body = { name: 'One too many', permissions: lookOnly, secondFactor: false }
    expect(await company.told(ada!, 'POST', '/roles', body)).toBe('429 permissions/too-many-roles')
    const { roles } = await rolesOf(ada!)
    expect(roles).toHaveLength(200 + Object.keys(crm.roles).length)
    // Those that are there can still be changed, and make room.
    const { key } = roles.find(({ name }) => name === 'r7')!
    expect(await company.told(ada!, 'PUT', `/roles/${key}`, body)).toBe('204')
    expect(await company.told(ada!, 'DELETE', `/roles/${key}`)).toBe('204')
    expect(await company.told(ada!, 'POST', '/roles', body)).toBe('201')
  })

  test('is in the record of changes: made, changed, deleted, by whom', async () => {
    company = await found(world, ada!)
    const key = await company.role({ permissions: lookOnly })
    const body = { name: newName(), permissions: lookOnly, secondFactor: true }
    await company.told(ada!, 'PUT', `/roles/${key}`, body)
    await company.told(ada!, 'DELETE', `/roles/${key}`)
    const events = await world.superuser(
      `select action, person_id from holdfast.event
        where organisation_id = $1 and table_name = 'holdfast.custom_role' order by id`,
      [company.organisation],
    )
    expect(events).toEqual(['insert', 'update', 'delete'].map((action) => ({ action, person_id: ada!.person })))
  })
})

test('the list of roles says which one may give, and what each permission means', async () => {
  company = await found(world, ada!)
  await company.take(ben!, 'admin')
  await company.take(cy!, 'viewer')
  await company.told(ada!, 'POST', '/invitations', { address: 'later@example.com', role: 'member' })
  const yours = async (who: Visitor) => (await rolesOf(who)).roles.filter((role) => role.yours).map(({ key }) => key)
  expect((await yours(ada!)).toSorted()).toEqual(['admin', 'member', 'owner', 'viewer'])
  expect((await yours(ben!)).toSorted()).toEqual(['admin', 'member', 'viewer'])
  expect(await yours(cy!)).toEqual(['viewer'])
  const { roles, permissions, permissionTitles, mine } = await rolesOf(cy!)
  expect(Object.fromEntries(roles.map(({ key, members, open }) => [key, [members, open]]))).toEqual({
    owner: [1, 0],
    admin: [1, 0],
    member: [0, 1],
    viewer: [1, 0],
  })
  expect(mine).toEqual(lookOnly)
  expect(permissions.toSorted()).toEqual([...crm.roles.owner.permissions].toSorted())
  expect(Object.keys(permissionTitles).toSorted()).toEqual(permissions.toSorted())
  expect(permissionTitles['contacts.read']).toBe('See contacts')
})

describe('another role', () => {
  test('stands in the list, in the seat and in the record, and acts on a tab that is open', async () => {
    company = await found(world, ada!)
    await company.take(ben!, 'member')
    expect(await company.told(ben!, 'POST', '/companies', newCompany)).toBe('201')
    expect(await company.told(ada!, 'PUT', `/members/${ben!.person}/role`, { role: 'viewer' })).toBe('204')
    expect(await company.told(ben!, 'POST', '/companies', newCompany)).toBe(notAllowed)
    expect((await membersOf(ben!)).members.map(({ name, role }) => [name, role])).toEqual([
      ['Ada Holm', 'owner'],
      ['Ben Okoro', 'viewer'],
    ])
    const [event] = await world.superuser(
      `select action, person_id, row_key from holdfast.event
        where organisation_id = $1 and table_name = 'holdfast.member' order by id desc limit 1`,
      [company.organisation],
    )
    expect(event).toEqual({ action: 'update', person_id: ada!.person, row_key: ben!.person })
    // The same again changes nothing.
    expect(await company.told(ada!, 'PUT', `/members/${ben!.person}/role`, { role: 'viewer' })).toBe('204')
  })

  test('is refused for nobody, and for a role that is not there', async () => {
    company = await found(world, ada!)
    const give = (person: string, role: unknown) => company.told(ada!, 'PUT', `/members/${person}/role`, { role })
    expect(await give(cy!.person, 'viewer')).toBe('404 http/not-found')
    expect(await give('no-such-person', 'viewer')).toBe('404 http/not-found')
    for (const role of ['emperor', crypto.randomUUID(), '(custom)', 'ff', 'OWNER'])
      expect([role, await give(ada!.person, role)]).toEqual([role, '422 organisations/role-unknown'])
    for (const role of ['', ' ', null, 7, ['owner'], 'x'.repeat(61)])
      expect([role, await give(ada!.person, role)]).toEqual([role, '400 input-validation/invalid-fields'])
    expect(await give(ada!.person, 'admin')).toBe('409 organisations/last-owner')
  })
})

describe('ownership', () => {
  test('is handed over, both are told, and the one before keeps what was chosen', async () => {
    company = await found(world, ada!, 'Outer Skerries')
    await company.take(ben!, 'viewer')
    const before = [mailsTo(world, ada!.address), mailsTo(world, ben!.address)]
    expect(await company.told(ada!, 'POST', '/ownership', { person: ben!.person, keep: 'member' })).toBe('204')
    expect((await membersOf(ben!)).members.map(({ name, role }) => [name, role])).toEqual([
      ['Ada Holm', 'member'],
      ['Ben Okoro', 'owner'],
    ])
    expect(await company.told(ada!, 'POST', '/ownership', { person: ben!.person, keep: 'member' })).toBe(notAllowed)
    await expect
      .poll(() => [mailsTo(world, ada!.address), mailsTo(world, ben!.address)])
      .toEqual(before.map((n) => n + 1))
    const last = (to: Visitor) => world.mails.findLast((mail) => mail.to === to.address)!
    expect(last(ada!).subject).toContain('handed over')
    expect(last(ada!).text).toContain('Ben Okoro now owns «Outer Skerries»')
    expect(last(ben!).text).toContain('Ada Holm has handed «Outer Skerries»')
  })

  test('is refused for nobody, oneself, an unknown role and whoever owns nothing', async () => {
    company = await found(world, ada!)
    await company.take(ben!, 'admin')
    const hand = (who: Visitor, person: string, keep: string) =>
      company.told(who, 'POST', '/ownership', { person, keep })
    expect(await hand(ada!, cy!.person, 'admin')).toBe('404 http/not-found')
    expect(await hand(ada!, ada!.person, 'admin')).toBe('409 organisations/owner-already')
    expect(await hand(ada!, ben!.person, 'emperor')).toBe('422 organisations/role-unknown')
    expect(await hand(ada!, ben!.person, 'owner')).toBe('422 organisations/role-unknown')
    expect(await hand(ben!, ada!.person, 'admin')).toBe(notAllowed)
    expect((await membersOf(ada!)).members.map(({ role }) => role)).toEqual(['owner', 'admin'])
  })
})

describe('an invitation that is sent again', () => {
  async function invited(role = 'member') {
    company = await found(world, ada!)
    const answer = await company.ask(ada!, 'POST', '/invitations', { address: ben!.address, role })
    const { id } = (await answer.json()) as { id: string }
    return { id, token: await company.link(ben!.address) }
  }
  const again = (id: string, who = ada!) => company.told(who, 'POST', `/invitations/${id}/resend`, {})

  test('has another link, for seven days from then on; the one before is dead', async () => {
    const { id, token } = await invited()
    await company.sql(
      `update holdfast.invitation set expires_at = clock_timestamp() + interval '1 hour' where id = '${id}'`,
    )
    expect(await again(id)).toBe('204')
    const next = await company.link(ben!.address)
    const { invitations } = await membersOf(ada!)
    expect(invitations).toMatchObject([{ id }])
    const days = (Date.parse(invitations[0]!.expiresAt) - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(6.99)
    expect(days).toBeLessThan(7.01)
    expect(await accept(world, ben!, token)).toBe('410 organisations/invitation-dead')
    expect(await accept(world, ben!, next)).toBe('200')
    expect(await again(id)).toBe('404 http/not-found')
  })

  test('is refused once it is withdrawn, too old, another organisation’s, and to whoever may not invite', async () => {
    const elsewhere = await invited()
    const { id } = await invited()
    expect(await again(elsewhere.id)).toBe('404 http/not-found')
    await company.take(cy!, 'member')
    expect(await again(id, cy!)).toBe(notAllowed)
    await company.sql(`update holdfast.invitation set expires_at = clock_timestamp() where id = '${id}'`)
    expect(await again(id)).toBe('404 http/not-found')
  })

  test('counts as one of the ten that an address gets in a day', async () => {
    const before = mailsTo(world, ben!.address)
    const { id } = await invited()
    for (let sent = 1; sent < 10; sent++) expect([sent, await again(id)]).toEqual([sent, '204'])
    expect(await again(id)).toBe('429 rate-limits/too-many-requests')
    await expect.poll(() => mailsTo(world, ben!.address), { timeout: 20_000 }).toBe(before + 10)
  })
})

test('every careful act asks a session again that showed who it is long ago', async () => {
  company = await found(world, cy!)
  const key = await company.role({ permissions: lookOnly })
  await company.take(ben!, 'viewer')
  await world.superuser(
    `update holdfast.pass set shown_at = shown_at - interval '16 minutes' where person_id = '${cy!.person}'`,
  )
  const body = { name: newName(), permissions: lookOnly, secondFactor: false }
  for (const [method, path, sent] of [
    ['POST', '/roles', body],
    ['PUT', `/roles/${key}`, body],
    ['DELETE', `/roles/${key}`, undefined],
    ['PUT', `/members/${ben!.person}/role`, { role: 'member' }],
    ['POST', '/ownership', { person: ben!.person, keep: 'admin' }],
  ] as const)
    expect([path, await company.told(cy!, method, path, sent)]).toEqual([path, '428 tenant-isolation/show-again'])
  expect((await membersOf(cy!)).members.map(({ role }) => role).toSorted()).toEqual(['owner', 'viewer'])
})

describe('the list of members', () => {
  beforeAll(async () => {
    company = await found(world, ada!, 'Large')
    // Each name is there three times; nobody of them has an account, so nothing but the list is asked.
    await company.sql(
      `with person as (insert into holdfast.person (id) select gen_random_uuid() from generate_series(1, 250) returning id),
            numbered as (select id, row_number() over () as n from person)
       insert into holdfast.member (organisation_id, person_id, name, address, role)
         select '${company.organisation}', id, 'Member ' || lpad((n / 3)::text, 3, '0'), 'm' || n || '@example.com', 'viewer' from numbered`,
    )
  })

  test('comes a hundred at a time, each member once, in the order of the names', async () => {
    const seen: MembersSeen['members'] = []
    let next: string | null = null
    for (const size of [100, 100, 51]) {
      const page: MembersSeen = await membersOf(ada!, next === null ? '' : `?after=${next}`)
      expect(page.members).toHaveLength(size)
      seen.push(...page.members)
      next = page.next
    }
    expect(next).toBeNull()
    expect(new Set(seen.map(({ person }) => person)).size).toBe(251)
    expect(seen.map(({ name }) => name)).toEqual(seen.map(({ name }) => name).toSorted())
  })

  test('is searched in names and addresses', async () => {
    const names = async (search: string) =>
      (await membersOf(ada!, `?search=${encodeURIComponent(search)}`)).members.map(({ name }) => name)
    expect(await names('ada')).toEqual(['Ada Holm'])
    expect(await names('M249@EXAMPLE')).toEqual(['Member 083'])
    expect(await names('  member 083 ')).toEqual(['Member 083', 'Member 083'])
    expect(await names('nobody of that name')).toEqual([])
    for (const sign of ['%', '_', '\\', "'"]) expect([sign, await names(sign)]).toEqual([sign, []])
  })

  test('refuses what is no cursor', async () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const nobody = crypto.randomUUID()
    for (const after of [
      'x',
      encode([]),
      encode(['a']),
      encode(['a', 'b']),
      encode(['\0', nobody]),
      encode([1, nobody]),
    ])
      expect([after, await company.told(ada!, 'GET', `/members?after=${after}`)]).toEqual([
        after,
        '400 input-validation/invalid-fields',
      ])
    expect((await membersOf(ada!, `?after=${encode(['zzz', nobody])}`)).members).toEqual([])
  })
})
