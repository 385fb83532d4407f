import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import {
  accept,
  atOnce,
  type Company,
  found,
  giveFactor,
  maskOf,
  newName,
  secretOf,
} from '../../../test/world/company.ts'
import { startWorld, type Visitor, type World } from '../../../test/world/world.ts'
import { sql } from '../../platform/database/statement.ts'
import type { Stages } from '../../server/pipeline.ts'

vi.setConfig({ testTimeout: 60_000 })

let world: World
/** They found and join a new organisation in each test: to sign up costs two hashes, to found one nothing. */
let [ada, ben, cy, dee]: Visitor[] = []
let company: Company
beforeAll(async () => {
  // The same few are invited over and over: what one mailbox gets in a day is tested elsewhere.
  const replaceStages = (stages: Stages): Stages => ({ ...stages, decide: async () => {} })
  world = await startWorld({ product: crm, superuser: inject('superuser'), replaceStages })
  ;[ada, ben, cy, dee] = await Promise.all(['Ada', 'Ben', 'Cy', 'Dee'].map((name) => world.join(name)))
}, 120_000)
afterAll(() => world?.stop())
beforeEach(async () => {
  company = await found(world, ada!)
})

const notAllowed = '403 tenant-isolation/permission-missing'
const moreThanOneHas = '403 permissions/more-than-you-have'
/** Enough to make roles, give them and invite into them, and nothing else. */
const managing = ['members.invite', 'members.read', 'roles.manage']
const more = [...managing, 'contacts.read']

const write = (who: Visitor, key: string | undefined, permissions: readonly string[], secondFactor = false) =>
  key === undefined
    ? company.told(who, 'POST', '/roles', { name: newName(), permissions, secondFactor })
    : company.told(who, 'PUT', `/roles/${key}`, { name: newName(), permissions, secondFactor })
const drop = (who: Visitor, key: string) => company.told(who, 'DELETE', `/roles/${key}`)
const give = (who: Visitor, to: Visitor, role: string) =>
  company.told(who, 'PUT', `/members/${to.person}/role`, { role })
const invite = (who: Visitor, role: string, address = 'new@example.com') =>
  company.told(who, 'POST', '/invitations', { address, role })
const hand = (who: Visitor, to: Visitor, keep: string) =>
  company.told(who, 'POST', '/ownership', { person: to.person, keep })
const leave = (who: Visitor) => company.told(who, 'POST', '/leave', {})

/** Members, roles and invitations, as the database has them: what an attack that was refused leaves as it was. */
async function standing(): Promise<unknown> {
  const all = async (text: string) => world.superuser(text, [company.organisation])
  return [
    await all(`select s.person_id, s.role_id, s.custom_role, s.permissions, m.role from holdfast.seat s
                 join holdfast.member m using (organisation_id, person_id) where s.organisation_id = $1 order by 1`),
    await all('select * from holdfast.custom_role where organisation_id = $1 order by id'),
    await all('select id, address, role, expires_at from holdfast.invitation where organisation_id = $1 order by id'),
  ]
}

const roleOf = async ({ person }: Visitor) => {
  const [row] = await world.superuser(
    'select role from holdfast.member where organisation_id = $1 and person_id = $2',
    [company.organisation, person],
  )
  return row?.role
}
const owners = async () =>
  (
    await world.superuser(`select person_id from holdfast.member where organisation_id = $1 and role = 'owner'`, [
      company.organisation,
    ])
  ).length

