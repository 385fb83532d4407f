import { newId, type Statement, sql } from 'holdfast'

/** One row in each of our tables, with the prover's mark in it: whoever else sees the mark has broken in. */
export function canary(mark: string): readonly Statement[] {
  const deck = newId()
  const card = newId()
  return [
    sql`insert into app.deck (id, name) values (${deck}, ${mark})`,
    sql`insert into app.card (id, deck_id, front, back) values (${card}, ${deck}, ${mark}, ${mark})`,
    sql`insert into app.review (id, card_id, card_version, asked, grade, interval_days)
        values (${newId()}, ${card}, 0, ${mark}, 'good', 1)`,
  ]
}
