import { defineProduct, id, type Limit, newId, notFound, read, sql } from 'holdfast'
import { z } from 'zod'

/** So wide that nobody is refused while being measured; spent like any other. */
export const wide = { quota: 50_000_000, windowSeconds: 60 }
const limit: Limit = { name: 'bench-read', ...wide }

const item = z.strictObject({
  id: id(),
  name: z.string(),
  note: z.string(),
  quantity: z.int(),
  createdAt: z.iso.datetime(),
})
type Item = z.output<typeof item>

const columns = sql`id, name, note, quantity, created_at as "createdAt"`

const readItem = read({
  method: 'GET',
  path: '/api/o/:organisation/items/:item',
  summary: 'One item',
  needs: 'items.read',
  limit,
  params: z.strictObject({ item: id() }),
  response: item,
  statement: ({ params }) => sql<Item>`select ${columns} from app.item where id = ${params.item}`,
  answer: ([found]) => {
    if (!found) throw notFound()
    return found
  },
})

const listItems = read({
  method: 'GET',
  path: '/api/o/:organisation/items',
  summary: 'The newest fifty',
  needs: 'items.read',
  limit,
  response: z.strictObject({ items: z.array(item) }),
  statement: () => sql<Item>`select ${columns} from app.item order by id desc limit 50`,
  answer: (items) => ({ items }),
})

/** One table, two routes: what the benchmark asks of the whole pipeline. */
export const product = defineProduct({
  name: 'bench',
  title: 'Bench',
  sentence: 'One table, two routes.',
  people: 'organisations',
  migrations: new URL('./migrations/', import.meta.url),
  routes: { readItem, listItems },
  jobs: {},
  roles: {
    owner: {
      title: 'Owner',
      permissions: [
        'items.read',
        'members.read',
        'members.invite',
        'members.remove',
        'organisation.secure',
        'roles.manage',
        'keys.manage',
        'events.read',
      ],
    },
  },
  canary: (mark) => [
    sql`insert into app.item (id, name, note, quantity, created_at) values (${newId()}, ${mark}, ${mark}, 1, now())`,
  ],
  securityPage: new URL('./security.md', import.meta.url),
  console: new URL('./console.tsx', import.meta.url),
})