describe('one rule for making and for changing (GHSA-cppp)', () => {
  test('nobody makes, widens, gives or offers a role that may more than they do', async () => {
    const own = await company.role({ permissions: managing })
    const harmless = await company.role({ permissions: ['members.read'] })
    const wide = await company.role({ permissions: more })
    await company.take(ben!, own)
    await company.take(cy!, 'viewer')
    const before = await standing()
    expect(await write(ben!, undefined, more)).toBe(moreThanOneHas)
    expect(await write(ben!, harmless, more)).toBe(moreThanOneHas)
    for (const role of [wide, 'viewer', 'member', 'admin', 'owner']) {
      expect([role, await give(ben!, cy!, role)]).toEqual([role, notAllowed])
      expect([role, await give(ben!, ben!, role)]).toEqual([role, notAllowed])
      expect([role, await invite(ben!, role)]).toEqual([role, notAllowed])
    }
    expect(await standing()).toEqual(before)
    // Nor touches one that may more already, also to make it less.
    expect(await write(ben!, wide, managing)).toBe(moreThanOneHas)
    expect(await drop(ben!, wide)).toBe(moreThanOneHas)
    expect(await standing()).toEqual(before)
    // What they have they may give: the rule is no wall.
    expect(await write(ben!, undefined, managing)).toBe('201')
    expect(await write(ben!, harmless, managing)).toBe('204')
    expect(await invite(ben!, harmless)).toBe('201')
  })

  test('nobody widens the role that they have themselves', async () => {
    const own = await company.role({ permissions: managing })
    await company.take(ben!, own)
    const before = await standing()
    expect(await write(ben!, own, more)).toBe(moreThanOneHas)
    expect(await standing()).toEqual(before)
    expect(await write(ben!, own, ['members.read'])).toBe('204')
    expect(await write(ben!, own, managing)).toBe(notAllowed)
  })

  test('a member makes no owner of themselves, by no door', async () => {
    await company.take(ben!, 'admin')
    await company.take(cy!, 'member')
    const before = await standing()
    for (const who of [ben!, cy!]) {
      expect(await give(who, who, 'owner')).toBe(notAllowed)
      expect(await invite(who, 'owner', who.address)).toBe(notAllowed)
      expect(await invite(who, 'owner')).toBe(notAllowed)
      expect(await hand(who, who, 'admin')).toBe(notAllowed)
      expect(await hand(who, ada!, 'admin')).toBe(notAllowed)
    }
    expect(await give(cy!, cy!, 'admin')).toBe(notAllowed)
    expect(await write(cy!, undefined, ['members.read'])).toBe(notAllowed)
    expect(await standing()).toEqual(before)
  })

  test('nobody changes, removes or resets whoever may more', async () => {
    const own = await company.role({ permissions: [...managing, 'members.remove', 'organisation.secure'] })
    await company.take(ben!, own)
    await company.take(cy!, 'admin')
    const before = await standing()
    for (const whom of [ada!, cy!]) {
      expect(await give(ben!, whom, own)).toBe(notAllowed)
      expect(await company.told(ben!, 'DELETE', `/members/${whom.person}`)).toBe(notAllowed)
      expect(await company.told(ben!, 'POST', `/members/${whom.person}/reset-factors`, {})).toBe(notAllowed)
    }
    // An admin may all that an owner may, and still makes none less.
    expect(await give(cy!, ada!, 'viewer')).toBe(notAllowed)
    expect(await standing()).toEqual(before)
  })
})

describe('a role of another organisation', () => {
  let foreign: string
  beforeEach(async () => {
    foreign = await (await found(world, dee!)).role({ permissions: managing })
  })

  test('is like one that never was, in every place that takes one', async () => {
    await company.take(ben!, 'viewer')
    const before = await standing()
    const unknown = crypto.randomUUID()
    const answers = async (key: string) => [
      await give(ada!, ben!, key),
      await give(ada!, ada!, key),
      await invite(ada!, key),
      await hand(ada!, ben!, key),
      await write(ada!, key, managing),
      await drop(ada!, key),
    ]
    const seen = await answers(foreign)
    expect(seen).toEqual([
      '422 organisations/role-unknown',
      '422 organisations/role-unknown',
      '422 organisations/role-unknown',
      '422 organisations/role-unknown',
      '404 http/not-found',
      '404 http/not-found',
    ])
    expect(await answers(unknown)).toEqual(seen)
    expect(await standing()).toEqual(before)
  })

  test('is in no list, and no seat can have it, whatever SQL says', async () => {
    const { roles } = await company.read<{ roles: { key: string }[] }>(ada!, '/roles')
    expect(roles.map(({ key }) => key)).not.toContain(foreign)
    await expect(
      world.superuser(
        `update holdfast.seat set role_id = 'ff', custom_role = $1 where organisation_id = $2 and person_id = $3`,
        [foreign, company.organisation, ada!.person],
      ),
    ).rejects.toThrow(/custom role|no rows|foreign key/)
  })
})

