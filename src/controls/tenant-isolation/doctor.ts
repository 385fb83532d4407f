import type { Login } from '../../platform/database/login.ts'
import { sql } from '../../platform/database/statement.ts'
import { manifest } from './manifest.ts'
import type { Grant } from './probe-catalogue.ts'

/** One thing about a database or its server that is not as it must be. Never a secret. */
export interface Complaint {
  /** Such as `rls-off` or `right-surplus`. */
  readonly code: string
  readonly object: string
  /** SQL for a superuser where SQL can mend it, else what to do. */
  readonly remedy: string
  /** Whether a start would be refused over it. */
  readonly stopsStart: boolean
}

export interface Examined {
  readonly complaints: readonly Complaint[]
  /** What was looked at: rights, memberships, settings and functions; tables; columns. */
  readonly rights: number
  readonly tables: number
  readonly columns: number
}

/**
 * Looks at one product's database as the auditor, who reads no tenant's row: ways around isolation, tables without a class,
 * tables that record nothing, every right against the manifest, settings of the server and other roles, the patch level.
 * Throws what the database says.
 */
export async function examineDatabase(auditor: Login): Promise<Examined> {
  const stopping = await auditor.query(sql<{ code: string; object: string; remedy: string }>`
    select 'unclassified' as code, object, remedy from holdfast.unclassified()
    union all select code, object, remedy from holdfast.weaknesses()`)
  const around = await auditor.query(sql<{ code: string; object: string; remedy: string }>`
    select code, object, remedy from holdfast.surroundings()
    union all select 'records-nothing', table_name || ': ' || missing, format('select holdfast.audit_table(%L);', table_name)
                from holdfast.unrecorded()
    union all select 'server-patch', version || ', and ' || floor || ' is the least that has all security fixes',
                     'update PostgreSQL to a newer minor version' from holdfast.server_patch() where not patched`)
  const live = await auditor.query(sql<Grant & { database: string }>`
    select grantee, kind, object, privilege, current_database() as database from holdfast.grants()`)
  const [size] = await auditor.query(sql<{ tables: number; columns: number }>`
    select (select count(*) from holdfast.table_class)::int as tables, (select count(*) from holdfast.column_inventory)::int as columns`)
  return {
    complaints: [
      ...stopping.map((one) => ({ ...one, stopsStart: true })),
      ...differences(live, live[0]?.database ?? '').map((one) => ({ ...one, stopsStart: false })),
      ...around.map((one) => ({ ...one, stopsStart: false })),
    ],
    rights: live.length,
    ...size!,
  }
}

function differences(live: readonly Grant[], database: string): Omit<Complaint, 'stopsStart'>[] {
  const [wanted, found] = [new Set(manifest.map(line)), new Set(live.map(line))]
  return [
    ...live.filter((grant) => !wanted.has(line(grant))).map((grant) => complaint('surplus', grant, database)),
    ...manifest.filter((grant) => !found.has(line(grant))).map((grant) => complaint('missing', grant, database)),
  ]
}

function complaint(what: 'surplus' | 'missing', grant: Grant, database: string): Omit<Complaint, 'stopsStart'> {
  return {
    code: grant.kind === 'body' ? 'function-changed' : `right-${what}`,
    object: line(grant),
    remedy: remedyOf(what, grant, database),
  }
}

function remedyOf(what: 'surplus' | 'missing', { grantee, kind, object, privilege }: Grant, database: string): string {
  const [right, option] = privilege.split(' WITH ')
  const change = (on: string) =>
    what === 'surplus'
      ? `revoke ${right} on ${on} from ${grantee};`
      : `grant ${right} on ${on} to ${grantee}${option === undefined ? '' : ` with ${option.toLowerCase()}`};`
  switch (kind) {
    case 'table':
    case 'function':
    case 'schema':
    case 'parameter':
    case 'language':
      return change(`${kind} ${object}`)
    case 'database':
      return change(`database "${database}"`)
    case 'column': {
      const [, table, column] = /^(.*)\.([^.]*)$/.exec(object)!
      const on = `${table} ${what === 'surplus' ? 'from' : 'to'} ${grantee};`
      return `${what === 'surplus' ? 'revoke' : 'grant'} ${right} (${column}) on ${on}`
    }
    case 'membership':
      return what === 'surplus' ? `revoke ${object} from ${grantee};` : `grant ${object} to ${grantee};`
    case 'attribute':
      return `alter role ${grantee} ${what === 'surplus' ? 'no' : ''}${privilege.toLowerCase()};`
    case 'setting': {
      const [name, value = ''] = privilege.split(/=(.*)/s)
      const where = object === 'everywhere' ? '' : ` in database "${database}"`
      return `alter role ${grantee}${where} ${what === 'surplus' ? `reset ${name}` : `set ${name} = '${value}'`};`
    }
    case 'body':
      return what === 'surplus'
        ? 'the function is not the one that this version brought: find out who changed it, and restore it from the migration that made it'
        : 'the function that this version brought is gone or was changed: restore it from the migration that made it'
    default:
      return 'holdfast migrate writes the foundation’s rights anew; what it leaves was made by somebody else'
  }
}

function line({ grantee, kind, object, privilege }: Grant): string {
  return `${grantee} · ${kind} · ${object} · ${privilege}`
}
