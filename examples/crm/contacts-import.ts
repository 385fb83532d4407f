import { type Job, newId, notFound, Refusal, read, type Statement, sql, type Transaction, write } from 'holdfast'
import { z } from 'zod'
import {
  type ChunkPlan,
  type Draft,
  type Duplicates,
  planChunk,
  type Rejected,
  type StagedRow,
} from './contacts-merge.ts'
import { csvLimits, openCsv, UnreadableCsv } from './csv.ts'
import { count, id, line } from './fields.ts'
import { files, reading, writing } from './limits.ts'
import { guessMapping, mappingSchema, type Target, targets, toContact } from './mapping.ts'
import { fileUnreadable, importRunning, importUnmapped, mappingMisfit } from './refusals.ts'
import { fold, sortNameOf, wordsOf } from './words.ts'

const chunkRows = 1_000
const shownRows = 20
const shownFaults = 100

const duplicates = z.enum(['skip', 'update', 'create'])
const one = z.strictObject({ import: id })

const state = z.strictObject({
  id,
  fileName: z.string(),
  columns: z.array(z.string()),
  /** Rows below the header. */
  rowCount: count,
  state: z.enum(['uploaded', 'mapped', 'running', 'done']),
  /** What each column holds: guessed at first. */
  mapping: z.array(z.enum(targets)),
  /** What becomes of a row whose email address is there already, in the file or among the contacts. */
  duplicates,
  created: count,
  updated: count,
  skipped: count,
  failed: count,
  uploadedAt: z.string(),
  /** When a row was last tried. One that is running and stays behind may be started again. */
  progressedAt: z.string(),
})
const reasonOfRow = z.strictObject({ line: count, reason: z.string() })

type ImportState = z.output<typeof state>
type Reason = z.output<typeof reasonOfRow>

const columns = sql`i.id, i.file_name as "fileName", i.columns, i.row_count as "rowCount", i.state, i.mapping, i.duplicates,
  i.created, i.updated, i.skipped, i.failed, i.uploaded_at as "uploadedAt", i.progressed_at as "progressedAt"`

export const listImports = read({
  method: 'GET',
  path: '/api/o/:organisation/imports',
  summary: 'The last twenty imports, newest first',
  needs: 'contacts.write',
  limit: reading,
  response: z.strictObject({ imports: z.array(state) }),
  statement: () => sql<ImportState>`select ${columns} from app.import i order by i.uploaded_at desc limit 20`,
  answer: (imports) => ({ imports }),
})

export const uploadImport = write({
  method: 'POST',
  path: '/api/o/:organisation/imports',
  summary: 'Takes a CSV file in and guesses what its columns hold; nothing is imported yet',
  needs: 'contacts.write',
  limit: files,
  idempotent: true,
  query: z.strictObject({ name: line(200).default('') }),
  upload: { types: ['text/csv'], maxBytes: csvLimits.bytes },
  response: state,
  run: async (transaction, { query, file }) => {
    const csv = readable(() => openCsv(file))
    // What is kept is bounded in time and in number; contacts that an import brought stay.
    await transaction(sql`
      delete from app.import where uploaded_at < now() - interval '30 days'
          or id in (select id from app.import where state <> 'running' order by uploaded_at desc offset 19)`)
    const [made] = await transaction(sql<{ id: string }>`
      insert into app.import (id, file_name, columns, mapping, row_count)
      values (${newId()}, ${query.name}, ${csv.columns}, ${guessMapping(csv.columns)}, 0) returning id`)
    for (let batch = next(csv.batches); batch; batch = next(csv.batches))
      await transaction(sql`
        insert into app.import_row (import_id, line, cells, state, reason)
        select ${made!.id}, line, cells, case when fault is null then 'waiting' else 'failed' end, coalesce(fault, '')
          from jsonb_to_recordset(${JSON.stringify(batch)}::jsonb) as row (line integer, cells jsonb, fault text)`)
    const [staged] = await transaction(sql<ImportState>`
      update app.import as i set row_count = r.rows, failed = r.failed
        from (select count(*) as rows, count(*) filter (where state = 'failed') as failed
                from app.import_row where import_id = ${made!.id}) r
       where i.id = ${made!.id} returning ${columns}`)
    return { status: 201, body: staged! }
  },
})