describe('the demand for a second factor (breeze 1644)', () => {
  test('is not taken back from a role by whoever has shown one factor', async () => {
    const guarded = await company.role({ permissions: managing, secondFactor: true })
    const before = await standing()
    expect(await write(ada!, guarded, managing, false)).toBe('428 permissions/second-factor-needed')
    expect(await standing()).toEqual(before)
    // Everything else about it may change.
    expect(await write(ada!, guarded, ['members.read'], true)).toBe('204')
    const eve = await world.join('Eve')
    await giveFactor(world, eve)
    await company.take(eve, 'admin')
    expect(await write(eve, guarded, ['members.read'], false)).toBe('204')
  })

  test('nor got around by another role that does without, for a member or for oneself', async () => {
    const eve = await world.join('Eve')
    const strong = await company.role({ permissions: more, secondFactor: true })
    const loose = await company.role({ permissions: more })
    await company.take(eve, await company.role({ permissions: more }))
    await company.take(cy!, strong)
    expect(await give(eve, cy!, loose)).toBe('428 tenant-isolation/second-factor-not-enrolled')
    await giveFactor(world, eve)
    expect(await give(eve, cy!, loose)).toBe('204')
  })

  test('holds for whoever has the role when it is made, from their next request on', async () => {
    const role = await company.role({ permissions: managing })
    await company.take(ben!, role)
    expect(await company.told(ben!, 'GET', '/members')).toBe('200')
    expect(await write(ada!, role, managing, true)).toBe('204')
    expect(await company.told(ben!, 'GET', '/members')).toBe('428 tenant-isolation/second-factor-not-enrolled')
    // Also to take it back themselves.
    expect(await write(ben!, role, managing, false)).toBe('428 tenant-isolation/second-factor-not-enrolled')
  })
})

describe('an organisation keeps an owner', () => {
  test('when two of them make each other less, at the same moment: one does', async () => {
    for (let round = 0; round < 3; round++) {
      company = await found(world, ada!)
      await company.take(ben!, 'owner')
      const came = await atOnce(world, company.organisation, [
        () => give(ada!, ben!, 'member'),
        () => give(ben!, ada!, 'member'),
      ])
      expect(came.toSorted()).toEqual(['204', notAllowed])
      expect(await owners()).toBe(1)
    }
  })

  test.each([
    ['step down', (who: Visitor) => give(who, who, 'admin')],
    ['leave', leave],
  ])('when both %s at the same moment: one does', async (_, act) => {
    await company.take(ben!, 'owner')
    const came = await atOnce(world, company.organisation, [() => act(ada!), () => act(ben!)])
    expect(came.toSorted()).toEqual(['204', '409 organisations/last-owner'])
    expect(await owners()).toBe(1)
  })

  test('when one leaves while the other is made less, steps down, or is removed', async () => {
    const remove = (who: Visitor, whom: Visitor) => company.told(who, 'DELETE', `/members/${whom.person}`)
    for (const act of [
      () => give(ben!, ada!, 'member'),
      () => give(ben!, ben!, 'member'),
      () => remove(ada!, ben!),
      () => hand(ben!, ada!, 'member'),
    ]) {
      company = await found(world, ada!)
      await company.take(ben!, 'owner')
      await atOnce(world, company.organisation, [() => leave(ada!), act])
      expect(await owners()).toBe(1)
    }
  })

  test('when two hand it to each other, and when it is handed to somebody who leaves', async () => {
    await company.take(ben!, 'owner')
    await atOnce(world, company.organisation, [() => hand(ada!, ben!, 'member'), () => hand(ben!, ada!, 'member')])
    expect(await owners()).toBe(1)

    company = await found(world, ada!)
    await company.take(ben!, 'member')
    const came = await atOnce(world, company.organisation, [() => hand(ada!, ben!, 'viewer'), () => leave(ben!)])
    expect([
      ['204', '409 organisations/last-owner'],
      ['404 http/not-found', '204'],
    ]).toContainEqual(came)
    expect(await owners()).toBe(1)
  })

  test('when one closes their account at the moment when the other steps down, is handed it, leaves or closes theirs', async () => {
    const close = (who: Visitor) => async () => {
      const answer = await world.fetch('/api/account/close', { method: 'POST', body: {}, cookie: who.cookie })
      return answer.ok ? '2xx' : String(answer.status)
    }
    for (const other of ['step down', 'hand over', 'leave', 'close'] as const) {
      const [first, second, third] = await Promise.all([world.join(), world.join(), world.join()])
      const place = await found(world, first)
      await place.take(second, other === 'hand over' ? 'member' : 'owner')
      await place.take(third, 'member')
      const acts: Record<typeof other, () => Promise<string>> = {
        'step down': () => place.told(second, 'PUT', `/members/${second.person}/role`, { role: 'member' }),
        'hand over': () => place.told(first, 'POST', '/ownership', { person: second.person, keep: 'member' }),
        leave: () => place.told(second, 'POST', '/leave', {}),
        close: close(second),
      }
      // To whom it is handed, closes; else the first owner does.
      const closing = close(other === 'hand over' ? second : first)
      await atOnce(world, place.organisation, [closing, acts[other]])
      const [{ owners } = { owners: 0 }] = await world.superuser(
        `select count(*)::int as owners from holdfast.seat s join holdfast.role r using (role_id) join holdfast.person p on p.id = s.person_id
          where s.organisation_id = $1 and r.name = 'owner' and p.disabled_at is null`,
        [place.organisation],
      )
      expect([other, owners]).toEqual([other, 1])
    }
  })

  test('when the other one’s account is closed: whose account is closed owns nothing', async () => {
    const eve = await world.join('Eve')
    await company.take(eve, 'owner')
    await world.superuser('update holdfast.person set disabled_at = clock_timestamp() where id = $1', [eve.person])
    expect(await give(ada!, ada!, 'admin')).toBe('409 organisations/last-owner')
    expect(await hand(ada!, eve, 'admin')).toBe('404 http/not-found')
    expect(await roleOf(ada!)).toBe('owner')
  })
})

