import { expect, inject, test } from 'vitest'
import { crm } from '../../../examples/crm/crm.ts'
import { study } from '../../../examples/study/study.ts'
import { startWorld } from '../../../test/world/world.ts'
import { probes } from './probes.ts'

const { run } = probes['permissions/role-decides-every-route']

test('a product of individuals has no roles to tell apart, and says so', async () => {
  const world = await startWorld({ product: study, superuser: inject('superuser') })
  const bench = await world.bench()
  try {
    expect(await run(bench)).toMatchObject({ status: 'not-applicable' })
  } finally {
    await bench.close()
    await world.stop()
  }
}, 120_000)

test('the probe reaches routes that change something, in every role, and leaves nobody behind but its canaries', async () => {
  const world = await startWorld({ product: crm, superuser: inject('superuser') })
  const bench = await world.bench()
  try {
    const outcome = await run(bench)
    expect(outcome.status).toBe('holds')
    expect(outcome.saw).toMatch(new RegExp(`^${Object.keys(crm.roles).length} roles`))
    expect(outcome.examined).toBeGreaterThan(20)
    const members = await world.superuser(
      `select m.person_id from holdfast.member m join holdfast.organisation o on o.id = m.organisation_id where o.name = 'probe: roles'`,
    )
    const { a, b } = bench.canaries
    expect(members.map(({ person_id }) => person_id).sort()).toEqual([a.person, b.person].sort())
  } finally {
    await bench.close()
    await world.stop()
  }
}, 120_000)
