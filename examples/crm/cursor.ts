import { z } from 'zod'

export const pageSize = 50

/** Where a page begins: after this row. */
export interface Place {
  /** In a search: whether the row is one of those whose name does not begin with a word of it. They come last. */
  readonly rest: boolean
  readonly sortName: string
  readonly id: string
}

/** Before everything. */
export const start: Place = { rest: false, sortName: '', id: '00000000-0000-0000-0000-000000000000' }

const content = z.strictObject({
  list: z.string(),
  q: z.string(),
  // PostgreSQL takes no NUL.
  after: z.tuple([z.boolean(), z.string().regex(/^[^\0]{1,400}$/), z.uuid()]),
})

/** The query of a list: a search and a place, where the place must come from the same list and the same search. */
export function listQuery(list: string) {
  return z
    .strictObject({ q: z.string().max(200).default(''), cursor: z.string().max(4000).optional() })
    .refine((query) => readCursor(list, query.q, query.cursor) !== undefined, {
      path: ['cursor'],
      error: 'is from another list or another search. Begin again without it',
    })
}

/** The place that a cursor names, or undefined where it is not from this list and this search. */
export function readCursor(list: string, q: string, cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return start
  const read = content.safeParse(parse(cursor))
  if (!read.success || read.data.list !== list || read.data.q !== q) return undefined
  const [rest, sortName, id] = read.data.after
  return { rest, sortName, id }
}

export function writeCursor(list: string, q: string, last: Place): string {
  return Buffer.from(JSON.stringify({ list, q, after: [last.rest, last.sortName, last.id] })).toString('base64url')
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}

/** Splits the one row that was read too many from a page. `next` is null on the last one. */
export function pageOf<Row extends Place>(list: string, q: string, rows: readonly Row[]) {
  const shown = rows.slice(0, pageSize)
  return { rows: shown, next: rows.length > pageSize ? writeCursor(list, q, shown.at(-1)!) : null }
}
