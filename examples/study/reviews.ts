import { newId, notFound, Refusal, read, sql, write } from 'holdfast'
import { z } from 'zod'
import { count, name, rowId, side, version } from './fields.ts'
import { reading, writing } from './limits.ts'
import { changedMeanwhile } from './refusals.ts'
import { grades, type Memory, schedule } from './schedule.ts'
import { studyDay } from './study-day.ts'

const atOnce = 20
const days = z.strictObject({ again: count, hard: count, good: count, easy: count })

interface DueRow extends Memory {
  readonly due: number
  readonly done: number
  /** Null in the one row that comes where nothing is due. */
  readonly id: string | null
  readonly deckName: string
  readonly front: string
  readonly back: string
  readonly version: number
}

export const dueToday = read({
  method: 'GET',
  path: '/api/o/:organisation/due',
  summary: 'The next cards that are due today, in all decks or in one, and how far the day has come',
  needs: 'cards.read',
  limit: reading,
  query: z.strictObject({ dayEnds: z.iso.datetime().optional(), deck: rowId.optional() }),
  response: z.strictObject({
    due: count,
    done: count,
    cards: z.array(
      z.strictObject({
        id: rowId,
        deckName: name,
        front: side,
        back: side,
        version,
        /** In how many days the card comes back, for each answer. 0: later today. */
        days,
      }),
    ),
  }),
  statement: ({ query }) => {
    const { from, until } = studyDay(query.dayEnds)
    const inDeck = query.deck === undefined ? sql`` : sql`and deck_id = ${query.deck}`
    return sql<DueRow>`
      select today.due, today.done, next.*
        from (
          select (select count(*) from app.card where due_at < ${until} ${inDeck}) as due,
                 (select count(*) from app.review where reviewed_at >= ${from}) as done
           where ${query.deck === undefined ? sql`true` : sql`exists (select from app.deck where id = ${query.deck})`}
        ) today
        left join lateral (
          select card.id, deck.name as "deckName", front, back, card.version,
                 repetitions, ease_percent as "easePercent", interval_days as "intervalDays"
            from app.card join app.deck on deck.id = deck_id
           where due_at < ${until} ${inDeck}
           order by due_at, card.id limit ${atOnce}
        ) next on true`
  },
  answer: (rows) => {
    const [first] = rows
    if (!first) throw notFound()
    return { due: first.due, done: first.done, cards: rows.flatMap(toDueCard) }
  },
})

export const reviewCard = write({
  method: 'POST',
  path: '/api/o/:organisation/cards/:card/reviews',
  summary: 'An answer to a card. Each version of a card is answered once, whatever is sent twice',
  needs: 'cards.write',
  limit: writing,
  idempotent: true,
  params: z.strictObject({ card: rowId }),
  body: z.strictObject({ grade: z.enum(grades), version }),
  response: z.strictObject({ id: rowId, dueAt: z.iso.datetime(), intervalDays: count, version }),
  run: async (transaction, { params, body }) => {
    const [card] = await transaction(sql<Memory & { id: string; front: string; version: number }>`
      select id, front, version, repetitions, ease_percent as "easePercent", interval_days as "intervalDays"
        from app.card where id = ${params.card} for update`)
    if (!card) throw notFound()
    if (card.version !== body.version)
      throw new Refusal(changedMeanwhile, { extra: { current: { id: card.id, version: card.version } } })
    const next = schedule(card, body.grade)
    await transaction(sql`
      insert into app.review (id, card_id, card_version, asked, grade, interval_days)
      values (${newId()}, ${card.id}, ${card.version}, ${card.front}, ${body.grade}, ${next.intervalDays})`)
    const [after] = await transaction(sql<{ id: string; dueAt: string; intervalDays: number; version: number }>`
      update app.card
         set repetitions = ${next.repetitions}, ease_percent = ${next.easePercent}, interval_days = ${next.intervalDays},
             due_at = now() + make_interval(days => ${next.intervalDays}), version = version + 1, updated_at = now()
       where id = ${card.id}
      returning id, due_at as "dueAt", interval_days as "intervalDays", version`)
    return { status: 201, body: after! }
  },
})

function toDueCard(row: DueRow) {
  if (row.id === null) return []
  const { id, deckName, front, back, version } = row
  const [again, hard, good, easy] = grades.map((grade) => schedule(row, grade).intervalDays)
  return [{ id, deckName, front, back, version, days: { again: again!, hard: hard!, good: good!, easy: easy! } }]
}
