import { hash } from 'node:crypto'
import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { getCookie } from 'hono/cookie'
import pg from 'pg'
import { poolSize, type Setup } from '../contestant.ts'
import { columns, readTimesAsText } from './item.ts'

/**
 * Finds the session, then BEGIN, a plain setting, the query, COMMIT, each awaited. `prepared`: every statement has a name, so that
 * the server parses it once for each connection.
 */
export async function serveItems({ port, database, passwords }: Setup, prepared: boolean): Promise<void> {
  const named = (name: string) => (prepared ? { name } : {})
  readTimesAsText()
  const pool = new pg.Pool({ ...database, user: 'bench_peer', password: passwords.peer, max: poolSize })
  const app = new Hono()

  const inOrganisation = async (c: Context, query: pg.QueryConfig): Promise<unknown[] | undefined> => {
    const organisation = c.req.param('organisation')
    const client = await pool.connect()
    try {
      const seat = await client.query({
        ...named('session'),
        text: `select s.person_id, m.role from visit s join membership m using (person_id)
                where s.token_hash = $1 and s.expires_at > now() and m.organisation_id = $2`,
        values: [hash('sha256', getCookie(c, 'session') ?? '', 'buffer'), organisation],
      })
      if (seat.rows.length === 0) return undefined
      await client.query('begin')
      await client.query({
        ...named('enter'),
        text: "select set_config('app.organisation_id', $1, true)",
        values: [organisation],
      })
      const { rows } = await client.query(query)
      await client.query('commit')
      return rows
    } finally {
      client.release()
    }
  }

  app.get('/api/o/:organisation/items/:item', async (c) => {
    const rows = await inOrganisation(c, {
      ...named('read-item'),
      text: `select ${columns} from item_by_setting where id = $1`,
      values: [c.req.param('item')],
    })
    if (rows === undefined) return c.body(null, 401)
    return rows.length === 0 ? c.notFound() : c.json(rows[0] as object)
  })
  app.get('/api/o/:organisation/items', async (c) => {
    const rows = await inOrganisation(c, {
      ...named('list-items'),
      text: `select ${columns} from item_by_setting order by id desc limit 50`,
    })
    return rows === undefined ? c.body(null, 401) : c.json({ items: rows as object[] })
  })
  await new Promise<void>((resolve) => serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => resolve()))
}