describe('a role that goes', () => {
  test('does not, while an invitation offers it', async () => {
    const role = await company.role({ permissions: managing })
    expect(await invite(ada!, role, ben!.address)).toBe('201')
    expect(await drop(ada!, role)).toBe('409 permissions/role-in-use')
    const { invitations } = await company.read<{ invitations: { id: string }[] }>(ada!, '/members')
    expect(await company.told(ada!, 'DELETE', `/invitations/${invitations[0]!.id}`)).toBe('204')
    expect(await drop(ada!, role)).toBe('204')
    // One that has expired holds nothing, and opens nothing.
    const other = await company.role({ permissions: managing })
    expect(await invite(ada!, other, ben!.address)).toBe('201')
    await company.sql(
      `update holdfast.invitation set expires_at = clock_timestamp() where organisation_id = '${company.organisation}'`,
    )
    expect(await drop(ada!, other)).toBe('204')
  })

  const inUse = '409 permissions/role-in-use'
  test.each([
    ['an invitation offers it', (role: string) => invite(ada!, role), '201', inUse, '422 organisations/role-unknown'],
    ['somebody gets it', (role: string) => give(ada!, ben!, role), '204', inUse, '422 organisations/role-unknown'],
    ['it is changed', (role: string) => write(ada!, role, managing), '204', '204', '404 http/not-found'],
  ])('at the moment when %s: whoever comes first in line', async (_, act, done, thenDropped, tooLate) => {
    await company.take(ben!, 'viewer')
    const [one, other] = [await company.role({ permissions: managing }), await company.role({ permissions: managing })]
    const { organisation } = company
    expect(await atOnce(world, organisation, [() => act(one), () => drop(ada!, one)])).toEqual([done, thenDropped])
    expect(await atOnce(world, organisation, [() => drop(ada!, other), () => act(other)])).toEqual(['204', tooLate])
    const dangling = await world.superuser(
      `select role from (select organisation_id, role from holdfast.member union all
                         select organisation_id, role from holdfast.invitation) r
        where r.organisation_id = $1 and char_length(r.role) = 36
          and not exists (select from holdfast.custom_role c where c.organisation_id = r.organisation_id and c.id::text = r.role)`,
      [organisation],
    )
    expect(dangling).toEqual([])
  })

  test('does not go at the moment when somebody accepts an invitation into it', async () => {
    const role = await company.role({ permissions: managing })
    expect(await invite(ada!, role, ben!.address)).toBe('201')
    const token = await company.link(ben!.address)
    const came = await atOnce(world, company.organisation, [() => accept(world, ben!, token), () => drop(ada!, role)])
    expect(came).toEqual(['200', '409 permissions/role-in-use'])
    expect(await roleOf(ben!)).toBe(role)
  })
})

