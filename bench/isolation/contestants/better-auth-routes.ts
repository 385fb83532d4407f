import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import pg from 'pg'
import { type Auth, createAuth } from '../better-auth-peer.ts'
import { poolSize, type Setup } from '../contestant.ts'
import { columns, readTimesAsText } from './item.ts'

/** Whether whoever asks may read in the organisation of the path. */
export type MayRead = (auth: Auth, pool: pg.Pool, c: Context) => Promise<boolean>

/**
 * The two routes as somebody writes them who uses better-auth: ask it first, then name the organisation in every query. Beside them
 * better-auth's own. `more`: options of it.
 */
export async function serveItems(
  { port, database, passwords }: Setup,
  mayRead: MayRead,
  more: object = {},
): Promise<void> {
  readTimesAsText()
  const pool = new pg.Pool({ ...database, user: 'bench_peer', password: passwords.peer, max: poolSize })
  const auth = await createAuth(pool, `http://localhost:${port}`, more)
  const app = new Hono()
  app.all('/api/auth/*', (c) => auth.handler(c.req.raw))
  app.get('/api/o/:organisation/items/:item', async (c) => {
    if (!(await mayRead(auth, pool, c))) return c.body(null, 401)
    const { rows } = await pool.query({
      name: 'read-item',
      text: `select ${columns} from item where organisation_id = $1 and id = $2`,
      values: [c.req.param('organisation'), c.req.param('item')],
    })
    return rows.length === 0 ? c.notFound() : c.json(rows[0])
  })
  app.get('/api/o/:organisation/items', async (c) => {
    if (!(await mayRead(auth, pool, c))) return c.body(null, 401)
    const { rows } = await pool.query({
      name: 'list-items',
      text: `select ${columns} from item where organisation_id = $1 order by id desc limit 50`,
      values: [c.req.param('organisation')],
    })
    return c.json({ items: rows })
  })
  await new Promise<void>((resolve) => serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => resolve()))
}
