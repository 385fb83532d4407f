import { newId, notFound, Refusal, read, sql, write } from 'holdfast'
import { z } from 'zod'
import { name, rowId, side, version } from './fields.ts'
import { reading, writing } from './limits.ts'
import { cursor, idBefore, pageOf, pageSize } from './page.ts'
import { changedMeanwhile } from './refusals.ts'

const card = z.strictObject({
  id: rowId,
  deckId: rowId,
  front: side,
  back: side,
  dueAt: z.iso.datetime(),
  version,
})
const one = z.strictObject({ card: rowId })

type Card = z.output<typeof card>

/** The columns of a card, as its routes answer them. */
const columns = sql`id, deck_id as "deckId", front, back, due_at as "dueAt", version`

export const listCards = read({
  method: 'GET',
  path: '/api/o/:organisation/decks/:deck/cards',
  summary: 'A deck and its cards, newest first',
  needs: 'cards.read',
  limit: reading,
  params: z.strictObject({ deck: rowId }),
  query: z.strictObject({ after: cursor }),
  response: z.strictObject({
    deck: z.strictObject({ id: rowId, name, version }),
    cards: z.array(card),
    next: z.string().nullable(),
  }),
  // One row for each card, and one without a card where there is none: no row at all means that there is no such deck.
  statement: ({ params, query }) => sql<{ name: string; deckVersion: number } & (Card | Record<keyof Card, null>)>`
    select name, deck.version as "deckVersion", card.*
      from app.deck left join lateral (
        select ${columns} from app.card
         where deck_id = deck.id and id < ${idBefore(`cards-${params.deck}`, query.after)}
         order by id desc limit ${pageSize + 1}
      ) card on true
     where deck.id = ${params.deck}`,
  answer: (rows, { params }) => {
    const [deck] = rows
    if (!deck) throw notFound()
    const page = pageOf(
      `cards-${params.deck}`,
      rows.flatMap(({ name: _, deckVersion: __, ...found }) => (found.id === null ? [] : [found])),
    )
    return {
      deck: { id: params.deck, name: deck.name, version: deck.deckVersion },
      cards: page.rows,
      next: page.next,
    }
  },
})

export const createCard = write({
  method: 'POST',
  path: '/api/o/:organisation/decks/:deck/cards',
  summary: 'A new card, due at once',
  needs: 'cards.write',
  limit: writing,
  idempotent: true,
  params: z.strictObject({ deck: rowId }),
  body: z.strictObject({ front: side, back: side }),
  response: card,
  run: async (transaction, { params, body }) => {
    // The lock keeps the deck until the card stands: a deck deleted at the same moment is a 404, not a broken reference.
    const [made] = await transaction(sql<Card>`
      insert into app.card (id, deck_id, front, back)
      select ${newId()}, deck.id, ${body.front}, ${body.back}
        from (select id from app.deck where id = ${params.deck} for key share) deck
      returning ${columns}`)
    if (!made) throw notFound()
    return { status: 201, body: made }
  },
})

export const editCard = write({
  method: 'PATCH',
  path: '/api/o/:organisation/cards/:card',
  summary: 'Other words on a card; what is known of one’s memory of it stays',
  needs: 'cards.write',
  limit: writing,
  params: one,
  body: z.strictObject({ front: side, back: side, version }),
  response: card,
  run: async (transaction, { params, body }) => {
    const [edited] = await transaction(sql<Card>`
      update app.card set front = ${body.front}, back = ${body.back}, version = version + 1, updated_at = now()
       where id = ${params.card} and version = ${body.version} returning ${columns}`)
    if (edited) return { body: edited }
    const [current] = await transaction(sql<Card>`select ${columns} from app.card where id = ${params.card}`)
    if (!current) throw notFound()
    throw new Refusal(changedMeanwhile, { extra: { current } })
  },
})

export const deleteCard = write({
  method: 'DELETE',
  path: '/api/o/:organisation/cards/:card',
  summary: 'Deletes a card and its reviews',
  needs: 'cards.write',
  limit: writing,
  params: one,
  response: z.undefined(),
  run: async (transaction, { params }) => {
    const gone = await transaction(sql`delete from app.card where id = ${params.card} returning id`)
    if (gone.length === 0) throw notFound()
    return { status: 204, body: undefined }
  },
})
