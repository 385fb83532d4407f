import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { startWorld, type Visitor, type World } from '../../test/world/world.ts'
import { createSecurityPages } from './security-pages.ts'

let world: World
let ada: Visitor & { organisation: string }
beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  ada = await world.joinWithOrganisation('Ada')
}, 60_000)
afterAll(() => world?.stop())

test('an idempotency key of another query is another request', async () => {
  const upload = (name: string) =>
    world.fetch(`/api/o/${ada.organisation}/imports?name=${name}`, {
      method: 'POST',
      body: new TextEncoder().encode('name\nAda\n'),
      cookie: ada.cookie,
      headers: { 'content-type': 'text/csv', 'idempotency-key': 'one-key-for-two' },
    })
  expect((await upload('first.csv')).status).toBe(201)
  expect((await upload('first.csv')).headers.get('idempotency-replayed')).toBe('true')
  const other = await upload('second.csv')
  expect(other.status).toBe(422)
  expect(await other.json()).toMatchObject({ code: 'http/idempotency-key-reused' })
})

test('whoever loads public pages again and again does not have them drawn again and again', async () => {
  const { drawn } = await createSecurityPages({
    product: crm,
    auditor: world.foundation.logins.auditor,
    acceptedRisks: [],
    commit: 'test',
  })
  const draw = (path: string) => drawn[path]!(new URL(path, world.origin), '')
  for (const path of ['/security', '/security.json', '/errors']) {
    const [first, second] = await Promise.all([draw(path), draw(path)])
    expect(first?.body).toMatch(/./)
    expect(second, path).toBe(first)
  }
})
