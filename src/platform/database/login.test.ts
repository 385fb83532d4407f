import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Founded,
  type Inhabitant,
  type PrivateCluster,
  servers,
  startPrivateCluster,
} from '../../../test/world/private-cluster.ts'
import { ConnectionSpoilt, DatabaseBusy, type Login } from './login.ts'
import { type Statement, sql } from './statement.ts'

let cluster: PrivateCluster
let world: Founded

beforeAll(async () => {
  cluster = await startPrivateCluster(servers[0]!)
  world = await cluster.found('pool', {
    tables: `
      create table app.thing (
        organisation_id uuid not null, id uuid not null default gen_random_uuid(), name text not null,
        primary key (organisation_id, id), unique (organisation_id, name));
      select holdfast.protect('app.thing', $$
        id    none
        name  personal contact row
      $$);
      create table app.notice (id bigint primary key);
      select holdfast.classify('app.notice', 'platform', $$ id none $$);
      grant select, insert on app.notice to holdfast_app`,
  })
})
afterAll(() => cluster?.stop())

const text = (words: string): Statement => ({ text: words, values: [] })
/** Joins what is small: an endless series alone would run into temp_file_limit. */
const endless = text('select count(*) from generate_series(1, 1000000) a cross join generate_series(1, 1000000) b')
const one = sql<{ one: number }>`select 1 as one`

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error) => error.code ?? error.constructor.name,
  )
}

/** Until the reset is through, a connection is not idle yet. */
async function quiet(login: Login): Promise<void> {
  for (let wait = 0; wait < 100 && login.state.idle < login.state.open; wait++) await sleep(10)
}

describe('entry', () => {
  test('and statement are one: where entry is refused the statement never ran', async () => {
    const login = world.login('app')
    for (const [entry, code] of [
      [{ ...world.a.entry, secret: new Uint8Array(32) }, 'HF401'],
      [{ ...world.a.entry, organisation: world.b.organisation }, 'HF404'],
      [{ ...world.a.entry, need: '4' }, 'HF403'],
    ] as const)
      expect(await codeOf(login.entered(entry, sql`insert into app.notice (id) values (1)`))).toBe(code)
    expect(await login.query(sql`select id from app.notice`)).toEqual([])
  })

  test('is over with its statement: the next one on the same connection has no context', async () => {
    const login = world.login('app', { most: 1 })
    await login.entered(world.a.entry, sql`insert into app.thing (name) values ('mine')`)
    expect(await codeOf(login.query(sql`select * from app.thing`))).toBe('22P02')
    expect(await login.query(sql`select current_setting('backtrace_functions') as context`)).toEqual([{ context: '' }])
  })

  test('of a transaction names organisation and person as the database verified them', async () => {
    const login = world.login('app')
    const { organisation, person } = world.a
    expect(await login.transaction(world.a.entry, async (run) => [run.organisation, run.person])).toEqual([
      organisation,
      person,
    ])
  })
})

