import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { study } from '../../../examples/study/study.ts'
import { mailedToken, startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { invitationMail } from './mails.ts'
import type { Me } from './organisations.ts'

interface Members {
  readonly members: { person: string; name: string; address: string; role: string; joinedAt: string }[]
  readonly invitations: { id: string; address: string; role: string; invitedAt: string; expiresAt: string }[]
  readonly you: { person: string; role: string; permissions: string[] }
}

describe('an organisation', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ product: crm, superuser: inject('superuser') })
  }, 120_000)
  afterAll(() => world?.stop())

  const post = (path: string, visitor: Visitor, body: unknown = {}) =>
    world.fetch(path, { method: 'POST', body, cookie: visitor.cookie })
  const read = async <T>(path: string, visitor: Visitor) => (await (await world.fetch(path, visitor)).json()) as T

  test('is founded, joined, listed, left, and the two know of each other', async () => {
    const ada = await world.joinWithOrganisation('Ada Holm')
    const ben = await world.join('Ben Okoro')
    const here = `/api/o/${ada.organisation}`
    expect(await read<Members>(`${here}/members`, ada)).toEqual({
      members: [
        {
          person: ada.person,
          name: 'Ada Holm',
          address: ada.address,
          role: 'owner',
          joinedAt: expect.stringMatching(/^20.+\+00:00$/),
          secondFactor: false,
        },
      ],
      next: null,
      invitations: [],
      you: { person: ada.person, role: 'owner', permissions: [...crm.roles.owner.permissions].sort() },
    })

    const invited = await post(`${here}/invitations`, ada, { address: ben.address, role: 'member' })
    expect(invited.status).toBe(201)
    const { id } = (await invited.json()) as { id: string }
    expect((await read<Members>(`${here}/members`, ada)).invitations).toEqual([
      { id, address: ben.address, role: 'member', invitedAt: expect.any(String), expiresAt: expect.any(String) },
    ])
    const mail = world.mails.findLast(({ to }) => to === ben.address)
    const token = await mailedToken(world.mails, ben.address, /\/invitation#([\w-]+)/)
    expect(mail).toBeDefined()
    expect(await (await post('/api/invitations/accept', ben, { token })).json()).toEqual({
      organisation: ada.organisation,
    })
    const after = await read<Members>(`${here}/members`, ben)
    expect(after.members.map(({ name, role }) => [name, role])).toEqual([
      ['Ada Holm', 'owner'],
      ['Ben Okoro', 'member'],
    ])
    expect(after.invitations).toEqual([])
    expect(after.you).toMatchObject({ person: ben.person, role: 'member' })
    expect((await read<Me>('/api/me', ben)).organisations).toMatchObject([{ id: ada.organisation, role: 'member' }])

    expect((await post(`${here}/leave`, ben)).status).toBe(204)
    expect((await world.fetch(`${here}/members`, ben)).status).toBe(404)
    expect((await read<Me>('/api/me', ben)).organisations).toEqual([])
    const events = await world.superuser(
      `select action, row_key from holdfast.event where organisation_id = $1 and table_name = 'holdfast.member' order by id`,
      [ada.organisation],
    )
    expect(events).toEqual([
      { action: 'insert', row_key: ada.person },
      { action: 'insert', row_key: ben.person },
      { action: 'delete', row_key: ben.person },
    ])
  })

  test('is one of several, and each request names its own', async () => {
    const ada = await world.joinWithOrganisation()
    const second = (await (await post('/api/organisations', ada, { name: 'Second' })).json()) as { id: string }
    const [one, two] = await Promise.all([
      read<Members>(`/api/o/${ada.organisation}/members`, ada),
      read<Members>(`/api/o/${second.id}/members`, ada),
    ])
    expect(one.members).toHaveLength(1)
    expect(two.members).toHaveLength(1)
    expect((await read<Me>('/api/me', ada)).organisations).toHaveLength(2)
  })

  test('the mail names who invites and where, and the invitation can be withdrawn', async () => {
    const ada = await world.joinWithOrganisation('Ada Holm')
    const address = `invited-${ada.person.slice(0, 8)}@example.com`
    const here = `/api/o/${ada.organisation}`
    const { id } = (await (await post(`${here}/invitations`, ada, { address, role: 'admin' })).json()) as { id: string }
    await mailedToken(world.mails, address, /\/invitation#([\w-]+)/)
    expect(world.mails.findLast(({ to }) => to === address)?.text).toContain('Ada Holm invites you to «Org ')
    const withdraw = () => world.fetch(`${here}/invitations/${id}`, { method: 'DELETE', cookie: ada.cookie })
    expect((await withdraw()).status).toBe(204)
    expect((await withdraw()).status).toBe(404)
  })

  test('says what is wrong with an invitation', async () => {
    const ada = await world.joinWithOrganisation()
    const here = `/api/o/${ada.organisation}/invitations`
    const refusal = async (body: unknown) => (await (await post(here, ada, body)).json()) as { code: string }
    expect(await refusal({ address: 'x@example.com', role: 'emperor' })).toMatchObject({
      code: 'organisations/role-unknown',
      fields: [{ pointer: '/body/role' }],
    })
    expect(await refusal({ address: ada.address, role: 'member' })).toMatchObject({
      code: 'organisations/member-already',
    })
    expect(await refusal({ address: 'x@example.com' })).toMatchObject({ code: 'input-validation/invalid-fields' })
    expect(await refusal({ address: 'x@example.com', role: 'member', extra: 1 })).toMatchObject({
      code: 'input-validation/invalid-fields',
    })
  })
})