describe('what was taken from somebody is gone at once', () => {
  const reads = (who: Visitor) => company.told(who, 'GET', '/contacts')

  test('on an open tab: by another role, by a narrower one, by removal', async () => {
    const role = await company.role({ permissions: more })
    await company.take(ben!, role)
    for (const [act, after] of [
      [() => write(ada!, role, managing), notAllowed],
      [() => write(ada!, role, more), '200'],
      [() => give(ada!, ben!, 'viewer'), '200'],
      [() => give(ada!, ben!, role), '200'],
      [() => company.told(ada!, 'DELETE', `/members/${ben!.person}`), '404 http/not-found'],
    ] as const) {
      expect(await act()).toBe('204')
      expect(await reads(ben!)).toBe(after)
    }
  })

  test('in a job whose lease was taken before', async () => {
    await company.take(ben!, 'member')
    const { app, worker, jobs } = world.foundation.logins
    const [need, look] = [await maskOf(world, 'contacts.write'), await maskOf(world, 'contacts.read')]
    const { organisation } = company
    const lease = async () => {
      await app.transaction({ secret: secretOf(ben!), organisation, need }, (run) =>
        run(sql`select holdfast.enqueue('demoted', '{}')`),
      )
      const [taken] = await worker.query(
        sql<{ secret: Uint8Array }>`select secret from holdfast.take_job(array['demoted'], 60)`,
      )
      return (mask: string) =>
        jobs.entered({ secret: taken!.secret, organisation, need: mask }, sql`select 1`).then(
          () => 'in',
          (error: { code?: string }) => error.code,
        )
    }
    const enter = await lease()
    expect(await enter(need)).toBe('in')
    expect(await give(ada!, ben!, 'viewer')).toBe('204')
    expect([await enter(need), await enter(look)]).toEqual(['HF403', 'in'])
    expect(await give(ada!, ben!, 'member')).toBe('204')
    const other = await lease()
    expect(await company.told(ada!, 'DELETE', `/members/${ben!.person}`)).toBe('204')
    expect([await enter(look), await other(look)]).toEqual(['HF401', 'HF401'])
  })

  test('in an invitation that they left open to another address of theirs', async () => {
    const role = await company.role({ permissions: more })
    const wide = await company.role({ permissions: more })
    const lesser = await company.role({ permissions: ['members.read'] })
    const open = async () => {
      const { invitations } = await company.read<{ invitations: { role: string }[] }>(ada!, '/members')
      return invitations.map((one) => one.role)
    }
    for (const take of [() => give(ada!, ben!, 'viewer'), () => write(ada!, role, managing)]) {
      await company.take(ben!, role)
      expect(await invite(ben!, wide, cy!.address)).toBe('201')
      expect(await invite(ben!, lesser, dee!.address)).toBe('201')
      const token = await company.link(cy!.address)
      expect(await take()).toBe('204')
      // What they may still give stays.
      expect(await open()).toEqual([lesser])
      expect(await accept(world, cy!, token)).toBe('410 organisations/invitation-dead')
      expect(await company.told(ada!, 'DELETE', `/members/${ben!.person}`)).toBe('204')
      expect(await write(ada!, role, more)).toBe('204')
    }
    await company.take(ben!, 'owner')
    expect(await invite(ben!, 'owner', cy!.address)).toBe('201')
    const token = await company.link(cy!.address)
    expect(await hand(ben!, ada!, 'admin')).toBe('204')
    expect(await accept(world, cy!, token)).toBe('410 organisations/invitation-dead')
  })

  test('and what nobody may give any more is not accepted: a role that has grown since it was offered', async () => {
    const narrow = await company.role({ permissions: ['contacts.read'] })
    const inviting = await company.role({ permissions: ['members.invite', 'members.read', 'contacts.read'] })
    await company.take(ben!, inviting)
    expect(await invite(ben!, narrow, cy!.address)).toBe('201')
    expect(await write(ada!, narrow, [...more, 'keys.manage'])).toBe('204')
    expect(await accept(world, cy!, await company.link(cy!.address))).toMatch(/^4/)
    expect(await company.told(cy!, 'GET', '/members')).toMatch(/^404 /)
  })

  test('in the middle of an attempt to use it: the verbs ask again behind the lock', async () => {
    await company.take(ben!, 'admin')
    await company.take(cy!, 'viewer')
    // Ben's requests have entered, as an admin, and wait behind Ada's.
    const came = await atOnce(world, company.organisation, [
      () => give(ada!, ben!, 'viewer'),
      () => write(ben!, undefined, managing),
      () => give(ben!, cy!, 'admin'),
      () => invite(ben!, 'admin'),
    ])
    expect(came).toEqual(['204', notAllowed, notAllowed, notAllowed])
    expect([await roleOf(ben!), await roleOf(cy!)]).toEqual(['viewer', 'viewer'])
  })
})