export const readImport = read({
  method: 'GET',
  path: '/api/o/:organisation/imports/:import',
  summary: 'How far an import is, its first rows while it waits, and the first rows that were not used',
  needs: 'contacts.write',
  limit: reading,
  params: one,
  response: z.strictObject({
    import: state,
    sample: z.array(z.strictObject({ line: count, cells: z.array(z.string()) })),
    failed: z.array(reasonOfRow),
    skipped: z.array(reasonOfRow),
  }),
  statement: ({ params }) => sql<
    ImportState & { sample: { line: number; cells: string[] }[]; failedRows: Reason[]; skippedRows: Reason[] }
  >`
    select ${columns}, ${rowsAs(sql`line, cells`, sql`true`, shownRows)} as sample,
           ${rowsAs(sql`line, reason`, sql`state = 'failed'`, shownFaults)} as "failedRows",
           ${rowsAs(sql`line, reason`, sql`state = 'skipped'`, shownFaults)} as "skippedRows"
      from app.import i where i.id = ${params.import}`,
  answer: ([found]) => {
    if (!found) throw notFound()
    const { sample, failedRows, skippedRows, ...rest } = found
    return { import: rest, sample, failed: failedRows, skipped: skippedRows }
  },
})

export const mapImport = write({
  method: 'PUT',
  path: '/api/o/:organisation/imports/:import/mapping',
  summary: 'Says what each column holds, and tries all rows without importing them',
  needs: 'contacts.write',
  limit: files,
  params: one,
  body: z.strictObject({ mapping: mappingSchema, duplicates }),
  response: z.strictObject({
    import: state,
    /** Rows that can be used as they are. */
    good: count,
    /** Of these, rows whose email address is there already. */
    duplicate: count,
    faulty: count,
    /** The first 100 of them. */
    faults: z.array(reasonOfRow),
  }),
  run: async (transaction, { params, body }) => {
    const [mapped] = await transaction(sql<ImportState>`
      update app.import as i set mapping = ${body.mapping}, duplicates = ${body.duplicates}, state = 'mapped'
       where id = ${params.import} and state in ('uploaded', 'mapped') returning ${columns}`)
    if (!mapped) throw await whyNot(transaction, params.import)
    if (mapped.columns.length !== body.mapping.length) {
      const reason = `must have ${mapped.columns.length} entries, one for each column`
      throw new Refusal(mappingMisfit, { fields: [{ pointer: '/body/mapping', reason }] })
    }
    return { body: { import: mapped, ...(await tryAll(transaction, params.import, body.mapping)) } }
  },
})

export const startImport = write({
  method: 'POST',
  path: '/api/o/:organisation/imports/:import/start',
  summary: 'Starts an import, once; or again, where it has stood still for a minute',
  needs: 'contacts.write',
  limit: writing,
  params: one,
  body: z.strictObject({}),
  response: state,
  run: async (transaction, { params }) => {
    const [started] = await transaction(sql<ImportState>`
      update app.import as i set state = 'running', progressed_at = now()
       where id = ${params.import}
         and (state = 'mapped' or state = 'running' and progressed_at < now() - interval '1 minute')
      returning ${columns}`)
    if (started) {
      await transaction(
        sql`select holdfast.enqueue('contacts-import', ${JSON.stringify({ import: params.import })}::jsonb)`,
      )
      return { status: 202, body: started }
    }
    const [found] = await transaction(
      sql<ImportState>`select ${columns} from app.import i where i.id = ${params.import}`,
    )
    if (!found) throw notFound()
    if (found.state === 'uploaded') throw new Refusal(importUnmapped)
    return { status: 202, body: found }
  },
})