describe('a product of individuals', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ product: study, superuser: inject('superuser') })
  }, 120_000)
  afterAll(() => world?.stop())

  test('makes the organisation of one when it is first looked for, and one alone, however many look', async () => {
    const { cookie, person } = await world.join('Eli Voss')
    await world.superuser(`delete from holdfast.seat where person_id = $1`, [person])
    const all = await Promise.all(
      Array.from({ length: 8 }, async () => (await (await world.fetch('/api/me', { cookie })).json()) as Me),
    )
    expect(new Set(all.map(({ organisations }) => JSON.stringify(organisations))).size).toBe(1)
    expect(all[0]!.organisations).toEqual([
      { id: expect.any(String), name: 'Eli Voss', role: 'owner', roleName: 'owner' },
    ])
  })

  test('has no routes to found or to invite', async () => {
    const { cookie, organisation } = await world.joinWithOrganisation()
    for (const path of ['/api/organisations', '/api/invitations/accept', `/api/o/${organisation}/invitations`])
      expect((await world.fetch(path, { method: 'POST', body: {}, cookie })).status, path).toBe(404)
  })
})

describe('the mail of an invitation', () => {
  const site = { title: 'Tideline', origin: 'https://tideline.example' }
  const mail = (by: string, organisation = 'Kelpworks') => invitationMail(site, { by, organisation, token: 'T' }).text

  test('carries the names as they are', () => {
    expect(mail('J. R. R. Tolkien', 'Müller & Söhne GmbH')).toContain(
      'J. R. R. Tolkien invites you to «Müller & Söhne GmbH» on Tideline.',
    )
  })

  test.each([
    'Pay at http://evil.example/pay now',
    'www.evil.example',
    'HTTPS:\\\\evil.example',
    'evil@evil.example',
    'x://///y.example',
  ])('makes no link of the name %s, whether it is a person’s or an organisation’s', (name) => {
    for (const text of [mail(name), mail('Ada', name)]) {
      expect(text.match(/\w+:\/\/\S+|\S+\.\w\S*|\S+@\S+/g)).toEqual(['https://tideline.example/invitation#T'])
    }
  })

  test('is ours, however long the name', () => {
    expect(mail('a '.repeat(100)).indexOf('invites you')).toBeLessThan(90)
  })
})
