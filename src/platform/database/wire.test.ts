import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Founded, type PrivateCluster, servers, startPrivateCluster } from '../../../test/world/private-cluster.ts'
import { pinnedSettings } from './login.ts'
import { type Statement, sql } from './statement.ts'
import { Wire, type WireOptions } from './wire.ts'

let cluster: PrivateCluster
let world: Founded
const open: Wire[] = []

beforeAll(async () => {
  cluster = await startPrivateCluster(servers[0]!)
  world = await cluster.found('wire', {
    tables: `
      create table app.notice (id bigint primary key, words text not null default '');
      select holdfast.classify('app.notice', 'platform', $$
        id     none
        words  none
      $$);
      grant select, insert on app.notice to holdfast_app`,
  })
})
afterAll(() => cluster?.stop())
afterEach(() => {
  for (const wire of open.splice(0)) wire.close()
})

async function connect(more: Partial<WireOptions> = {}): Promise<Wire> {
  const wire = await Wire.open({
    ...world.connection('app'),
    database: world.database,
    settings: pinnedSettings,
    ...more,
  })
  open.push(wire)
  return wire
}

/** The only login that may look at a session's prepared statements. */
function connectAsSuperuser(): Promise<Wire> {
  return connect({ user: cluster.superuser.user, password: cluster.superuser.password })
}

async function run(wire: Wire, ...group: Statement<unknown>[]) {
  return (await Promise.all(wire.exchange([group])))[0]!
}

const text = (words: string): Statement => ({ text: words, values: [] })
const endless = text('select count(*) from generate_series(1, 1000000) a cross join generate_series(1, 1000000) b')

test('a statement cannot carry a second one behind it', async () => {
  const wire = await connect()
  const answer = await run(wire, text('insert into notice (id) values (1); insert into notice (id) values (2)'))
  expect(answer.error?.code).toBe('42601')
  expect((await run(wire, sql`select count(*)::int as n from notice`)).results[0]!.rows).toEqual([{ n: 0 }])
})

test('an error skips the rest of its group, undoes what came before it, and leaves the next group alone', async () => {
  const wire = await connect()
  const [failed, next] = await Promise.all(
    wire.exchange([
      [sql`insert into notice (id) values (10)`, sql`select 1 / ${0}::int`, sql`insert into notice (id) values (11)`],
      [sql`select count(*)::int as n from notice`],
    ]),
  )
  expect(failed!.error?.code).toBe('22012')
  expect(failed!.results).toHaveLength(1)
  expect(next!.results[0]!.rows).toEqual([{ n: 0 }])
})

test('the status after each group tells whether a transaction was left open', async () => {
  const wire = await connect()
  const statuses = (
    await Promise.all(wire.exchange([[sql`select 1`], [sql`begin`], [sql`select 1/0`], [sql`rollback`]]))
  ).map(({ status }) => status)
  expect(statuses).toEqual(['I', 'T', 'E', 'I'])
})

test('names of prepared statements are random, and different on each connection', async () => {
  const names = []
  for (const wire of [await connectAsSuperuser(), await connectAsSuperuser()]) {
    const { results } = await run(wire, sql`select name from pg_prepared_statements`)
    names.push(String(results[0]!.rows[0]!.name))
  }
  for (const name of names) expect(name).toMatch(/^h[0-9a-f]{32}_\d+$/)
  expect(names[0]!.slice(0, 33)).not.toBe(names[1]!.slice(0, 33))
})

test('a statement keeps its name: it is parsed once', async () => {
  const wire = await connectAsSuperuser()
  const count = sql`select count(*)::int as n from pg_prepared_statements`
  for (let time = 0; time < 5; time++) expect((await run(wire, count)).results[0]!.rows).toEqual([{ n: 1 }])
})

test.each([
  ['that work', (number: number) => [text(`select ${number}`)]],
  ['that always fail', (number: number) => [text(`select ${number} / 0`)]],
  ['that fail again and again under one text', () => [sql`select 1 / ${0}::int`]],
  ['behind a refused entry', (number: number) => [sql`select 1 / 0`, text(`select ${number}`)]],
])('statements %s do not pile up on the server', async (_, group) => {
  const wire = await connectAsSuperuser()
  for (let number = 0; number < 500; number++) await run(wire, ...group(number))
  const [row] = (await run(wire, sql`select count(*)::int as n from pg_prepared_statements`)).results[0]!.rows
  expect(row!.n).toBeLessThanOrEqual(202)
})

