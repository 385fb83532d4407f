import { newId, type Statement, sql } from 'holdfast'

/** A row with `mark` in each table; the search words follow by their triggers. */
export function canary(mark: string): readonly Statement[] {
  const company = newId()
  const file = newId()
  return [
    sql`insert into app.company (id, name, sort_name, note, words) values (${company}, ${mark}, ${mark}, ${mark}, ${mark})`,
    sql`insert into app.contact (id, company_id, name, sort_name, email, email_key, note, words)
        values (${newId()}, ${company}, ${mark}, ${mark}, ${mark}, ${mark}, ${mark}, ${mark})`,
    sql`insert into app.import (id, file_name, columns, mapping, row_count) values (${file}, ${mark}, ${[mark]}, ${['name']}, 1)`,
    sql`insert into app.import_row (import_id, line, cells) values (${file}, 2, ${JSON.stringify([mark])}::jsonb)`,
  ]
}
