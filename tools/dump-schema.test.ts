import pg from 'pg'
import { expect, test } from 'vitest'
import { study } from '../examples/study/study.ts'
import { startThrowAwayCluster } from '../test/world/cluster.ts'
import { drawSchema } from './dump-schema.ts'

// A cluster of its own: preparing a database sets the passwords of roles that all databases of a cluster share.
test('the picture is the same twice, and shows what a careless statement changes', async () => {
  const { cluster, discard } = await startThrowAwayCluster()
  try {
    const before = await drawSchema(cluster.superuser, [study])
    expect(before).toContain('role holdfast_counter nologin noinherit BYPASSRLS;')
    expect(before).toContain('grant set on parameter backtrace_functions to holdfast_keeper;')
    expect(before).toContain('-- tenant, owner holdfast_owner, row security forced\ncreate table app.deck (')
    expect(before).not.toMatch(/NO CLASS|NOT IN THE INVENTORY|NOT forced|statistics kept/)
    expect(await drawSchema(cluster.superuser, [study])).toBe(before)

    const client = new pg.Client({ ...cluster.superuser, database: 'picture_study' })
    await client.connect()
    await client.query(`
      alter table app.deck no force row level security, add column secret text;
      alter table app.deck alter column name set statistics 100;
      create table app.loose (id integer);
      create view app.peep as select * from app.card;
      grant select on app.deck to public;
      grant update (name) on app.deck to holdfast_worker with grant option;
      grant execute on function holdfast.count_rows(regclass) to holdfast_app;
      grant execute on function pg_catalog.pg_sleep(double precision) to holdfast_app;
      alter role holdfast_app bypassrls;
      create type app.mood as enum ('good')`)
    await client.end()
    const after = await drawSchema(cluster.superuser, [study])
    for (const line of [
      '-- tenant, owner holdfast_owner, row security NOT forced',
      '-- NO CLASS, owner postgres\ncreate table app.loose (',
      '-- NO CLASS, owner postgres, kind v\ncreate table app.peep (',
      '-- NOT IN THE INVENTORY',
      '-- statistics kept of: name',
      'grant select on app.deck to PUBLIC;',
      'grant update (name) on app.deck to holdfast_worker with grant option;',
      'grant execute on function holdfast.count_rows(regclass) to holdfast_app;',
      '-- Granted, execute to holdfast_app:\n\n--   pg_sleep(double precision)',
      'role holdfast_app login noinherit BYPASSRLS;',
      '-- type app.mood, kind e',
    ])
      expect(after, line).toContain(line)
  } finally {
    await discard()
  }
})
