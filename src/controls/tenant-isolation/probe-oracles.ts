import type { Seen } from '../../kernel/bench.ts'
import { absentBeside, cellOf, type ForeignKey, type Sample, type Table } from './probe-tables.ts'

/** The same question about something that the other has, and about something that nobody has. */
export interface Pair {
  readonly title: string
  readonly theirs: Twin
  readonly absent: Twin
}

export interface Twin {
  readonly text: string
  readonly values: readonly (string | null)[]
  /** What came back, without the value that was asked for. */
  says(seen: Seen): string
}

/**
 * Plans of a search for the other's value: what the planner expects, and what the executor did. Estimates are made from
 * the values of all organisations, unless no statistics are kept; `Rows Removed by Filter` counts whatever the index let through.
 */
export function estimateMoves(table: Table, mine: Sample | undefined, theirs: Sample): Pair[] {
  const { name, columns } = table
  return columns
    .filter((column) => column.readable && column.name !== 'organisation_id')
    .flatMap((column) => {
      const value = cellOf(theirs, column.name)
      const absent = absentBeside(value, column.type)
      // What one has oneself is found, rightly.
      if (!value || absent === undefined || (mine && cellOf(mine, column.name) === value)) return []
      const ask = (sent: string, text: string): Twin => ({
        text,
        values: [sent],
        says: (seen) => answered(seen, [sent]),
      })
      return [
        `explain select 1 from ${name} where ${column.name} = $1::${column.type}`,
        `explain select 1 from ${name} where ${column.name} >= $1::${column.type}`,
        `explain (analyze, costs off, timing off, summary off, buffers off) select 1 from ${name} where ${column.name} = $1::${column.type}`,
      ].map((text) => ({
        title: `${text.startsWith('explain (') ? 'EXPLAIN ANALYZE' : 'EXPLAIN'} of ${name}.${column.name}`,
        theirs: ask(value, text),
        absent: ask(absent, text),
      }))
    })
}

/** A row of one's own under the other's key: it must be as free as a key that nobody has. */
export function keyMoves(table: Table, theirs: Sample): Pair[] {
  const { name, columns, key, may } = table
  const absent = key.map(({ name: column, type }) => absentBeside(cellOf(theirs, column), type))
  if (!may.insert || !may.select || key.length === 0 || absent.includes(undefined)) return []
  const written = columns.filter((column) => column.writable && column.readable)
  const chosen = written.map((column) => {
    const at = key.findIndex((one) => one.name === column.name)
    return at < 0 ? column.name : `$${at + 1}::${column.type}`
  })
  const text = `insert into ${name} (${written.map((column) => column.name).join(', ')}) select ${chosen.join(', ')} from ${name} limit 1 on conflict do nothing`
  const twin = (values: readonly (string | null)[]): Twin => ({ text, values, says: (seen) => answered(seen, values) })
  return [
    {
      title: `a key of ${name}`,
      theirs: twin(key.map(({ name: column }) => cellOf(theirs, column))),
      absent: twin(absent as string[]),
    },
  ]
}

/** A reference to the other's row: it must fail just as one to a row that is nowhere. */
export function foreignKeyMoves(
  key: ForeignKey,
  table: Table,
  mine: Sample | undefined,
  theirParent: Sample | undefined,
): Pair[] {
  if (!table.may.update || !mine || !theirParent || key.columns.length === 0) return []
  const absent = key.columns.map(({ parent, type }) => absentBeside(cellOf(theirParent, parent), type))
  if (absent.includes(undefined)) return []
  const sets = key.columns.map(({ child, type }, index) => `${child} = $${index + 1}::${type}`).join(', ')
  const text = `update ${key.child} set ${sets} where ctid = (select ctid from ${key.child} limit 1)`
  const twin = (values: readonly (string | null)[]): Twin => ({
    text,
    values,
    says: (seen) => (seen.error ? answered(seen, values) : 'the reference was taken'),
  })
  const theirs = twin(key.columns.map(({ parent }) => cellOf(theirParent, parent)))
  return [
    {
      title: `the foreign key ${key.name}`,
      // Both may be taken as well, where the key is checked at the end of the transaction: that is one answer too.
      theirs,
      absent: twin(absent as string[]),
    },
  ]
}

/** Answer as text: SQLSTATE and message, or number of rows and rows; with what was asked for struck out. */
function answered(seen: Seen, sent: readonly (string | null)[]): string {
  const raw = seen.error
    ? `${seen.error.code} ${seen.error.message} ${seen.error.detail ?? ''}`
    : `${seen.rowCount} rows ${seen.rows.map((row) => Object.values(row).join(' ')).join('\n')}`
  let text = raw
  for (const value of sent) if (value !== null && value.length > 8) text = text.replaceAll(value, '?')
  return (
    text
      // A literal may be written in another way than it was sent; the length of its type never differs.
      .replaceAll(/'[^']*'/g, '?')
      .replaceAll(/(?<=[=<>] )-?\d+(\.\d+)?/g, '?')
      .replaceAll('?::', '::')
      // What our own undone writes have left in our own part of the index.
      .replaceAll(/Heap Fetches: \d+/g, '')
  )
}
