import type { Bench } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import type { Probes } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'

export const probes: Probes<keyof typeof claims> = {
  'audit-log/every-change-is-recorded': { where: ['live', 'restored-copy', 'ci'], limitSeconds: 30, run: everyChange },
}

async function everyChange(bench: Bench): Promise<Outcome> {
  const silent = await bench.catalogue<{ table_name: string; missing: string }>(
    'select table_name, missing from holdfast.unrecorded()',
  )
  if (silent.length > 0)
    return broken(`${silent.map((one) => `${one.table_name} lacks ${one.missing}`).join('; ')}`, silent.length)
  const tables = await bench.catalogue<{ table_name: string }>(
    `select table_name from holdfast.table_class where class = 'tenant' and table_name like 'app.%'
       and table_name not in (select e.table_name from holdfast.recorded_elsewhere e) order by 1`,
  )
  const { a } = bench.canaries
  let examined = 0
  for (const { table_name } of tables) {
    // Changes nothing in the row, and is rolled back; the event must be there before the transaction ends.
    const [changed, event] = await bench.transaction('app', { as: a }, [
      { text: `update ${table_name} set organisation_id = organisation_id` },
      {
        text: `select person_id, organisation_id, count(*)::int as events from holdfast.event
                where transaction_id = pg_current_xact_id_if_assigned() and table_name = $1 and action = 'update' group by 1, 2`,
        values: [table_name],
      },
    ])
    if (changed!.error) return inconclusive(`could not change ${table_name}: ${changed!.error.message}`, examined)
    if (changed!.rowCount === 0) return inconclusive(`the canary has no row in ${table_name}`, examined)
    const [row] = event!.rows
    if (row?.events !== changed!.rowCount || row.person_id !== a.person || row.organisation_id !== a.organisation)
      return broken(
        `${changed!.rowCount} rows of ${table_name} changed, and the log shows ${JSON.stringify(row ?? 'nothing')}`,
        examined,
      )
    examined += changed!.rowCount
  }
  for (const login of ['app', 'worker'] as const)
    for (const text of [
      `insert into holdfast.event (organisation_id, person_id, action, table_name, row_key) values ('${a.organisation}', '${a.person}', 'insert', 'forged', 'forged')`,
      `update holdfast.event set action = 'forged'`,
      'delete from holdfast.event',
      'truncate holdfast.event',
    ]) {
      const answer = login === 'app' ? await bench.sql(login, text, [], { as: a }) : await bench.sql(login, text)
      if (answer.error?.code !== '42501')
        return broken(`${login} ran «${text.split(' ').slice(0, 3).join(' ')}»: ${answer.text}`, examined)
      examined++
    }
  return holds(
    `${examined} changes and forgeries over ${tables.length} tables: each change had its event, each forgery was refused`,
    examined,
  )
}
