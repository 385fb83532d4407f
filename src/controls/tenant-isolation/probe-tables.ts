import type { Bench, Canary } from '../../kernel/bench.ts'

/** A table whose rows belong to organisations, as the catalogues show it, with what the application's role may do there. */
export interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  /** The columns of the primary key, without the organisation. */
  readonly key: readonly Column[]
  readonly may: Readonly<Record<'select' | 'insert' | 'update' | 'delete', boolean>>
}

export interface Column {
  readonly name: string
  readonly type: string
  readonly readable: boolean
  /** May stand in an INSERT. */
  readonly writable: boolean
}

export interface ForeignKey {
  readonly name: string
  readonly child: string
  readonly parent: string
  /** Pairs without the organisation. */
  readonly columns: readonly { readonly child: string; readonly parent: string; readonly type: string }[]
}

/** A row as text, by column. */
export type Sample = Readonly<Record<string, string | null>>

export async function readTables(bench: Bench): Promise<Table[]> {
  const rows = await bench.catalogue<{
    name: string
    columns: (Column & { key: boolean })[]
    may: Table['may']
  }>(`
    select format('%I.%I', n.nspname, c.relname) as name,
           jsonb_agg(jsonb_build_object(
             'name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod),
             'readable', has_column_privilege('holdfast_app', c.oid, a.attnum, 'SELECT'),
             'writable', a.attgenerated = '' and a.attidentity <> 'a',
             'key', a.attnum = any (i.indkey::int2[])) order by a.attnum) as columns,
           jsonb_build_object(
             'select', has_any_column_privilege('holdfast_app', c.oid, 'SELECT'),
             'insert', has_table_privilege('holdfast_app', c.oid, 'INSERT'),
             'update', has_table_privilege('holdfast_app', c.oid, 'UPDATE'),
             'delete', has_table_privilege('holdfast_app', c.oid, 'DELETE')) as may
      from holdfast.table_class t
      join pg_namespace n on n.nspname = split_part(t.table_name, '.', 1)
      join pg_class c on c.relnamespace = n.oid and c.relname = split_part(t.table_name, '.', 2)
      join pg_index i on i.indrelid = c.oid and i.indisprimary
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where t.class = 'tenant' group by n.nspname, c.relname, c.oid order by 1`)
  return rows.map(({ name, columns, may }) => ({
    name,
    columns,
    may,
    key: columns.filter((column) => column.key && column.name !== 'organisation_id'),
  }))
}

/** Keys between tables of organisations. */
export async function readForeignKeys(bench: Bench): Promise<ForeignKey[]> {
  return await bench.catalogue<ForeignKey & Record<string, unknown>>(`
    with tenant as (
      select c.oid, format('%I.%I', n.nspname, c.relname) as name from holdfast.table_class t
        join pg_namespace n on n.nspname = split_part(t.table_name, '.', 1)
        join pg_class c on c.relnamespace = n.oid and c.relname = split_part(t.table_name, '.', 2)
       where t.class = 'tenant')
    select k.conname as name, child.name as child, parent.name as parent,
           (select jsonb_agg(jsonb_build_object('child', quote_ident(a.attname), 'parent', quote_ident(b.attname),
                                                'type', format_type(a.atttypid, a.atttypmod)))
              from unnest(k.conkey, k.confkey) pair (x, y)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.x
              join pg_attribute b on b.attrelid = k.confrelid and b.attnum = pair.y
             where a.attname <> 'organisation_id') as columns
      from pg_constraint k join tenant child on child.oid = k.conrelid join tenant parent on parent.oid = k.confrelid
     where k.contype = 'f' and k.conparentid = 0 order by 1`)
}

/** How many rows of each table belong to the canary, as numbers from a function that gives nothing else. */
export async function countRowsOf(
  bench: Bench,
  tables: readonly Table[],
  canary: Canary,
): Promise<Map<string, number>> {
  const counted = new Map<string, number>()
  for (const { name } of tables) {
    const [row] = await bench.catalogue<{ rows: number }>(
      'select (holdfast.count_rows_of($1::regclass, $2)).rows_here as rows',
      [name, canary.organisation],
    )
    counted.set(name, Number(row!.rows))
  }
  return counted
}

/** One row of the canary's own from each table that it may read, by the application's login, as the canary. */
export async function sampleRows(bench: Bench, tables: readonly Table[], canary: Canary): Promise<Map<string, Sample>> {
  const readable = tables.filter(({ may }) => may.select)
  const answers = await bench.transaction(
    'app',
    { as: canary },
    readable.map(({ name, columns }) => ({
      text: `select ${columns
        .filter((column) => column.readable)
        .map((column) => `${column.name}::text as ${column.name}`)
        .join(', ')} from ${name} where organisation_id = $1 limit 1`,
      values: [canary.organisation],
    })),
  )
  const samples = new Map<string, Sample>()
  readable.forEach(({ name }, index) => {
    const { rows, error } = answers[index]!
    if (error) throw new Error(`${canary.name} could not read its own ${name}: ${error.message}`)
    if (rows[0]) samples.set(name, rows[0] as Sample)
  })
  return samples
}

/** Tables in which both samples have one and the same key: what is asked about the one would be answered from the other. */
export function sameKeys(
  tables: readonly Table[],
  one: ReadonlyMap<string, Sample>,
  other: ReadonlyMap<string, Sample>,
): string[] {
  const alike = ({ name, key }: Table): boolean => {
    const [mine, theirs] = [one.get(name), other.get(name)]
    if (mine === undefined || theirs === undefined || key.length === 0) return false
    return key.every((column) => column.readable && cellOf(mine, column.name) === cellOf(theirs, column.name))
  }
  return tables.filter(alike).map(({ name }) => name)
}

/** What a row has in a column; the name of the column may stand in quotes. */
export function cellOf(sample: Sample, column: string): string | null {
  return sample[column.replace(/^"(.*)"$/, '$1')] ?? null
}

/**
 * A value of the type that no row has, as near to `value` as can be: it would stand beside it in an index, so that whatever
 * differs does so because `value` is there. Undefined for types that the attacks leave alone.
 */
export function absentBeside(value: string | null, type: string): string | undefined {
  if (value === null || type.endsWith('[]')) return undefined
  if (type === 'uuid') {
    const last = (Number.parseInt(value.slice(-8), 16) ^ (1 + Math.floor(Math.random() * 255))) >>> 0
    return value.slice(0, -8) + last.toString(16).padStart(8, '0')
  }
  if (/^(text|character varying)/.test(type)) return `${value}${crypto.randomUUID().slice(0, 4)}`
  if (type === 'integer' || type === 'bigint') return String(1_000_000_000 + Math.floor(Math.random() * 1_000_000_000))
  if (type.startsWith('timestamp')) return value.replace(/^\d{4}/, '1971')
  return undefined
}
