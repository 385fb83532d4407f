import { hash } from '@node-rs/bcrypt'
import { addressKey, createPasswords } from '../../src/controls/accounts/accounts.ts'
import type { Cluster } from '../../src/platform/database/embedded.ts'
import { pepper } from '../isolation/contestants/holdfast.ts'
import { asSuperuser, type Dataset } from '../isolation/dataset.ts'
import { personId } from '../isolation/traffic.ts'

/** Of bcrypt, for everybody who hashes here: the least that Holdfast's database accepts, and what it starts with. */
export const cost = 12
/** Everybody's. */
const password = 'three blue whales dance at dawn'
/** As the dataset names them to better-auth. */
const addressOf = (tenant: number) => `p${tenant}@example.com`

/** A password for the person of each tenant, in Holdfast's database. */
export async function addAccounts(cluster: Cluster, dataset: Dataset): Promise<void> {
  const hashed = await createPasswords({ pepper, cost, service: [] }).hash(password)
  const tenants = numbers(dataset.tenants)
  await asSuperuser(cluster, dataset.databaseOf('protected').database, async (client) => {
    await client.query(
      `insert into holdfast.account (person_id, address, address_key, name, password_hash, verified_at)
       select person, address, key, 'Somebody', $4, now() from unnest($1::uuid[], $2::text[], $3::text[]) as t (person, address, key)`,
      [tenants.map(personId), tenants.map(addressOf), tenants.map((tenant) => addressKey(addressOf(tenant))), hashed],
    )
    await client.query('vacuum analyze holdfast.account')
  })
}

/** The same for better-auth, as its own sign-up would have left it. */
export async function addBetterAuthAccounts(cluster: Cluster, dataset: Dataset): Promise<void> {
  const hashed = await hash(password, cost)
  await asSuperuser(cluster, dataset.databaseOf('bare').database, async (client) => {
    await client.query(
      `insert into account (id, "accountId", "providerId", "userId", password, "createdAt", "updatedAt")
       select 'a' || n, 'u' || n, 'credential', 'u' || n, $1, now(), now() from generate_series(0, ${dataset.tenants - 1}) as n`,
      [hashed],
    )
    await client.query('vacuum analyze account')
  })
}

/** One for each person, as it is sent. Each comes from a network address of its own, as a proxy would tell it. */
export function signInRequests(port: number, tenants: number, path: string, field: 'address' | 'email'): string[] {
  const host = `localhost:${port}`
  return numbers(tenants).map((tenant) => {
    const body = JSON.stringify({ [field]: addressOf(tenant), password })
    return [
      `POST ${path} HTTP/1.1`,
      `Host: ${host}`,
      `Origin: http://${host}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'User-Agent: bench',
      `X-Forwarded-For: 10.${tenant >> 16}.${(tenant >> 8) & 255}.${tenant & 255}`,
      '',
      body,
    ].join('\r\n')
  })
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
