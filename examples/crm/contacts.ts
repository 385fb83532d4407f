import { newId, notFound, Refusal, read, sql, type Transaction, write } from 'holdfast'
import { z } from 'zod'
import { writeCsv } from './csv.ts'
import { listQuery, type Place, pageOf, readCursor } from './cursor.ts'
import { email, id, line, name, note, version, versionInQuery } from './fields.ts'
import { files, reading, writing } from './limits.ts'
import { changedMeanwhile, companyMissing } from './refusals.ts'
import { type Searched, searchPage } from './search.ts'
import { afterPrefix, fold, sortNameOf, wordsOf } from './words.ts'

/** What is noted of a contact, but for the company. */
export const contactFields = { name, email, phone: line(50), jobTitle: line(200), note }
const input = { ...contactFields, companyId: id.nullable() }
const contact = z.strictObject({
  id,
  ...input,
  companyName: z.string().nullable(),
  version,
  updatedAt: z.string(),
  /** Null where that person has left. */
  updatedBy: z.string().nullable(),
})
const one = z.strictObject({ contact: id })

type Contact = z.output<typeof contact>
type Listed = Pick<Contact, 'name' | 'email' | 'phone' | 'jobTitle' | 'companyId' | 'companyName'>

const listed = sql`c.id, c.name, c.email, c.phone, c.job_title as "jobTitle", c.company_id as "companyId",
  (select k.name from app.company k where k.id = c.company_id) as "companyName"`
const columns = sql`${listed}, c.note, c.version, c.updated_at as "updatedAt",
  (select m.name from holdfast.member m where m.person_id = c.updated_by) as "updatedBy"`

/** A contact has the words of its name and address, and those of its company. */
const contactsByWord: Searched = {
  from: sql`app.contact c`,
  hits: (word) => sql`
    select t.contact_id as id from app.contact_term t where ${begins(word)}
    union all
    select w.id from app.company_term t join app.contact w on w.company_id = t.company_id where ${begins(word)}`,
  has: (word) => sql`(strpos(' ' || c.words, ${` ${word}`}) > 0
    or c.company_id in (select t.company_id from app.company_term t where ${begins(word)}))`,
}

export const listContacts = read({
  method: 'GET',
  path: '/api/o/:organisation/contacts',
  summary: 'Contacts by name, or those with a word that begins with each word of `q`: in name, address or company',
  needs: 'contacts.read',
  limit: reading,
  query: listQuery('contacts'),
  response: z.strictObject({
    contacts: z.array(contact.omit({ note: true, version: true, updatedAt: true, updatedBy: true })),
    next: z.string().nullable(),
  }),
  statement: ({ query }) =>
    searchPage<Place & Listed>(
      contactsByWord,
      sql`${listed}, c.sort_name as "sortName"`,
      query.q,
      readCursor('contacts', query.q, query.cursor)!,
    ),
  answer: (rows, { query }) => {
    const page = pageOf('contacts', query.q, rows)
    return { contacts: page.rows.map(({ sortName: _, rest: __, ...shown }) => shown), next: page.next }
  },
})

export const readContact = read({
  method: 'GET',
  path: '/api/o/:organisation/contacts/:contact',
  summary: 'One contact',
  needs: 'contacts.read',
  limit: reading,
  params: one,
  response: contact,
  statement: ({ params }) => sql<Contact>`select ${columns} from app.contact c where c.id = ${params.contact}`,
  answer: ([found]) => {
    if (!found) throw notFound()
    return found
  },
})

export const createContact = write({
  method: 'POST',
  path: '/api/o/:organisation/contacts',
  summary: 'A new contact',
  needs: 'contacts.write',
  limit: writing,
  idempotent: true,
  body: z.strictObject(input),
  response: contact,
  run: async (transaction, { body }) => {
    await holdCompany(transaction, body.companyId)
    const [made] = await transaction(sql<Contact>`
      insert into app.contact as c
        (id, company_id, name, sort_name, email, email_key, phone, job_title, note, words)
      values (${newId()}, ${body.companyId}, ${body.name}, ${sortNameOf(body.name)}, ${body.email}, ${fold(body.email)},
              ${body.phone}, ${body.jobTitle}, ${body.note}, ${wordsOf(body.name, body.email)})
      returning ${columns}`)
    return { status: 201, body: made! }
  },
})

export const editContact = write({
  method: 'PUT',
  path: '/api/o/:organisation/contacts/:contact',
  summary: 'A contact as it shall be, if it still has the version that was opened',
  needs: 'contacts.write',
  limit: writing,
  params: one,
  body: z.strictObject({ ...input, version }),
  response: contact,
  run: async (transaction, { params, body }) => {
    await holdCompany(transaction, body.companyId)
    const [edited] = await transaction(sql<Contact>`
      update app.contact as c
         set company_id = ${body.companyId}, name = ${body.name}, sort_name = ${sortNameOf(body.name)},
             email = ${body.email}, email_key = ${fold(body.email)}, phone = ${body.phone}, job_title = ${body.jobTitle},
             note = ${body.note}, words = ${wordsOf(body.name, body.email)},
             version = version + 1, updated_at = now(), updated_by = holdfast.person()
       where id = ${params.contact} and version = ${body.version} returning ${columns}`)
    return { body: edited ?? (await refuseChanged(transaction, params.contact)) }
  },
})

export const deleteContact = write({
  method: 'DELETE',
  path: '/api/o/:organisation/contacts/:contact',
  summary: 'Deletes a contact, if it still has the version that was opened',
  needs: 'contacts.write',
  limit: writing,
  params: one,
  query: versionInQuery,
  response: z.undefined(),
  run: async (transaction, { params, query }) => {
    const gone = await transaction(
      sql`delete from app.contact where id = ${params.contact} and version = ${query.version} returning id`,
    )
    if (gone.length === 0) await refuseChanged(transaction, params.contact)
    return { status: 204, body: undefined }
  },
})

export const exportContacts = read({
  method: 'GET',
  path: '/api/o/:organisation/contacts.csv',
  summary: 'All contacts as CSV, in the columns that an import takes back',
  needs: 'contacts.read',
  limit: files,
  response: z.string(),
  download: { type: 'text/csv; charset=utf-8', fileName: 'contacts.csv' },
  statement: () =>
    sql<Listed & { note: string }>`select ${listed}, c.note from app.contact c order by c.sort_name, c.id`,
  answer: (rows) =>
    writeCsv([
      ['Name', 'E-mail', 'Phone', 'Company', 'Job title', 'Note'],
      ...rows.map((row) => [row.name, row.email, row.phone, row.companyName ?? '', row.jobTitle, row.note]),
    ]),
})

async function refuseChanged(transaction: Transaction, contact: string): Promise<never> {
  const [current] = await transaction(sql<Contact>`select ${columns} from app.contact c where c.id = ${contact}`)
  throw current ? new Refusal(changedMeanwhile, { extra: { current } }) : notFound()
}

/** Keeps the company until the contact stands. */
async function holdCompany(transaction: Transaction, company: string | null): Promise<void> {
  if (company === null) return
  const found = await transaction(sql`select id from app.company where id = ${company} for key share`)
  if (found.length > 0) return
  throw new Refusal(companyMissing, { fields: [{ pointer: '/body/companyId', reason: companyMissing.title }] })
}

function begins(word: string) {
  return sql`t.term >= ${word} and t.term < ${afterPrefix(word)}`
}