export const deleteImport = write({
  method: 'DELETE',
  path: '/api/o/:organisation/imports/:import',
  summary: 'Throws a file away, with the rows that were not used. Contacts that it brought stay',
  needs: 'contacts.write',
  limit: writing,
  params: one,
  response: z.undefined(),
  run: async (transaction, { params }) => {
    const gone = await transaction(
      sql`delete from app.import where id = ${params.import} and state <> 'running' returning id`,
    )
    if (gone.length === 0) throw await whyNot(transaction, params.import)
    return { status: 204, body: undefined }
  },
})

/**
 * The next 1,000 rows of an import. The rows, the contacts made of them and the progress are one transaction: a crash
 * repeats the chunk from its beginning, and the lock on the import keeps two workers from taking the same one.
 */
export const contactsImport: Job = {
  needs: 'contacts.write',
  run: async (transaction, payload) => {
    const importId = z.object({ import: id }).parse(payload).import
    const [current] = await transaction(sql<{ mapping: Target[]; duplicates: Duplicates; lastLine: number }>`
      select mapping, duplicates, last_line as "lastLine" from app.import
       where id = ${importId} and state = 'running' for update`)
    if (!current) return 'done'
    const rows = await transaction(sql<StagedRow>`
      select line, cells from app.import_row
       where import_id = ${importId} and line > ${current.lastLine} and state = 'waiting' order by line limit ${chunkRows}`)
    const existing = await contactsWithAddresses(transaction, rows, current.mapping)
    const plan = planChunk(rows, current.mapping, current.duplicates, existing)
    await writeContacts(transaction, plan)
    await settleRows(transaction, importId, rows, plan.rejected)
    const isLast = rows.length < chunkRows
    const skipped = plan.rejected.filter((row) => row.state === 'skipped').length
    await transaction(sql`
      update app.import
         set last_line = ${rows.at(-1)?.line ?? current.lastLine}, state = ${isLast ? 'done' : 'running'}, progressed_at = now(),
             created = created + ${plan.created.length}, updated = updated + ${plan.updatingRows},
             skipped = skipped + ${skipped}, failed = failed + ${plan.rejected.length - skipped}
       where id = ${importId}`)
    return isLast ? 'done' : 'again'
  },
}

/** The contacts whose addresses stand in these rows, locked until they are written; the oldest one first. */
async function contactsWithAddresses(
  transaction: Transaction,
  rows: readonly StagedRow[],
  mapping: readonly Target[],
): Promise<Draft[]> {
  return transaction(sql<Draft>`
    select id, name, email, phone, job_title as "jobTitle", note, '' as company from app.contact
     where email_key = any (${addressesOf(rows, mapping)}::text[]) order by id for update`)
}

function addressesOf(rows: readonly StagedRow[], mapping: readonly Target[]): string[] {
  const read = rows.map(({ cells }) => toContact(cells, mapping))
  const addresses = read.map((row) => ('fault' in row ? '' : fold(row.contact.email)))
  return [...new Set(addresses)].filter((address) => address !== '')
}

async function writeContacts(transaction: Transaction, { created, updated }: ChunkPlan): Promise<void> {
  await createCompanies(transaction, [...created, ...updated])
  await transaction(sql`
    insert into app.contact (id, company_id, name, sort_name, email, email_key, phone, job_title, note, words)
    select r.id, k.id, r.name, r.sort_name, r.email, r.email_key, r.phone, r.job_title, r.note, r.words
      from ${asRows(created)} left join app.company k on k.sort_name = r.company`)
  await transaction(sql`
    update app.contact c
       set company_id = coalesce(k.id, c.company_id), name = r.name, sort_name = r.sort_name, email = r.email,
           email_key = r.email_key, phone = r.phone, job_title = r.job_title, note = r.note, words = r.words,
           version = c.version + 1, updated_at = now(), updated_by = holdfast.person()
      from ${asRows(updated)} left join app.company k on k.sort_name = r.company
     where c.id = r.id`)
}

