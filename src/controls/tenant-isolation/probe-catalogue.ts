import type { Bench } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'

/** One line of the manifest: who may do what with which object. */
export interface Grant {
  readonly grantee: string
  readonly kind: string
  readonly object: string
  readonly privilege: string
}

export async function readCatalogue(bench: Bench): Promise<Outcome> {
  const found = await bench.catalogue<{ code: string; object: string }>(
    'select code, object from holdfast.weaknesses() union all select code, object from holdfast.surroundings()',
  )
  const [size] = await bench.catalogue<{ tables: number; policies: number; functions: number; roles: number }>(`
    select (select count(*) from holdfast.table_class where class = 'tenant')::int as tables,
           (select count(*) from pg_policy)::int as policies, (select count(*) from pg_roles)::int as roles,
           (select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^(pg_|information_schema$)')::int as functions`)
  const { tables, policies, functions, roles } = size!
  const examined = tables + policies + functions + roles
  if (found.length > 0) return broken(list(found.map(({ code, object }) => `${code}: ${object}`)), examined)
  // Asked without the function's help: should it be replaced by one that finds nothing, this still counts.
  const [bare] = await bench.catalogue<{ bare: number }>(`
    select count(*)::int as bare from holdfast.table_class t
      join pg_namespace n on n.nspname = split_part(t.table_name, '.', 1)
      join pg_class c on c.relnamespace = n.oid and c.relname = split_part(t.table_name, '.', 2)
     where t.class = 'tenant' and not (c.relrowsecurity and c.relforcerowsecurity
       and 2 = (select count(*) from pg_policy p where p.polrelid = c.oid and pg_get_expr(p.polqual, p.polrelid) ~ 'backtrace_functions'))`)
  if (bare!.bare > 0)
    return broken(`${bare!.bare} tables of organisations lack policies, and the check does not say so`, examined)
  if (tables === 0) return inconclusive('there is no table of organisations')
  return holds(
    `${tables} tables with ${policies} policies, ${functions} functions and ${roles} roles: no way around`,
    examined,
  )
}

/** Compares the live rights with what is committed; nothing may be missing, and nothing may be there besides. */
export async function compareGrants(bench: Bench, manifest: readonly Grant[]): Promise<Outcome> {
  const live = await bench.catalogue<Grant & Record<string, unknown>>(
    'select grantee, kind, object, privilege from holdfast.grants()',
  )
  const [wanted, found] = [new Set(manifest.map(line)), new Set(live.map(line))]
  const surplus = [...found].filter((one) => !wanted.has(one)).sort()
  const missing = [...wanted].filter((one) => !found.has(one)).sort()
  const product = await bench.catalogue<{ wrong: string }>(`
    select format('%s on %s to %s', g.privilege, g.object, g.grantee) as wrong from (
      select c.oid::regclass::text as object, coalesce(r.rolname, 'PUBLIC') as grantee, x.privilege_type as privilege,
             t.class = 'tenant' as tenant
        from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'app'
        join holdfast.table_class t on t.table_name = 'app.' || c.relname
        cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) x left join pg_roles r on r.oid = x.grantee
       where c.relkind in ('r', 'p') and x.grantee <> c.relowner) g
     where not (g.grantee = 'holdfast_app' and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
       and not (g.grantee = 'holdfast_counter' and g.privilege = 'SELECT')
       and not (not g.tenant and g.grantee ~ '^holdfast_' and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))`)
  if (surplus.length + missing.length + product.length > 0)
    return broken(
      list([
        ...surplus.map((one) => `not in the manifest: ${one}`),
        ...missing.map((one) => `missing: ${one}`),
        ...product.map(({ wrong }) => `on a table of the product: ${wrong}`),
      ]),
      live.length,
    )
  return holds(`${live.length} rights, memberships, settings and functions are those of the manifest`, live.length)
}

export async function lookForUnclassified(bench: Bench): Promise<Outcome> {
  const found = await bench.catalogue<{ object: string }>('select object from holdfast.unclassified()')
  // Again without the function's help.
  const [size] = await bench.catalogue<{ tables: number; columns: number; strays: number }>(`
    with known as (
      select c.oid, n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'f', 'm') and n.nspname !~ '^(pg_|information_schema$)')
    select (select count(*) from known)::int as tables, count(*)::int as columns,
           count(*) filter (where not exists (select from holdfast.column_inventory i where i.table_name = k.name and i.column_name = a.attname))::int as strays
      from known k join pg_attribute a on a.attrelid = k.oid and a.attnum > 0 and not a.attisdropped`)
  const { tables, columns, strays } = size!
  if (found.length > 0) return broken(list(found.map(({ object }) => object)), tables + columns)
  if (strays > 0)
    return broken(`${strays} columns are in no inventory, and the check does not say so`, tables + columns)
  return holds(
    `${tables} tables and ${columns} columns, each with its class and its line in the inventory`,
    tables + columns,
  )
}

export async function readServerPatch(bench: Bench): Promise<Outcome> {
  const [row] = await bench.catalogue<{ version: string; floor: string; patched: boolean }>(
    'select version, floor, patched from holdfast.server_patch()',
  )
  if (row === undefined) return inconclusive('the server told no version')
  return row.patched
    ? holds(`PostgreSQL ${row.version}; the fixes known to this version of Holdfast came with ${row.floor}`, 1)
    : broken(`PostgreSQL ${row.version} lacks security fixes that came with ${row.floor}`, 1)
}

function line({ grantee, kind, object, privilege }: Grant): string {
  return `${grantee} · ${kind} · ${object} · ${privilege}`
}

function list(found: readonly string[]): string {
  return found.length > 5 ? `${found.slice(0, 5).join('; ')}; and ${found.length - 5} more` : found.join('; ')
}