describe('a transaction', () => {
  test('rolls back when its function throws, and commits when it returns', async () => {
    const login = world.login('app')
    await expect(
      login.transaction(world.a.entry, async (run) => {
        await run(sql`insert into app.thing (name) values ('lost')`)
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    await login.transaction(world.a.entry, async (run) => run(sql`insert into app.thing (name) values ('kept')`))
    const { rows } = await login.entered(world.a.entry, sql`select name from app.thing where name in ('lost', 'kept')`)
    expect(rows).toEqual([{ name: 'kept' }])
  })

  test('ends with an error when a statement ended it, and what follows does not run', async () => {
    const login = world.login('app', { most: 1 })
    for (const ending of ['commit', 'rollback', 'end', 'abort']) {
      const outcome = login.transaction(world.a.entry, async (run) => {
        await run(text(ending))
        await run(sql`insert into app.notice (id) values (77)`)
      })
      await expect(outcome).rejects.toBeInstanceOf(ConnectionSpoilt)
    }
    expect(await login.query(sql`select id from app.notice`)).toEqual([])
  })

  test('that swallowed an error does not pretend to have committed', async () => {
    const login = world.login('app')
    const outcome = login.transaction(world.a.entry, async (run) => {
      await run(sql`insert into app.thing (name) values ('swallowed')`)
      await run(sql`select 1/0`).catch(() => {})
    })
    await expect(outcome).rejects.toBeInstanceOf(ConnectionSpoilt)
    const { rows } = await login.entered(world.a.entry, sql`select from app.thing where name = 'swallowed'`)
    expect(rows).toEqual([])
  })

  test('takes no statement after its end', async () => {
    const login = world.login('app')
    let kept: ((query: Statement<unknown>) => Promise<unknown>) | undefined
    await login.transaction(world.a.entry, async (run) => {
      kept = run
    })
    await expect(kept!(one)).rejects.toThrow('over')
  })
})

describe('what an injected statement leaves behind', () => {
  test.each([
    ['an open transaction', 'begin'],
    ['a session setting', "set search_path = 'pg_catalog'"],
    ['a session characteristic', 'set session characteristics as transaction read only'],
    ['a cursor that outlives its transaction', 'declare kept cursor with hold for select 1'],
    ['a subscription', 'listen everything'],
    ['no prepared statements', 'deallocate all'],
    ['a prepared statement', 'prepare taken as select 1'],
    ['discarded plans', 'discard plans'],
    ['discarded everything', 'discard all'],
    ['another seed', 'set seed = 0.5'],
  ])('%s does not reach the next request', async (_, injected) => {
    const login = world.login('app', { most: 1 })
    await login.entered(world.a.entry, text(injected)).catch(() => {})
    const look = sql`
      select current_setting('search_path') as path, current_setting('default_transaction_read_only') as readonly,
             current_setting('backtrace_functions') as context`
    expect(await login.query(look)).toEqual([{ path: 'app', readonly: 'off', context: '' }])
    expect(await codeOf(login.query(text('fetch all from kept')))).toBe('34000')
    const written = login.transaction(world.b.entry, (run) =>
      run(sql`insert into app.thing (name) values (${randomUUID()})`),
    )
    expect(await codeOf(written)).toBe('ok')
    expect(await login.query(one)).toEqual([{ one: 1 }])
  })

  test('DEALLOCATE ALL costs the connection, even the first statement of a new one', async () => {
    const login = world.login('app', { most: 1 })
    const before = await login.query(sql`select pg_backend_pid() as pid`)
    await expect(login.query(text('deallocate all'))).rejects.toBeInstanceOf(ConnectionSpoilt)
    expect(await login.query(sql`select pg_backend_pid() as pid`)).not.toEqual(before)
    const fresh = world.login('app', { most: 1 })
    await expect(fresh.entered(world.a.entry, text('deallocate all'))).rejects.toBeInstanceOf(ConnectionSpoilt)
    for (let time = 0; time < 3; time++)
      expect(await fresh.transaction(world.b.entry, (run) => run(one))).toEqual([{ one: 1 }])
  })

  test('a connection that comes back with an open transaction is destroyed, and the caller is told', async () => {
    const login = world.login('app', { most: 1 })
    const [before] = await login.query(sql`select pg_backend_pid() as pid`)
    await expect(login.query(text('begin'))).rejects.toBeInstanceOf(ConnectionSpoilt)
    await quiet(login)
    const [after] = await login.query(sql`select pg_backend_pid() as pid`)
    expect(after).not.toEqual(before)
  })
})

describe('a prepared statement of ours', () => {
  const names = async (login: Login) =>
    login.query({ text: 'select $1::int + $2::int as sum', values: [1] }).then(
      () => 'nothing',
      (error: Error) => `${error.message} ${JSON.stringify(error)}`,
    )

  test('is not told the name of: who asks by a wrong number of values costs the connection and learns nothing', async () => {
    const login = world.login('app', { most: 1 })
    const [before] = await login.query(sql`select pg_backend_pid() as pid`)
    expect(await names(login)).not.toMatch(/h[0-9a-f]{32}|prepared statement/)
    expect(await login.query(sql`select pg_backend_pid() as pid`)).not.toEqual([before])
    // In a transaction too, before a savepoint could hide it.
    const hidden = login.transaction(world.a.entry, async (run) => {
      await run(text('savepoint s'))
      await run({ text: 'select $1::int + $2::int as sum', values: [1] }).catch(() => {})
      await run(text('rollback to savepoint s'))
    })
    await expect(hidden).rejects.toBeInstanceOf(Error)
  })

  test.each(['prepare mine as select 1', 'deallocate all', 'deallocate prepare all', 'discard plans'])(
    'is not replaced: «%s» costs the connection, alone and in the middle of a transaction',
    async (words) => {
      const login = world.login('app', { most: 1 })
      const pid = () => login.query(sql`select pg_backend_pid() as pid`)
      const first = await pid()
      await expect(login.entered(world.a.entry, text(words))).rejects.toBeInstanceOf(ConnectionSpoilt)
      const second = await pid()
      expect(second).not.toEqual(first)
      const inside = login.transaction(world.a.entry, async (run) => {
        await run(sql`insert into app.thing (name) values (${'meddled'})`)
        await run(text(words))
        await run(one)
      })
      await expect(inside).rejects.toBeInstanceOf(Error)
      expect(await pid()).not.toEqual(second)
      const { rows } = await login.entered(world.a.entry, sql`select from app.thing where name = 'meddled'`)
      expect(rows).toEqual([])
    },
  )
})

describe('a transaction that a statement chains to another', () => {
  test.each(['commit and chain', 'rollback and chain'])('«%s» is told, and nothing after it counts', async (words) => {
    const login = world.login('app', { most: 1 })
    const outcome = login.transaction(world.a.entry, async (run) => {
      await run(text(words))
      return 'went on'
    })
    await expect(outcome).rejects.toBeInstanceOf(ConnectionSpoilt)
  })

  test('a savepoint is none', async () => {
    const login = world.login('app', { most: 1 })
    const name = randomUUID()
    await login.transaction(world.a.entry, async (run) => {
      await run(text('savepoint s'))
      await run(sql`select 1/0`).catch(() => {})
      await run(text('rollback to savepoint s'))
      await run(sql`insert into app.thing (name) values (${name})`)
    })
    const { rows } = await login.entered(world.a.entry, sql`select name from app.thing where name = ${name}`)
    expect(rows).toEqual([{ name }])
  })
})

describe('what cleans up runs under the Sync of what it follows', () => {
  const left = sql`
    select current_setting('search_path') as path, current_setting('default_transaction_read_only') as readonly`
  const clean = [{ path: 'app', readonly: 'off' }]

  test('and once more where a failure has undone it', async () => {
    const login = world.login('app', { most: 1 })
    const [before] = await login.query(sql`select pg_backend_pid() as pid`)
    // Set and kept for the session, by one group; the next one fails.
    const poison = [text('set default_transaction_read_only = on'), text("set search_path = 'pg_catalog'")]
    const wire = await login.attempt([poison, [sql`select 1/0`]])
    expect(wire[1]!.error?.code).toBe('22012')
    await quiet(login)
    expect(await login.query(left)).toEqual(clean)
    expect(await login.query(sql`select pg_backend_pid() as pid`)).toEqual([before])
  })

  test('also behind a transaction, whether it commits or not', async () => {
    const login = world.login('app', { most: 1 })
    for (const fails of [false, true]) {
      const outcome = login.transaction(world.a.entry, async (run) => {
        await run(text("set search_path = 'pg_catalog'"))
        if (fails) await run(sql`select 1/0`)
      })
      expect(await codeOf(outcome)).toBe(fails ? '22012' : 'ok')
      await quiet(login)
      expect(await login.query(left)).toEqual(clean)
    }
  })

  test('behind triggers that wait for the end: they still have their context', async () => {
    await world.migrate(`
      create table app.late (
        organisation_id uuid not null, id uuid not null default gen_random_uuid(), thing_name text not null,
        primary key (organisation_id, id),
        constraint late_thing foreign key (organisation_id, thing_name) references app.thing (organisation_id, name)
          deferrable initially deferred);
      select holdfast.protect('app.late', $$
        id          none
        thing_name  none
      $$)`)
    const login = world.login('app', { most: 1 })
    const name = randomUUID()
    await login.entered(world.a.entry, sql`insert into app.thing (name) values (${name})`)
    await login.entered(world.a.entry, sql`insert into app.late (thing_name) values (${name})`)
    const missing = login.entered(world.a.entry, sql`insert into app.late (thing_name) values ('nothing')`)
    expect(await codeOf(missing)).toBe('23503')
    // Another organisation's does not count.
    const foreign = login.entered(world.b.entry, sql`insert into app.late (thing_name) values (${name})`)
    expect(await codeOf(foreign)).toBe('23503')
    const { rows } = await login.entered(world.a.entry, sql`select thing_name from app.late`)
    expect(rows).toEqual([{ thing_name: name }])
  })
})

describe('a poisoned role', () => {
  test('gets no connection; the next bootstrap heals it', async () => {
    const poison = world.login('app', { most: 1 })
    await poison.query(text("alter role holdfast_app set default_transaction_isolation = 'serializable'"))
    await poison.query(text("alter role holdfast_app in database pool set work_mem = '64kB'"))
    const next = world.login('app')
    await expect(next.query(one)).rejects.toThrow(
      /settings that are not in the manifest: .*default_transaction_isolation=serializable/,
    )
    await cluster.bootstrapAgain('pool')
    expect(await next.query(one)).toEqual([{ one: 1 }])
  })
})

describe('the pool', () => {
  test('opens no more connections than it may, and refuses clearly when none becomes free', async () => {
    const login = world.login('app', { most: 2, waitMillis: 300 })
    const held = Promise.withResolvers<void>()
    const entered = [1, 2].map(() => Promise.withResolvers<void>())
    const busy = entered.map(({ resolve }) =>
      login.transaction(world.a.entry, async () => {
        resolve()
        await held.promise
      }),
    )
    await Promise.all(entered.map(({ promise }) => promise))
    const refused = await Promise.allSettled([login.query(one), login.query(one)])
    for (const outcome of refused)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'no connection became free in time' } })
    expect(refused.map((outcome) => (outcome as PromiseRejectedResult).reason instanceof DatabaseBusy)).toEqual([
      true,
      true,
    ])
    expect(login.state.open).toBe(2)
    held.resolve()
    await Promise.all(busy)
    expect(await login.query(one)).toEqual([{ one: 1 }])
  })

  test('gives a connection that is killed under way to nobody, and goes on', async () => {
    const login = world.login('app', { most: 2 })
    const waits = Array.from({ length: 2 }, () => codeOf(login.query(endless)))
    await sleep(200)
    await world.superuser(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'holdfast_app' and state = 'active'",
    )
    expect((await Promise.all(waits)).every((code) => code !== 'ok')).toBe(true)
    expect(await login.query(one)).toEqual([{ one: 1 }])
  })

  test('replaces an idle connection that was killed', async () => {
    const login = world.login('app', { most: 1 })
    const [{ pid } = { pid: 0 }] = await login.query(sql<{ pid: number }>`select pg_backend_pid() as pid`)
    await quiet(login)
    await world.superuser('select pg_terminate_backend($1)', [pid])
    await sleep(100)
    expect(await login.query(one)).toEqual([{ one: 1 }])
    expect(login.state.open).toBe(1)
  })

  test('cuts what is busy for too long, whatever timeout it gave itself, and opens one connection for each place', async () => {
    const login = world.login('app', { most: 1, longestSeconds: 1, waitMillis: 10_000 })
    const cut = codeOf(
      login.transaction(world.a.entry, async (run) => {
        await run(sql`set local statement_timeout = 0`)
        await run(endless)
      }),
    )
    const waiting = Array.from({ length: 3 }, async () => {
      const rows = await login.query(sql`select pg_backend_pid() as pid`)
      return [rows, login.state.open]
    })
    expect(await cut).toBe('ConnectionSpoilt')
    const answers = await Promise.all(waiting)
    expect(new Set(answers.map(([rows]) => JSON.stringify(rows))).size).toBe(1)
    expect(answers.map(([, open]) => open)).toEqual([1, 1, 1])
  })

  test('replaces a connection that has served its time, also for those who wait', async () => {
    const login = world.login('app', { most: 1, lifeSeconds: 0.3 })
    const pid = async () => (await login.query(sql<{ pid: number }>`select pg_backend_pid() as pid`))[0]!.pid
    const first = await pid()
    await sleep(350)
    const [second, third] = await Promise.all([pid(), pid()])
    expect(second).toBe(first)
    expect(third).not.toBe(first)
    expect(login.state.open).toBe(1)
  })

  test('refuses when it is closed, also those who wait', async () => {
    const login = world.login('app', { most: 1 })
    const busy = codeOf(login.query(endless))
    await sleep(50)
    const waiting = codeOf(login.query(one))
    await login.close()
    expect(await waiting).toBe('DatabaseBusy')
    expect(await busy).not.toBe('ok')
    expect(await codeOf(login.query(one))).toBe('DatabaseBusy')
  })

  test('tries a statement again whose result a migration changed', async () => {
    const login = world.login('app', { most: 3 })
    const all = sql`select * from app.notice`
    await Promise.all([1, 2, 3].map(() => login.query(all)))
    await world.superuser("alter table app.notice add column words text not null default ''")
    await Promise.all([1, 2, 3].map(() => login.query(all)))
    await world.superuser('alter table app.notice drop column words')
    expect(await Promise.all([1, 2, 3].map(() => codeOf(login.query(all))))).toEqual(['ok', 'ok', 'ok'])
  })
})

