// better-auth with its organisation plugin: its getSession, a look at its membership table, the query.
import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import pg from 'pg'
import { createAuth } from '../better-auth-peer.ts'
import { poolSize, type StartContestant } from '../contestant.ts'
import { columns, readTimesAsText } from './item.ts'

export const start: StartContestant = async ({ port, database, passwords }) => {
  readTimesAsText()
  const pool = new pg.Pool({ ...database, user: 'bench_peer', password: passwords.peer, max: poolSize })
  const auth = await createAuth(pool, `http://localhost:${port}`)
  const app = new Hono()

  const isMember = async (c: Context): Promise<boolean> => {
    const session = await auth.api.getSession({ headers: c.req.raw.headers })
    if (session === null) return false
    const { rows } = await pool.query({
      name: 'member',
      text: 'select role from member where "userId" = $1 and "organizationId" = $2',
      values: [session.user.id, c.req.param('organisation')],
    })
    return rows.length > 0
  }

  app.get('/api/o/:organisation/items/:item', async (c) => {
    if (!(await isMember(c))) return c.body(null, 401)
    const { rows } = await pool.query({
      name: 'read-item',
      text: `select ${columns} from item where organisation_id = $1 and id = $2`,
      values: [c.req.param('organisation'), c.req.param('item')],
    })
    return rows.length === 0 ? c.notFound() : c.json(rows[0])
  })
  app.get('/api/o/:organisation/items', async (c) => {
    if (!(await isMember(c))) return c.body(null, 401)
    const { rows } = await pool.query({
      name: 'list-items',
      text: `select ${columns} from item where organisation_id = $1 order by id desc limit 50`,
      values: [c.req.param('organisation')],
    })
    return c.json({ items: rows })
  })
  await new Promise<void>((resolve) => serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => resolve()))
}