/** Drafts as rows of a statement, under the alias `r`. */
function asRows(drafts: readonly Draft[]) {
  const rows = drafts.map(({ id, name, email, phone, jobTitle, note, company }) => ({
    ...{ id, name, email, phone, note, job_title: jobTitle },
    sort_name: sortNameOf(name),
    email_key: fold(email),
    words: wordsOf(name, email),
    company: company === '' ? null : sortNameOf(company),
  }))
  return sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (id uuid, name text, sort_name text, email text,
    email_key text, phone text, job_title text, note text, words text, company text)`
}

/** Those that are not there yet. The same name twice, also from two imports at once, is one company. */
async function createCompanies(transaction: Transaction, drafts: readonly Draft[]): Promise<void> {
  const names = new Map(
    drafts.filter(({ company }) => company !== '').map(({ company }) => [sortNameOf(company), company]),
  )
  if (names.size === 0) return
  const rows = [...names].map(([sort_name, name]) => ({ id: newId(), name, sort_name, words: wordsOf(name) }))
  await transaction(sql`
    insert into app.company (id, name, sort_name, words)
    select id, name, sort_name, words
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (id uuid, name text, sort_name text, words text)
     where not exists (select from app.company k where k.sort_name = r.sort_name)
     order by sort_name on conflict do nothing`)
}

/** Rows that were used are gone; the others stay, with the reason. */
async function settleRows(
  transaction: Transaction,
  importId: string,
  rows: readonly StagedRow[],
  rejected: readonly Rejected[],
): Promise<void> {
  if (rows.length === 0) return
  await transaction(sql`
    update app.import_row i set state = r.state, reason = r.reason
      from jsonb_to_recordset(${JSON.stringify(rejected)}::jsonb) as r (line integer, state text, reason text)
     where i.import_id = ${importId} and i.line = r.line`)
  await transaction(sql`
    delete from app.import_row
     where import_id = ${importId} and line between ${rows[0]!.line} and ${rows.at(-1)!.line} and state = 'waiting'`)
}

/** What would become of all rows, without writing one. */
async function tryAll(transaction: Transaction, importId: string, mapping: readonly Target[]) {
  const seen = new Set<string>()
  const found = { good: 0, duplicate: 0, faulty: 0, faults: [] as Reason[] }
  let rows: (StagedRow & { reason: string })[]
  let after = 0
  do {
    rows = await transaction(sql<StagedRow & { reason: string }>`
      select line, cells, reason from app.import_row
       where import_id = ${importId} and line > ${after} order by line limit ${chunkRows}`)
    const known = new Set(await knownAddresses(transaction, rows, mapping))
    for (const row of rows) {
      const read = row.reason === '' ? toContact(row.cells, mapping) : { fault: row.reason }
      if ('fault' in read) {
        if (++found.faulty <= shownFaults) found.faults.push({ line: row.line, reason: read.fault })
        continue
      }
      found.good++
      const address = fold(read.contact.email)
      if (address !== '' && (known.has(address) || seen.has(address))) found.duplicate++
      seen.add(address)
    }
    after = rows.at(-1)?.line ?? after
  } while (rows.length === chunkRows)
  return found
}

async function knownAddresses(transaction: Transaction, rows: readonly StagedRow[], mapping: readonly Target[]) {
  const known = await transaction(sql<{ address: string }>`
    select distinct email_key as address from app.contact where email_key = any (${addressesOf(rows, mapping)}::text[])`)
  return known.map(({ address }) => address)
}

/** Why an import is not to be changed: there is none, or it runs. */
async function whyNot(transaction: Transaction, importId: string): Promise<Refusal> {
  const found = await transaction(sql`select id from app.import where id = ${importId}`)
  return found.length === 0 ? notFound() : new Refusal(importRunning)
}

function rowsAs(columns: Statement<unknown>, condition: Statement<unknown>, most: number) {
  return sql`(select coalesce(jsonb_agg(to_jsonb(r) order by r.line), '[]'::jsonb) from (
    select ${columns} from app.import_row where import_id = i.id and ${condition} order by line limit ${most}) r)`
}

function next<T>(batches: Generator<T, void>): T | undefined {
  return readable(() => batches.next().value ?? undefined)
}

function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof UnreadableCsv)
      throw new Refusal(fileUnreadable, { fields: [{ pointer: '/body', reason: error.message }] })
    throw error
  }
}