test('4,000 interleaved queries of two tenants over 4 connections, with failures and injections: no mix-up', async () => {
  const login = world.login('app', { most: 4, waitMillis: 20_000 })
  const expected = new Map<string, Set<string>>([
    [world.a.organisation, new Set()],
    [world.b.organisation, new Set()],
  ])
  const seen = { queries: 0, rows: 0, failures: 0 }
  const injections = [
    'begin',
    'commit',
    'rollback',
    'select 1; select 2',
    "set search_path = 'holdfast'",
    'deallocate all',
    'discard all',
    'reset all',
    'set role none',
    'listen x',
    'declare c cursor with hold for select * from app.thing',
    "set local backtrace_functions = 'h'",
    "select set_config('backtrace_functions', 'h', false)",
    'select pg_terminate_backend(pg_backend_pid())',
    'copy app.notice from stdin',
  ]

  const check = (who: Inhabitant, rows: readonly Record<string, unknown>[], nonce: string) => {
    for (const row of rows) {
      if (row.organisation_id !== who.organisation || row.nonce !== nonce)
        throw new Error(`mix-up: ${JSON.stringify(row)} came to ${who.organisation}`)
      seen.rows++
    }
  }
  const readAll = (nonce: string) => sql`select organisation_id, name, ${nonce}::text as nonce from app.thing limit 20`
  const steps: ((who: Inhabitant, nonce: string) => Promise<unknown>)[] = [
    async (who, nonce) => check(who, (await login.entered(who.entry, readAll(nonce))).rows, nonce),
    async (who, nonce) => check(who, (await login.entered(who.entry, readAll(nonce))).rows, nonce),
    async (who, nonce) => {
      await login.entered(who.entry, sql`insert into app.thing (name) values (${nonce})`)
      expected.get(who.organisation)!.add(nonce)
    },
    async (who, nonce) => {
      const abort = randomInt(3) === 0
      await login.transaction(who.entry, async (run) => {
        check(who, (await run(readAll(nonce))) as Record<string, unknown>[], nonce)
        await run(sql`insert into app.thing (name) values (${nonce})`)
        check(who, (await run(readAll(nonce))) as Record<string, unknown>[], nonce)
        if (abort) throw new Error('aborted on purpose')
      })
      expected.get(who.organisation)!.add(nonce)
    },
    async (who) => login.entered(who.entry, sql`select 1 / ${0}::int`),
    async (who) => login.entered(who.entry, text(injections[randomInt(injections.length)]!)),
    async (who) =>
      login.transaction(who.entry, async (run) => {
        await run(text(injections[randomInt(injections.length)]!))
        await run(sql`select * from app.thing`)
      }),
    async (who) => {
      const other = who === world.a ? world.b : world.a
      await login.entered({ ...who.entry, organisation: other.organisation }, sql`select * from app.thing`)
      throw new Error('mix-up: entered the other organisation')
    },
    async () => {
      const rows = await login.query(sql`select * from app.thing`)
      throw new Error(`mix-up: ${rows.length} rows without entry`)
    },
  ]

  let next = 0
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (next++ < 4000) {
        const who = randomInt(2) === 0 ? world.a : world.b
        seen.queries++
        await steps[randomInt(steps.length)]!(who, randomUUID()).catch((error: Error) => {
          seen.failures++
          if (/mix-up|no connection became free/.test(error.message)) throw error
        })
      }
    }),
  )
  expect(seen.queries).toBe(4000)
  expect(seen.rows).toBeGreaterThan(5000)
  expect(seen.failures).toBeGreaterThan(1000)
  const kept = await world.superuser('select organisation_id, array_agg(name) as names from app.thing group by 1')
  for (const [organisation, names] of expected) {
    const found = new Set(kept.find((row) => row.organisation_id === organisation)!.names as string[])
    for (const name of names) expect(found.has(name)).toBe(true)
    for (const name of [...found].filter((other) => /^[0-9a-f]{8}-/.test(other)))
      for (const [other, theirs] of expected) if (other !== organisation) expect(theirs.has(name)).toBe(false)
  }
}, 120_000)