test('copying in ends the connection with a clear error, in a group and in a transaction', async () => {
  for (const opening of [[], [[sql`begin`]]]) {
    const wire = await connect()
    const answers = wire.exchange([...opening, [text('copy notice from stdin')], [sql`select 1`]])
    const outcome = await Promise.allSettled(answers)
    expect(outcome.at(-1)).toMatchObject({
      status: 'rejected',
      reason: { message: expect.stringContaining('copying') },
    })
    expect(wire.dead).toBe(true)
  }
})

test('copying out hands over no rows, and the answers stay in step', async () => {
  const wire = await connect()
  const [copied, next] = await Promise.all(
    wire.exchange([[text('copy (select 7 as secret) to stdout')], [sql`select 8 as eight`]]),
  )
  expect(copied!.results[0]).toMatchObject({ rows: [], command: 'COPY' })
  expect(next!.results[0]!.rows).toEqual([{ eight: 8 }])
})

test('an answer that cannot be read ends the connection, not the process', async () => {
  const wire = await connect()
  await expect(run(wire, text('select 1 as "__proto__"'))).rejects.toThrow('__proto__')
  expect(wire.dead).toBe(true)
})

test('an answer that would fill the memory is cut off', async () => {
  const wire = await connect({ mostBytes: 1_000_000 })
  const small = await run(wire, sql`select repeat('x', 500000) as words`)
  expect(small.results[0]!.rows[0]!.words).toHaveLength(500_000)
  await expect(run(wire, text("select repeat('x', 1000) from generate_series(1, 100000)"))).rejects.toThrow(
    'larger than 1000000 bytes',
  )
  expect(wire.dead).toBe(true)
})

test('a connection that is killed under way rejects what it carried, and everything after it', async () => {
  const wire = await connect()
  const answers = wire.exchange([[endless], [sql`select 1`]])
  const outcome = Promise.allSettled(answers)
  await sleep(100)
  await world.superuser('select pg_terminate_backend($1)', [wire.processId])
  for (const one of await outcome) expect(one.status).toBe('rejected')
  expect(wire.dead).toBe(true)
  await expect(run(wire, sql`select 1`)).rejects.toThrow()
})

test('nobody listens to a lost answer: still no unhandled rejection', async () => {
  const seen: unknown[] = []
  const note = (reason: unknown) => seen.push(reason)
  process.on('unhandledRejection', note)
  const wire = await connect()
  wire.exchange([[endless], [sql`select 1`]])
  await sleep(50)
  await world.superuser('select pg_terminate_backend($1)', [wire.processId])
  await sleep(100)
  wire.exchange([[sql`select 1`]])
  await sleep(50)
  process.off('unhandledRejection', note)
  expect(wire.dead).toBe(true)
  expect(seen).toEqual([])
})

test('a session that an administrator ends while idle is dead before anybody uses it', async () => {
  const wire = await connect()
  await world.superuser('select pg_terminate_backend($1)', [wire.processId])
  await sleep(100)
  expect(wire.dead).toBe(true)
})

test('notices are kept apart from rows', async () => {
  const wire = await connect()
  const { notices, results } = await run(wire, sql`rollback`)
  expect(notices.join()).toContain('no transaction in progress')
  expect(results[0]!.rows).toEqual([])
})

test('what the startup packet pins beats what the role has set for itself, and RESET ALL goes back to it', async () => {
  await world.superuser("alter role holdfast_app in database wire set datestyle = 'German'")
  await world.superuser("alter role holdfast_app in database wire set statement_timeout = '1ms'")
  try {
    const wire = await connect()
    await run(wire, sql`set datestyle = 'SQL'`)
    await run(wire, sql`reset all`)
    const { results } = await run(
      wire,
      sql`select current_setting('datestyle') as style, current_setting('statement_timeout') as timeout`,
    )
    expect(results[0]!.rows).toEqual([{ style: 'ISO, MDY', timeout: '10s' }])
  } finally {
    await world.superuser('alter role holdfast_app in database wire reset all')
  }
})
