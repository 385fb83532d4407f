// What isolation is measured against: a route that trusts its URL. No session, no check, named prepared statements.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import pg from 'pg'
import { poolSize, type StartContestant } from '../contestant.ts'
import { columns, readTimesAsText } from './item.ts'

export const start: StartContestant = async ({ port, database, passwords }) => {
  readTimesAsText()
  const pool = new pg.Pool({ ...database, user: 'bench_peer', password: passwords.peer, max: poolSize })
  const app = new Hono()
  app.get('/api/o/:organisation/items/:item', async (c) => {
    const { rows } = await pool.query({
      name: 'read-item',
      text: `select ${columns} from item where organisation_id = $1 and id = $2`,
      values: [c.req.param('organisation'), c.req.param('item')],
    })
    return rows.length === 0 ? c.notFound() : c.json(rows[0])
  })
  app.get('/api/o/:organisation/items', async (c) => {
    const { rows } = await pool.query({
      name: 'list-items',
      text: `select ${columns} from item where organisation_id = $1 order by id desc limit 50`,
      values: [c.req.param('organisation')],
    })
    return c.json({ items: rows })
  })
  await new Promise<void>((resolve) => serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => resolve()))
}
