import type { Cluster } from '../../src/platform/database/embedded.ts'
import { asSuperuser } from '../isolation/dataset.ts'

/** Fills an organisation: half of its members in a role of the product, the others in its own, evenly. */
export async function fillOrganisation(
  cluster: Cluster,
  database: string,
  organisation: string,
  { members, roles }: { readonly members: number; readonly roles: number },
): Promise<void> {
  await asSuperuser(cluster, database, async (client) => {
    await client.query('begin')
    // The record of changes wants to know where it is, and as whom.
    await client.query(
      `select set_config('backtrace_functions', s.context, true) from holdfast.seat s where s.organisation_id = $1`,
      [organisation],
    )
    // One place is for the role that is changed.
    await client.query(
      `insert into holdfast.custom_role (organisation_id, name, name_key, permissions)
         select $1, 'Role ' || n, 'role ' || n, (select r.permissions from holdfast.role r where r.name = 'viewer')
           from generate_series(1, $2::integer) n`,
      [organisation, roles - 1],
    )
    await client.query(
      'create temporary table comer on commit drop as select gen_random_uuid() as id, n from generate_series(1, $1::integer) n',
      [members - 1],
    )
    await client.query('insert into holdfast.person (id, verified_at) select id, now() from comer')
    await client.query(
      `insert into holdfast.account (person_id, name, address, address_key, password_hash)
         select c.id, 'Member ' || lpad(c.n::text, 4, '0'), 'm' || c.n || '@example.com', 'm' || c.n || '@example.com', a.password_hash
           from comer c cross join (select password_hash from holdfast.account limit 1) a`,
    )
    await client.query(
      `insert into holdfast.seat (person_id, organisation_id, role_id, custom_role)
         select c.id, $1, case when c.n % 2 = 0 then 'ff' else (select role_id from holdfast.role where name = 'member') end,
                case when c.n % 2 = 0 then o.id end
           from comer c
           join (select id, row_number() over (order by name) as n from holdfast.custom_role where organisation_id = $1) o
             on o.n = c.n % ($2::integer - 1) + 1`,
      [organisation, roles],
    )
    await client.query(
      `insert into holdfast.member (organisation_id, person_id, name, address, role)
         select $1, c.id, a.name, a.address, coalesce(s.custom_role::text, 'member')
           from comer c join holdfast.account a on a.person_id = c.id
           join holdfast.seat s on s.organisation_id = $1 and s.person_id = c.id`,
      [organisation],
    )
    await client.query('commit')
    await client.query('vacuum analyze')
  })
}
