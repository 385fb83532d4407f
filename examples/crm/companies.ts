import { newId, notFound, Refusal, read, sql, type Transaction, write } from 'holdfast'
import { z } from 'zod'
import { listQuery, type Place, pageOf, readCursor } from './cursor.ts'
import { id, line, name, note, version, versionInQuery } from './fields.ts'
import { reading, writing } from './limits.ts'
import { changedMeanwhile, companyExists } from './refusals.ts'
import { type Searched, searchPage } from './search.ts'
import { afterPrefix, sortNameOf, wordsOf } from './words.ts'

const fields = { name, website: line(300), note }
const company = z.strictObject({
  id,
  ...fields,
  version,
  updatedAt: z.string(),
  /** Null where that person has left. */
  updatedBy: z.string().nullable(),
})
const one = z.strictObject({ company: id })

type Company = z.output<typeof company>

const columns = sql`c.id, c.name, c.website, c.note, c.version, c.updated_at as "updatedAt",
  (select m.name from holdfast.member m where m.person_id = c.updated_by) as "updatedBy"`

const companiesByWord: Searched = {
  from: sql`app.company c`,
  hits: (word) => sql`
    select t.company_id as id from app.company_term t where t.term >= ${word} and t.term < ${afterPrefix(word)}`,
  has: (word) => sql`strpos(' ' || c.words, ${` ${word}`}) > 0`,
}

export const listCompanies = read({
  method: 'GET',
  path: '/api/o/:organisation/companies',
  summary: 'Companies by name, or those with a word that begins with each word of `q`',
  needs: 'companies.read',
  limit: reading,
  query: listQuery('companies'),
  response: z.strictObject({
    companies: z.array(company.pick({ id: true, name: true, website: true })),
    next: z.string().nullable(),
  }),
  statement: ({ query }) =>
    searchPage<Place & Pick<Company, 'name' | 'website'>>(
      companiesByWord,
      sql`c.id, c.name, c.website, c.sort_name as "sortName"`,
      query.q,
      readCursor('companies', query.q, query.cursor)!,
    ),
  answer: (rows, { query }) => {
    const page = pageOf('companies', query.q, rows)
    return { companies: page.rows.map(({ sortName: _, rest: __, ...listed }) => listed), next: page.next }
  },
})

export const readCompany = read({
  method: 'GET',
  path: '/api/o/:organisation/companies/:company',
  summary: 'One company',
  needs: 'companies.read',
  limit: reading,
  params: one,
  response: company,
  statement: ({ params }) => sql<Company>`select ${columns} from app.company c where c.id = ${params.company}`,
  answer: ([found]) => {
    if (!found) throw notFound()
    return found
  },
})

export const createCompany = write({
  method: 'POST',
  path: '/api/o/:organisation/companies',
  summary: 'A new company',
  needs: 'companies.write',
  limit: writing,
  idempotent: true,
  body: z.strictObject(fields),
  response: company,
  run: async (transaction, { body }) => {
    const [made] = await transaction(sql<Company>`
      insert into app.company as c (id, name, sort_name, website, note, words)
      values (${newId()}, ${body.name}, ${sortNameOf(body.name)}, ${body.website}, ${body.note}, ${wordsOf(body.name)})
      on conflict (organisation_id, sort_name) do nothing returning ${columns}`)
    if (!made) throw await nameTaken(transaction, body.name)
    return { status: 201, body: made }
  },
})

export const editCompany = write({
  method: 'PUT',
  path: '/api/o/:organisation/companies/:company',
  summary: 'A company as it shall be, if it still has the version that was opened',
  needs: 'companies.write',
  limit: writing,
  params: one,
  body: z.strictObject({ ...fields, version }),
  response: company,
  run: async (transaction, { params, body }) => {
    const sortName = sortNameOf(body.name)
    const taken = await transaction(
      sql`select from app.company where sort_name = ${sortName} and id <> ${params.company}`,
    )
    if (taken.length > 0) throw await nameTaken(transaction, body.name)
    const [edited] = await transaction(sql<Company>`
      update app.company as c
         set name = ${body.name}, sort_name = ${sortName}, website = ${body.website}, note = ${body.note},
             words = ${wordsOf(body.name)}, version = version + 1, updated_at = now(), updated_by = holdfast.person()
       where id = ${params.company} and version = ${body.version} returning ${columns}`)
    return { body: edited ?? (await refuseChanged(transaction, params.company)) }
  },
})

export const deleteCompany = write({
  method: 'DELETE',
  path: '/api/o/:organisation/companies/:company',
  summary: 'Deletes a company, if it still has the version that was opened; its contacts stay',
  needs: 'companies.write',
  limit: writing,
  params: one,
  query: versionInQuery,
  response: z.undefined(),
  run: async (transaction, { params, query }) => {
    const gone = await transaction(
      sql`delete from app.company where id = ${params.company} and version = ${query.version} returning id`,
    )
    if (gone.length === 0) await refuseChanged(transaction, params.company)
    return { status: 204, body: undefined }
  },
})

async function refuseChanged(transaction: Transaction, company: string): Promise<never> {
  const [current] = await transaction(sql<Company>`select ${columns} from app.company c where c.id = ${company}`)
  throw current ? new Refusal(changedMeanwhile, { extra: { current } }) : notFound()
}

/** With the company that has the name. */
async function nameTaken(transaction: Transaction, name: string): Promise<Refusal> {
  const [existing] = await transaction(
    sql<{ id: string; name: string }>`select id, name from app.company where sort_name = ${sortNameOf(name)}`,
  )
  return new Refusal(companyExists, {
    fields: [{ pointer: '/body/name', reason: 'is the name of another company' }],
    extra: { existing: existing ?? null },
  })
}
