import { newId, notFound, Refusal, read, sql, write } from 'holdfast'
import { z } from 'zod'
import { count, name, rowId, version } from './fields.ts'
import { reading, writing } from './limits.ts'
import { cursor, idBefore, pageOf, pageSize } from './page.ts'
import { changedMeanwhile } from './refusals.ts'
import { studyDay } from './study-day.ts'

const deck = z.strictObject({ id: rowId, name, version })
const one = z.strictObject({ deck: rowId })

type Deck = z.output<typeof deck>

export const listDecks = read({
  method: 'GET',
  path: '/api/o/:organisation/decks',
  summary: 'The decks, newest first, and how many cards of each are due today',
  needs: 'cards.read',
  limit: reading,
  query: z.strictObject({ after: cursor, dayEnds: z.iso.datetime().optional() }),
  response: z.strictObject({
    decks: z.array(deck.extend({ cards: count, due: count })),
    next: z.string().nullable(),
  }),
  statement: ({ query }) => sql<Deck & { cards: number; due: number }>`
    select id, name, version,
           (select count(*) from app.card where deck_id = deck.id) as cards,
           (select count(*) from app.card where deck_id = deck.id and due_at < ${studyDay(query.dayEnds).until}) as due
      from app.deck
     where id < ${idBefore('decks', query.after)}
     order by id desc limit ${pageSize + 1}`,
  answer: (rows) => {
    const page = pageOf('decks', rows)
    return { decks: page.rows, next: page.next }
  },
})

export const createDeck = write({
  method: 'POST',
  path: '/api/o/:organisation/decks',
  summary: 'A new deck',
  needs: 'cards.write',
  limit: writing,
  idempotent: true,
  body: z.strictObject({ name }),
  response: deck,
  run: async (transaction, { body }) => {
    const [made] = await transaction(
      sql<Deck>`insert into app.deck (id, name) values (${newId()}, ${body.name}) returning id, name, version`,
    )
    return { status: 201, body: made! }
  },
})

export const renameDeck = write({
  method: 'PATCH',
  path: '/api/o/:organisation/decks/:deck',
  summary: 'Another name for a deck',
  needs: 'cards.write',
  limit: writing,
  params: one,
  body: z.strictObject({ name, version }),
  response: deck,
  run: async (transaction, { params, body }) => {
    const [renamed] = await transaction(sql<Deck>`
      update app.deck set name = ${body.name}, version = version + 1, updated_at = now()
       where id = ${params.deck} and version = ${body.version} returning id, name, version`)
    if (renamed) return { body: renamed }
    const [current] = await transaction(sql<Deck>`select id, name, version from app.deck where id = ${params.deck}`)
    if (!current) throw notFound()
    throw new Refusal(changedMeanwhile, { extra: { current } })
  },
})

export const deleteDeck = write({
  method: 'DELETE',
  path: '/api/o/:organisation/decks/:deck',
  summary: 'Deletes a deck with its cards and their reviews',
  needs: 'cards.write',
  limit: writing,
  params: one,
  response: z.undefined(),
  run: async (transaction, { params }) => {
    const gone = await transaction(sql`delete from app.deck where id = ${params.deck} returning id`)
    if (gone.length === 0) throw notFound()
    return { status: 204, body: undefined }
  },
})
