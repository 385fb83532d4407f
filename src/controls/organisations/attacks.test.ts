import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { mailedToken, startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { sql } from '../../platform/database/statement.ts'

let world: World
/** Five people, who found and join a new organisation in each test: to sign up costs two hashes, to found one nothing. */
let cast: [Visitor, Visitor, Visitor, Visitor, Visitor]
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  cast = (await Promise.all(Array.from({ length: 5 }, () => world.join()))) as typeof cast
}, 120_000)
afterAll(() => world?.stop())

type Founder = Visitor & { organisation: string }

const post = (path: string, visitor: Visitor, body: unknown = {}) =>
  world.fetch(path, { method: 'POST', body, cookie: visitor.cookie })
const accept = (visitor: Visitor, token: string) => post('/api/invitations/accept', visitor, { token })
const remove = (place: Founder, by: Visitor, whom: Visitor) =>
  world.fetch(`/api/o/${place.organisation}/members/${whom.person}`, { method: 'DELETE', cookie: by.cookie })
const look = (place: Founder, as: Visitor) => world.fetch(`/api/o/${place.organisation}/members`, { cookie: as.cookie })
const codeOf = async (answer: Promise<Response>) => ((await (await answer).json()) as { code: string }).code

async function invite(place: Founder, by: Visitor, address: string, role = 'member'): Promise<string> {
  const mails = () => world.mails.filter(({ to }) => to === address).length
  const before = mails()
  const answer = await post(`/api/o/${place.organisation}/invitations`, by, { address, role })
  expect(answer.status).toBe(201)
  for (let attempt = 0; attempt < 200 && mails() === before; attempt++) await new Promise((go) => setTimeout(go, 50))
  return mailedToken(world.mails, address, /\/invitation#([\w-]+)/)
}

async function found(by: Visitor): Promise<Founder> {
  const answer = await post('/api/organisations', by, { name: 'Org under attack' })
  return { ...by, organisation: ((await answer.json()) as { id: string }).id }
}

async function member(place: Founder, visitor: Visitor, role = 'member'): Promise<Visitor> {
  expect((await accept(visitor, await invite(place, place, visitor.address, role))).status).toBe(200)
  return visitor
}

/** D, which whoever has a cookie can compute from it. */
function secretOf({ cookie }: Visitor): Buffer {
  const { sec } = JSON.parse(Buffer.from(cookie.split('.')[1]!, 'base64url').toString()) as { sec: string }
  return createHash('sha256').update('holdfast-entry-1').update(Buffer.from(sec, 'base64url')).digest()
}

/** Runs a statement as the application would, after entering as this visitor with no more than `members.read`. */
async function asApp(place: Founder, visitor: Visitor, text: string, values: unknown[] = []): Promise<string> {
  const { app } = world.foundation.logins
  return app
    .transaction({ secret: secretOf(visitor), organisation: place.organisation, need: '0' }, (run) =>
      run({ text, values }),
    )
    .then(
      (rows) => JSON.stringify(rows),
      (error) => (error as { code: string }).code,
    )
}

describe('an invitation', () => {
  test('that is accepted eight times at once makes one member', async () => {
    const place = await found(cast[0])
    const guest = cast[1]
    const token = await invite(place, place, guest.address)
    const all = await Promise.all(Array.from({ length: 8 }, () => accept(guest, token)))
    expect(all.map(({ status }) => status).sort()).toEqual([200, 410, 410, 410, 410, 410, 410, 410])
    const rows = await world.superuser(`select person_id from holdfast.member where organisation_id = $1`, [
      place.organisation,
    ])
    expect(rows).toHaveLength(2)
  })

  test('opens for nobody else, and is still good for the right one afterwards', async () => {
    const place = await found(cast[0])
    const [, guest, thief] = cast
    const token = await invite(place, place, guest.address)
    expect(await codeOf(accept(thief, token))).toBe('organisations/invitation-dead')
    expect((await look(place, thief)).status).toBe(404)
    expect((await accept(guest, token)).status).toBe(200)
  })

  test('waits for an account that is not there yet', async () => {
    const place = await found(cast[0])
    const address = 'later@example.com'
    const token = await invite(place, place, address)
    const password = 'three blue whales dance'
    await world.fetch('/api/sign-up', { method: 'POST', body: { name: 'Later', address, password } })
    const link = await mailedToken(world.mails, address, /\/verify#([\w-]+)/)
    expect((await world.fetch('/api/verify', { method: 'POST', body: { token: link, password } })).status).toBe(200)
    const signedIn = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
    const later = { cookie: signedIn.headers.getSetCookie()[0]!.split(';')[0]! } as Visitor
    // Nobody has a session before that any more: here the confirmation is taken from one that has.
    const verified = (is: boolean) =>
      world.superuser(
        `update holdfast.pass p set verified = $2 from holdfast.account a where a.person_id = p.person_id and a.address_key = $1`,
        [address, is],
      )
    await verified(false)
    expect(await codeOf(accept(later, token))).toBe('accounts/address-unverified')
    await verified(true)
    expect((await accept(later, token)).status).toBe(200)
  })

  test('is replaced by the next to the same address, and dead when withdrawn, expired or orphaned', async () => {
    const place = await found(cast[0])
    const admin = await member(place, cast[2], 'admin')
    const guest = cast[1]
    const first = await invite(place, place, guest.address)
    const second = await invite(place, admin, guest.address)
    expect(await codeOf(accept(guest, first))).toBe('organisations/invitation-dead')
    // Whoever gave the second is removed, and with them what they left open.
    expect((await remove(place, place, admin)).status).toBe(204)
    expect(await codeOf(accept(guest, second))).toBe('organisations/invitation-dead')
    const third = await invite(place, place, guest.address)
    await world.superuser(
      `update holdfast.invitation_token set expires_at = clock_timestamp() where organisation_id = $1`,
      [place.organisation],
    )
    expect(await codeOf(accept(guest, third))).toBe('organisations/invitation-dead')
  })

  test('never changes the role of somebody who is a member already', async () => {
    const place = await found(cast[0])
    const guest = cast[1]
    const token = await invite(place, place, guest.address)
    await world.superuser(
      `insert into holdfast.seat (person_id, organisation_id, role_id) select $1, $2, role_id from holdfast.role where name = 'owner'`,
      [guest.person, place.organisation],
    )
    await accept(guest, token)
    const [seat] = await world.superuser(
      `select r.name from holdfast.seat s join holdfast.role r using (role_id) where s.person_id = $1 and s.organisation_id = $2`,
      [guest.person, place.organisation],
    )
    expect(seat!.name).toBe('owner')
  })

  test('into a role above one’s own is refused, and so is one without the permission', async () => {
    const place = await found(cast[0])
    const [admin, plain] = [await member(place, cast[1], 'admin'), await member(place, cast[2])]
    const by = (visitor: Visitor, role: string) =>
      codeOf(post(`/api/o/${place.organisation}/invitations`, visitor, { address: 'x@example.com', role }))
    expect(await by(admin, 'owner')).toBe('tenant-isolation/permission-missing')
    expect(await by(plain, 'member')).toBe('tenant-isolation/permission-missing')
  })
})

describe('a member', () => {
  test('who is removed gets nothing any more, and the same answer as a stranger', async () => {
    const place = await found(cast[0])
    const [guest, stranger] = [await member(place, cast[1]), cast[2]]
    expect((await look(place, guest)).status).toBe(200)
    expect((await remove(place, place, guest)).status).toBe(204)
    const bodies = await Promise.all(
      [guest, stranger].map(async (visitor) => {
        const { requestId: _, ...body } = (await (await look(place, visitor)).json()) as { requestId: string }
        return body
      }),
    )
    expect(bodies[0]).toEqual(bodies[1])
    expect(bodies[0]).toMatchObject({ status: 404 })
  })

  test('cannot remove whoever may more, nor anybody without the permission', async () => {
    const place = await found(cast[0])
    const [admin, plain] = [await member(place, cast[1], 'admin'), await member(place, cast[2])]
    expect((await remove(place, admin, place)).status).toBe(403)
    expect((await remove(place, plain, admin)).status).toBe(403)
    expect((await remove(place, admin, plain)).status).toBe(204)
    expect((await look(place, place)).status).toBe(200)
  })

  test('of another organisation cannot be removed, nor found out about', async () => {
    const [place, elsewhere] = [await found(cast[0]), await found(cast[3])]
    expect((await remove(place, place, elsewhere)).status).toBe(404)
    expect((await look(elsewhere, elsewhere)).status).toBe(200)
  })

  test('who is the last owner stays; of two who leave at the same moment one does', async () => {
    for (let round = 0; round < 5; round++) {
      const place = await found(cast[0])
      expect(await codeOf(post(`/api/o/${place.organisation}/leave`, place))).toBe('organisations/last-owner')
      const second = await member(place, cast[1], 'owner')
      const leave = (visitor: Visitor) => post(`/api/o/${place.organisation}/leave`, visitor)
      const both = await Promise.all([leave(place), leave(second)])
      expect(both.map(({ status }) => status).sort()).toEqual([204, 409])
    }
  }, 60_000)

  test('who is the last owner whose account is open stays: one that is closed owns nothing', async () => {
    const place = await found(cast[0])
    const second = await member(place, cast[1], 'owner')
    const close = (at: string | null) =>
      world.superuser(`update holdfast.person set disabled_at = $2 where id = $1`, [second.person, at])
    await close('2020-01-01')
    const refused = await codeOf(post(`/api/o/${place.organisation}/leave`, place)).finally(() => close(null))
    expect(refused).toBe('organisations/last-owner')
    expect((await post(`/api/o/${place.organisation}/leave`, place)).status).toBe(204)
    // The tests below need the second person's session again.
    const back = await world.fetch('/api/sign-in', {
      method: 'POST',
      body: { address: second.address, password: second.password },
    })
    cast[1] = { ...second, cookie: back.headers.getSetCookie()[0]!.split(';')[0]! }
  })

  test('of two owners who remove each other at the same moment one remains', async () => {
    const place = await found(cast[0])
    const second = await member(place, cast[1], 'owner')
    await Promise.all([remove(place, place, second), remove(place, second, place)])
    const rows = await world.superuser(`select person_id from holdfast.member where organisation_id = $1`, [
      place.organisation,
    ])
    expect(rows).toHaveLength(1)
  })
})

describe('SQL that was smuggled into a member’s request', () => {
  test('changes no membership, neither by the tables nor by the verbs', async () => {
    const place = await found(cast[0])
    const plain = await member(place, cast[1])
    const me = plain.person
    for (const [text, values] of [
      [`insert into holdfast.member (person_id, name, address, role) values ($1, 'x', 'x', 'owner')`, [place.person]],
      [`update holdfast.member set role = 'owner' where person_id = $1`, [me]],
      [`delete from holdfast.member where person_id <> $1`, [me]],
      [`delete from holdfast.invitation`, []],
      [`select * from holdfast.invitation_token`, []],
      [`select * from holdfast.organisation`, []],
      [`update holdfast.seat set role_id = '00'`, []],
      [`select holdfast.grant_seat(holdfast.organisation(), $1, 'owner')`, [me]],
      [`select holdfast.remove_seat(holdfast.organisation(), $1)`, [place.person]],
      [`select holdfast.found_for($1, 'x')`, [me]],
      [`select holdfast.demand('members.invite')`, []],
      [`select holdfast.queue_mail('all@example.com', 's', 'b')`, []],
    ] as const)
      expect(await asApp(place, plain, text, [...values]), text).toBe('42501')
    for (const [text, values] of [
      [`select holdfast.remove_member($1)`, [place.person]],
      [`select holdfast.invite(null, 'x@example.com', 'x@example.com', 'member', $1, 's', 'b')`, [Buffer.alloc(32)]],
      [`select holdfast.revoke_invitation(gen_random_uuid())`, []],
    ] as const)
      expect(await asApp(place, plain, text, [...values]), text).toBe('HF403')
  })

  test('of an owner, by somebody with a session of their own at hand, demands, resets and enters nothing with that', async () => {
    const [place, elsewhere] = [await found(cast[0]), await found(cast[3])]
    const plain = await member(place, cast[1])
    // Both sessions are fresh, and the owner may demand and reset: only whose session it is stands in the way.
    for (const [text, values, refused] of [
      [`select holdfast.demand_second_factor($1, true)`, [], 'HF401'],
      [`select holdfast.demand_second_factor($1, false)`, [], 'HF401'],
      [`select holdfast.reset_factors($1, $2, 's', 'b')`, [plain.person], 'HF401'],
      [`select holdfast.change_role($1, $2, 'admin')`, [plain.person], 'HF401'],
      [`select holdfast.transfer_ownership($1, $2, 'admin', 's', 'b', 's', 'b')`, [plain.person], 'HF401'],
      [`select holdfast.invite($1, 'x@example.com', 'x@example.com', 'owner', sha256('x'), 's', 'b')`, [], 'HF401'],
      [`select holdfast.write_role($1, null, 'mine', '{members.read}', false)`, [], 'HF401'],
      [`select holdfast.drop_role($1, gen_random_uuid())`, [], 'HF401'],
      [`select holdfast.found_organisation($1, 'x')`, [], 'HF000'],
      [`select holdfast.enter($1, $2, 0)`, [elsewhere.organisation], 'HF000'],
      [`select holdfast.enter_lease($1, $2, 0)`, [elsewhere.organisation], 'HF000'],
      [`select holdfast.finish_job($1, false)`, [], 'HF401'],
    ] as const)
      for (const attacker of [plain, elsewhere])
        expect(await asApp(place, place, text, [secretOf(attacker), ...values]), text).toBe(refused)
    for (const secret of [null, Buffer.alloc(0), Buffer.alloc(32)])
      for (const text of [
        'select holdfast.demand_second_factor($1, true)',
        `select holdfast.reset_factors($1, '${plain.person}', 's', 'b')`,
        `select holdfast.change_role($1, '${plain.person}', 'admin')`,
        `select holdfast.write_role($1, null, 'mine', '{members.read}', false)`,
        'select * from holdfast.my_account($1)',
      ])
        expect(await asApp(place, place, text, [secret]), text).toBe('HF401')
    expect(await asApp(place, place, 'select * from holdfast.mandate')).toBe('[]')
  })

  test('cannot call the verbs outside of any organisation', async () => {
    const { app } = world.foundation.logins
    for (const text of [
      `select holdfast.remove_member(gen_random_uuid())`,
      `select holdfast.invite(null, 'x@example.com', 'x@example.com', 'owner', sha256('x'), 's', 'b')`,
      `select holdfast.organisation_name()`,
    ])
      expect(
        await app.query({ text, values: [] }).then(
          () => 'done',
          (error) => (error as { code: string }).code,
        ),
        text,
      ).toBe('22P02')
  })

  test('learns no name of another organisation', async () => {
    const [place, elsewhere] = [await found(cast[0]), await found(cast[3])]
    expect(await asApp(place, place, 'select holdfast.organisation_name() as name')).toContain('Org under attack')
    expect(
      await asApp(place, place, 'select count(*) as count from holdfast.member where organisation_id = $1', [
        elsewhere.organisation,
      ]),
    ).toBe('[{"count":0}]')
  })

  test('of a stranger who knows the id founds nothing there', async () => {
    const place = await found(cast[0])
    const stranger = cast[2]
    expect(await asApp(place, stranger, 'select 1')).toBe('HF404')
    const { app } = world.foundation.logins
    await expect(
      app.query(sql`select holdfast.accept(${Buffer.alloc(32)}, ${Buffer.alloc(32)})`),
    ).rejects.toMatchObject({ code: 'HF401' })
  })
})
