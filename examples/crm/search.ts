import { type Statement, sql } from 'holdfast'
import { type Place, pageSize, start } from './cursor.ts'
import { afterPrefix, searchWords } from './words.ts'

type Part = Statement<unknown>

/** A table that has `id`, `sort_name` with an index on it, and `words`. */
export interface Searched {
  /** The table, under the alias `c`. */
  readonly from: Part
  /** The `id` of each row that has a word which begins with `word`, from an index; one may come twice. */
  hits(word: string): Part
  /** Whether `c` has such a word, row by row. */
  has(word: string): Part
}

/** A word that begins the words of no more rows than this is looked up; a more frequent one is met soon enough. */
const fewHits = 2000

/**
 * A page of `c` by name, from `place` on. With `q`: the rows where every word of it begins a word of theirs, first those
 * whose name begins with one.
 *
 * Under row-level security an index serves `=`, `<` and `>=`, no pattern and no full text; and PostgreSQL, which may keep
 * no statistics of tenants' values, cannot know which word is rare. So the statement finds that out: where a word is rare
 * its rows are looked up (`few`); otherwise the names that begin with a word are read in order (`led`), and only where
 * these do not fill the page, all others (`rest`).
 */
export function searchPage<Row>(table: Searched, columns: Part, q: string, place: Place): Statement<Row> {
  const words = searchWords(q)
  const { from } = table
  const after = beyond(place)
  const page = sql`order by c.sort_name, c.id limit ${pageSize + 1}`
  if (words.length === 0) return sql<Row>`select ${columns}, false as rest from ${from} where ${after} ${page}`
  const matches = join(words.map(table.has), sql` and `)
  const numberedHits = (word: string, number: number) => sql`(
      select ${number}::integer as word, id from (${table.hits(word)}) h limit ${fewHits + 1})`
  const leads = words.map((word) => sql`(c.sort_name >= ${word} and c.sort_name < ${afterPrefix(word)})`)
  const isRest = sql`not (${join(leads, sql` or `)})`
  const ledBy = (word: string) => sql`(
      select c.* from ${from} where not exists (select from rarest) and ${!place.rest}::boolean
         and ${beyond(later(place, word))} and c.sort_name < ${afterPrefix(word)} and ${matches} ${page})`
  return sql<Row>`
    with hit as materialized (${join(words.map(numberedHits), sql` union all `)}),
    rarest as materialized (
      select word from generate_series(0, ${words.length - 1}::integer) word left join hit using (word)
       group by word having count(id) <= ${fewHits} order by count(id) limit 1
    ),
    few as materialized (
      select c.* from ${from} where c.id = any (array(select id from hit where word = (select word from rarest)))
    ),
    led as materialized (select c.* from (${join(words.map(ledBy), sql` union all `)}) c ${page}),
    found as (
      select c.*, ${isRest} as rest from few c where ${matches}
         and (${isRest}, c.sort_name, c.id) > (${place.rest}::boolean, ${place.sortName}, ${place.id})
      union all
      select c.*, false from led c
      union all
      (select c.*, true from ${from} where not exists (select from rarest) and (select count(*) from led) <= ${pageSize}
          and ${isRest} and ${place.rest ? after : sql`true`} and ${matches} ${page})
    )
    select ${columns}, c.rest from found c order by c.rest, c.sort_name, c.id limit ${pageSize + 1}`
}

function beyond({ sortName, id }: Place): Part {
  return sql`(c.sort_name, c.id) > (${sortName}, ${id})`
}

/** Where the names that begin with `word` are read from. One bound, not two: a scan starts at one of them only. */
function later(place: Place, word: string): Place {
  const isLater = Buffer.compare(Buffer.from(place.sortName), Buffer.from(word)) >= 0
  return isLater ? place : { ...start, sortName: word }
}

function join(parts: readonly Part[], between: Part): Part {
  return parts.reduce((before, part) => sql`${before}${between}${part}`)
}