test('what a page does not offer is refused by the database: verbs that are called past every route', async () => {
  await company.take(ben!, 'viewer')
  await company.take(cy!, 'admin')
  const before = await standing()
  const past = (who: Visitor, text: string, values: unknown[]) =>
    world.foundation.logins.app
      .transaction({ secret: secretOf(who), organisation: company.organisation, need: '0' }, (run) =>
        run({ text, values: [secretOf(who), ...values] }),
      )
      .then(
        () => 'done',
        (error: { code?: string }) => error.code,
      )
  const writing = `select holdfast.write_role($1, null, 'mine', $2, false)`
  expect(await past(ben!, writing, [['members.read']])).toBe('HF403')
  expect(await past(ben!, 'select holdfast.change_role($1, $2, $3)', [ben!.person, 'admin'])).toBe('HF403')
  expect(await past(cy!, 'select holdfast.change_role($1, $2, $3)', [cy!.person, 'owner'])).toBe('HF403')
  const handing = `select holdfast.transfer_ownership($1, $2, 'admin', 's', 'b', 's', 'b')`
  expect(await past(cy!, handing, [cy!.person])).toBe('HF403')
  for (const text of [
    `select holdfast.put_into_role(holdfast.organisation(), holdfast.person(), 'owner'), $1::bytea`,
    `update holdfast.custom_role set permissions = -1 where $1::bytea is not null`,
    `select * from holdfast.custom_role where $1::bytea is not null`,
    `insert into holdfast.custom_role (organisation_id, name, name_key, permissions) select holdfast.organisation(), 'x', 'x', 1 where $1::bytea is not null`,
  ])
    expect([text, await past(cy!, text, [])]).toEqual([text, '42501'])
  expect(await standing()).toEqual(before)
})

test('nobody tells a role’s name from another’s by what nobody sees', async () => {
  await company.role({ name: 'Sales Team', permissions: ['members.read'] })
  for (const name of [
    'sales  team',
    'Sales\u200b Team',
    'S\u00adales Team',
    'owner\u2060',
    'Own\u200der',
    'administrator\u200d',
  ])
    expect([
      name,
      await company.told(ada!, 'POST', '/roles', { name, permissions: ['members.read'], secondFactor: false }),
    ]).toEqual([name, '409 permissions/role-name-taken'])
  const turned = { name: '\u202erenwo', permissions: ['members.read'], secondFactor: false }
  expect(await company.told(ada!, 'POST', '/roles', turned)).toMatch(/^4\d\d /)
})

test('a permission that the product has given up stands in nobody’s way', async () => {
  const role = await company.role({ permissions: ['members.read', 'contacts.read'] })
  const gone = (sql: string) => world.superuser(`update holdfast.role set permissions = permissions ${sql}`)
  const mask = await maskOf(world, 'contacts.read')
  const before = await world.superuser('select role_id, permissions::text from holdfast.role')
  await gone(`& ~${mask}::bigint`)
  try {
    expect(await write(ada!, role, ['members.read'])).toBe('204')
    expect(await drop(ada!, role)).toBe('204')
  } finally {
    for (const { role_id, permissions } of before)
      await world.superuser('update holdfast.role set permissions = $2 where role_id = $1', [role_id, permissions])
  }
})
