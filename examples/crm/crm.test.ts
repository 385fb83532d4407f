import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startWorld, type World } from '../../test/world/world.ts'
import { crm } from './crm.ts'
import { writeCsv } from './csv.ts'

type Firm = Awaited<ReturnType<World['joinWithOrganisation']>>
// biome-ignore lint/suspicious/noExplicitAny: what the tests read is what they check
type Body = any

let world: World
let ada: Firm
let bob: Firm

beforeAll(async () => {
  world = await startWorld({ product: crm, superuser: inject('superuser') })
  // Some of these tests read a hundred pages in a second; limits have their own.
  world.weaken('rate-limits/off')
  ada = await world.joinWithOrganisation('Ada')
  bob = await world.joinWithOrganisation('Bob')
})
afterAll(() => world?.stop())

interface Sent {
  readonly as?: Firm
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** Calls a route of the product in the caller's own organisation. */
async function call(method: string, path: string, { as = ada, body, headers }: Sent = {}) {
  const response = await world.fetch(`/api/o/${as.organisation}${path}`, {
    method,
    body,
    cookie: as.cookie,
    ...(headers ? { headers } : {}),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as Body }
}

const absent = '0198c0de-0000-7000-8000-000000000000'
const person = { name: 'Ada Lovelace', email: '', phone: '', jobTitle: '', note: '', companyId: null }
const firm = { name: 'Analytical Engines', website: '', note: '' }
const newContact = async (some: Partial<typeof person> | { companyId: string } = {}, as = ada) =>
  (await call('POST', '/contacts', { as, body: { ...person, ...some } })).body
const newCompany = async (name: string, as = ada) =>
  (await call('POST', '/companies', { as, body: { ...firm, name } })).body
const upload = (file: string | Uint8Array, as = ada, name = 'contacts.csv') =>
  call('POST', `/imports?name=${encodeURIComponent(name)}`, {
    as,
    body: typeof file === 'string' ? new TextEncoder().encode(file) : file,
    headers: { 'content-type': 'text/csv' },
  })
/** All names that a search finds, page by page. */
async function found(q: string, as = ada): Promise<string[]> {
  const names: string[] = []
  let cursor = ''
  do {
    const { body } = await call('GET', `/contacts?q=${encodeURIComponent(q)}${cursor && `&cursor=${cursor}`}`, { as })
    names.push(...body.contacts.map((contact: Body) => contact.name))
    cursor = body.next ?? ''
  } while (cursor !== '')
  return names
}

describe('contacts', () => {
  test('are made, read, changed and deleted', async () => {
    const company = await newCompany('Analytical Engines')
    const made = await call('POST', '/contacts', {
      body: { ...person, email: ' Ada@Example.org ', note: 'one\r\ntwo', companyId: company.id },
    })
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'Ada Lovelace', email: 'Ada@Example.org', note: 'one\ntwo', version: 1, updatedBy: 'Ada' },
    })
    const { id } = made.body
    const read = await call('GET', `/contacts/${id}`)
    expect(read.body).toMatchObject({ id, companyId: company.id, companyName: 'Analytical Engines', updatedBy: 'Ada' })
    const edited = await call('PUT', `/contacts/${id}`, { body: { ...person, name: 'Ada King', version: 1 } })
    expect(edited).toMatchObject({ status: 200, body: { name: 'Ada King', companyId: null, version: 2 } })
    expect((await call('DELETE', `/contacts/${id}?version=1`)).status).toBe(409)
    expect((await call('DELETE', `/contacts/${id}?version=2`)).status).toBe(204)
    expect((await call('GET', `/contacts/${id}`)).status).toBe(404)
  })

  test('made twice with one key are one', async () => {
    const headers = { 'idempotency-key': 'twice-the-same' }
    const body = { ...person, name: 'Only Once' }
    const [one, other] = await Promise.all([
      call('POST', '/contacts', { body, headers }),
      call('POST', '/contacts', { body, headers }),
    ])
    expect(one.body.id).toBe(other.body.id)
    expect(await found('only once')).toEqual(['Only Once'])
  })

  test('a late edit changes nothing, and learns who was first', async () => {
    const { id } = await newContact({ name: 'Late' })
    await call('PUT', `/contacts/${id}`, { body: { ...person, name: 'First', version: 1 } })
    const late = await call('PUT', `/contacts/${id}`, { body: { ...person, name: 'Second', version: 1 } })
    expect(late).toMatchObject({
      status: 409,
      body: { code: 'crm/changed-meanwhile', current: { id, name: 'First', version: 2, updatedBy: 'Ada' } },
    })
    expect((await call('GET', `/contacts/${id}`)).body.name).toBe('First')
  })

  test('of ten edits at once exactly one is kept', async () => {
    const { id } = await newContact({ name: 'Race' })
    const edits = Array.from({ length: 10 }, (_, index) =>
      call('PUT', `/contacts/${id}`, { body: { ...person, name: `Racer ${index}`, version: 1 } }),
    )
    const answers = await Promise.all(edits)
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)])
    const winner = answers.find(({ status }) => status === 200)!.body.name
    expect((await call('GET', `/contacts/${id}`)).body).toMatchObject({ name: winner, version: 2 })
  })

  test.each([
    ['name', ['', ' ', 'x'.repeat(201), 'a\u0007b']],
    ['email', ['ada', 'a@b', 'a b@example.org', '<a@example.org>', `${'x'.repeat(250)}@example.org`]],
    ['phone', ['1'.repeat(51)]],
    ['companyId', ['', 'x', absent.toUpperCase().slice(1)]],
    ['unknown', ['x']],
  ])('a %s that cannot be is refused by its name', async (field, values) => {
    for (const value of [...values, 0, 1, -1, true, [], {}, ...(field === 'companyId' ? [] : [null])]) {
      const { status, body } = await call('POST', '/contacts', { body: { ...person, [field]: value } })
      expect([status, body.fields?.[0]?.pointer]).toEqual([400, `/body/${field}`])
    }
  })
})

describe('what belongs to another organisation', () => {
  test('is as if it were not there', async () => {
    const contact = await newContact({ name: 'Secret' })
    const company = await newCompany('Secret Ltd')
    const file = (await upload('name\nSecret')).body
    const without = ({ status, body: { requestId: _, ...body } }: { status: number; body: Body }) => ({ status, body })
    const asked = (id: (thing: { id: string }) => string) => [
      call('GET', `/contacts/${id(contact)}`, { as: bob }),
      call('PUT', `/contacts/${id(contact)}`, { as: bob, body: { ...person, version: 1 } }),
      call('DELETE', `/contacts/${id(contact)}?version=1`, { as: bob }),
      call('GET', `/companies/${id(company)}`, { as: bob }),
      call('PUT', `/companies/${id(company)}`, { as: bob, body: { ...firm, name: 'Bob & Co', version: 1 } }),
      call('DELETE', `/companies/${id(company)}?version=1`, { as: bob }),
      call('POST', '/contacts', { as: bob, body: { ...person, companyId: id(company) } }),
      call('GET', `/imports/${id(file)}`, { as: bob }),
      call('PUT', `/imports/${id(file)}/mapping`, { as: bob, body: { mapping: ['name'], duplicates: 'skip' } }),
      call('POST', `/imports/${id(file)}/start`, { as: bob, body: {} }),
      call('DELETE', `/imports/${id(file)}`, { as: bob }),
    ]
    const foreign = (await Promise.all(asked(({ id }) => id))).map(without)
    const missing = (await Promise.all(asked(() => absent))).map(without)
    expect(foreign).toEqual(missing)
    for (const { status } of foreign) expect(status).toBe(404)
    expect(await found('secret', bob)).toEqual([])
    expect((await call('GET', '/contacts.csv', { as: bob })).body).not.toContain('Secret')
    // The same name of a company in two organisations is no conflict, and tells nobody anything.
    expect((await call('POST', '/companies', { as: bob, body: { ...firm, name: 'Secret Ltd' } })).status).toBe(201)
  })
})

describe('companies', () => {
  test('share no name, however it is written', async () => {
    const { id } = await newCompany('Café Noir')
    const again = await call('POST', '/companies', { body: { ...firm, name: ' CAFE  noir ' } })
    expect(again).toMatchObject({
      status: 409,
      body: { code: 'crm/company-exists', existing: { id }, fields: [{ pointer: '/body/name' }] },
    })
    const other = await newCompany('Other')
    const renamed = await call('PUT', `/companies/${other.id}`, { body: { ...firm, name: 'cafe noir', version: 1 } })
    expect(renamed).toMatchObject({ status: 409, body: { existing: { id } } })
  })

  test('made at once by ten people are one', async () => {
    const made = await Promise.all(
      Array.from({ length: 10 }, () => call('POST', '/companies', { body: { ...firm, name: 'Stampede' } })),
    )
    expect(made.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(made.filter(({ status }) => status === 409)).toHaveLength(9)
  })

  test('keep their contacts findable under a new name, and leave them behind', async () => {
    const company = await newCompany('Oldname Works')
    const contact = await newContact({ name: 'Employee', companyId: company.id })
    expect(await found('oldn empl')).toEqual(['Employee'])
    await call('PUT', `/companies/${company.id}`, { body: { ...firm, name: 'Newname Works', version: 1 } })
    expect(await found('oldn')).toEqual([])
    expect(await found('newn')).toEqual(['Employee'])
    expect((await call('DELETE', `/companies/${company.id}?version=2`)).status).toBe(204)
    const left = (await call('GET', `/contacts/${contact.id}`)).body
    expect(left).toMatchObject({ companyId: null, companyName: null, version: 1 })
    expect(await found('newn')).toEqual([])
  })
})

describe('lists', () => {
  const first = ['Ada', 'Édith', 'Zoë', 'Jürgen', 'Mary', 'Nils', 'Alan']
  const last = ['Lovelace', "O'Brien", 'García', 'Noether', 'Hopper']
  const everybody = Array.from({ length: 4200 }, (_, index) => ({
    name: `${first[index % 7]} ${last[index % 5]} ${index}`,
    email: `p${index}@${index % 3 ? 'example.org' : 'zoo.example'}`,
    company: `${index % 2 ? 'Bay' : 'Cape'} ${index % 40}`,
  }))
  let many: Firm

  beforeAll(async () => {
    many = await world.joinWithOrganisation('Many')
    const rows = everybody.map(({ name, email, company }) => [name, email, company])
    await importAll(writeCsv([['Name', 'E-mail', 'Company'], ...rows]), many)
  })

  /** What a search must find, by looking at everybody. */
  function expected(q: string): string[] {
    const plain = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
    const typed = plain(q).split(' ')
    const isLed = (name: string) => typed.some((word) => plain(name).startsWith(word))
    const byName = (one: string, other: string) => (plain(one) < plain(other) ? -1 : 1)
    const names = everybody
      .filter(({ name, email, company }) => {
        const text = plain([name, email, company].join(' '))
        const words = text.split(' ').flatMap((word) => [word, ...word.split(/[^a-z0-9]+/)])
        return typed.every((word) => words.some((found) => found.startsWith(word)))
      })
      .map(({ name }) => name)
    return [...names.filter(isLed).sort(byName), ...names.filter((name) => !isLed(name)).sort(byName)]
  }

  // The last ones are frequent (over 2,000 hits): they are read in the other way.
  test.each([
    'ada',
    'lovelace 35',
    "o'b",
    'brien',
    'p4199@',
    'zo',
    'cape 12',
    '12',
    'nobody',
    'p',
    'example',
    'p zo',
    'o p',
  ])('a search for «%s» finds everybody that it means, once and in order', async (q) => {
    expect(await found(q, many)).toEqual(expected(q))
  })

  test('a page goes on where the last one ended, although rows came and went', async () => {
    const page = (await call('GET', '/contacts', { as: many })).body
    expect(page.contacts).toHaveLength(50)
    const last = page.contacts.at(-1)
    const opened = (await call('GET', `/contacts/${last.id}`, { as: many })).body
    await call('DELETE', `/contacts/${last.id}?version=${opened.version}`, { as: many })
    const before = await newContact({ name: '!!! before everybody' }, many)
    const next = (await call('GET', `/contacts?cursor=${page.next}`, { as: many })).body
    const shown = [...page.contacts, ...next.contacts].map((contact: Body) => contact.id)
    expect(new Set(shown).size).toBe(100)
    expect(shown).not.toContain(before.id)
  })

  test.each([
    ['another list', '/companies?cursor='],
    ['another search', '/contacts?q=ada&cursor='],
  ])('a cursor of %s is refused by its name', async (_, path) => {
    const { next } = (await call('GET', '/contacts', { as: many })).body
    const refused = await call('GET', `${path}${next}`, { as: many })
    expect(refused).toMatchObject({ status: 400, body: { fields: [{ pointer: '/query/cursor' }] } })
    for (const broken of ['x', 'e30', next.slice(0, -9), 'x'.repeat(5000)])
      expect((await call('GET', `/contacts?cursor=${broken}`, { as: many })).status).toBe(400)
  })

  test('a list is read in the order of an index, and a search looks words up in one, under the policies', async () => {
    const planOf = (q: string) => {
      const input = { params: undefined, query: { q }, body: undefined }
      const { text, values } = crm.routes.listContacts.statement(input) as Body
      return explained(many, text, values)
    }
    expect(await planOf('')).toMatch(/Index Scan using contact_by_name/)
    expect(await planOf('')).not.toMatch(/Sort/)
    for (const q of ['ada', 'p', 'cape 12']) {
      const plan = await planOf(q)
      expect(plan).toMatch(/Index Only Scan using contact_term_pkey/)
      expect(plan).toMatch(/Index Scan using contact_by_name/)
      expect(plan).not.toMatch(/Seq Scan on (contact|contact_term)\b/)
    }
  })
})

/** The plan that the app's role gets inside the organisation. */
async function explained(as: Firm, text: string, values: unknown[]): Promise<string> {
  const context = `h${as.organisation.replaceAll('-', '')}${as.person.replaceAll('-', '')}00`
  const literal = (value: unknown) =>
    typeof value === 'string'
      ? `'${value.replaceAll("'", "''")}'`
      : typeof value === 'boolean'
        ? `'${value}'`
        : String(value)
  const types = values.map(() => 'unknown').join(', ')
  const plan = await world.superuser(`
    analyze;
    set backtrace_functions = '${context}';
    set session authorization holdfast_app;
    set random_page_cost = 1.1;
    prepare asked (${types}) as ${text};
    explain execute asked (${values.map(literal).join(', ')})`)
  return plan.map((row) => row['QUERY PLAN']).join('\n')
}

/** Uploads, checks, starts and waits. Answers with the import as it ended. */
async function importAll(file: string | Uint8Array, as: Firm, duplicates = 'skip'): Promise<Body> {
  const { id, mapping } = (await upload(file, as)).body
  const checked = await call('PUT', `/imports/${id}/mapping`, { as, body: { mapping, duplicates } })
  expect(checked.status).toBe(200)
  expect((await call('POST', `/imports/${id}/start`, { as, body: {} })).status).toBe(202)
  return waitFor(id, as)
}

async function waitFor(id: string, as: Firm): Promise<Body> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const { body } = await call('GET', `/imports/${id}`, { as })
    if (body.import.state === 'done') return body
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the import did not end within 30 seconds')
}

/** How many files and rows wait in Ada's organisation. */
async function staged(): Promise<Body> {
  const [counted] = await world.superuser(
    `select (select count(*) from app.import where organisation_id = $1) as files,
            (select count(*) from app.import_row where organisation_id = $1) as rows`,
    [ada.organisation],
  )
  return counted
}

describe('imports', () => {
  test('a file of Google Contacts, from the upload to the list', async () => {
    const as = await world.joinWithOrganisation('Importer')
    const header = 'First Name,Last Name,Organization Name,Organization Title,Notes,E-mail 1 - Value,Phone 1 - Value'
    const uploaded = await upload(
      `\ufeff${header}\r\nAda,Lovelace,"Engines, Ltd",Analyst,"two\nlines",ada@example.org,+44 1\r\n,,,,,broken,\r\nGrace,Hopper\r\n`,
      as,
    )
    expect(uploaded).toMatchObject({
      status: 201,
      body: {
        fileName: 'contacts.csv',
        rowCount: 3,
        state: 'uploaded',
        mapping: ['given-name', 'family-name', 'company', 'job-title', 'note', 'email', 'phone'],
      },
    })
    const { id, mapping } = uploaded.body
    expect((await call('POST', `/imports/${id}/start`, { as, body: {} })).body.code).toBe('crm/import-unmapped')
    const checked = await call('PUT', `/imports/${id}/mapping`, { as, body: { mapping, duplicates: 'skip' } })
    expect(checked.body).toMatchObject({
      good: 1,
      duplicate: 0,
      faulty: 2,
      faults: [
        { line: 4, reason: 'E-mail must be an email address such as ada@example.org.' },
        { line: 5, reason: 'The row has 2 cells where the header has 7.' },
      ],
    })
    expect(await found('', as)).toEqual([])
    await call('POST', `/imports/${id}/start`, { as, body: {} })
    const done = await waitFor(id, as)
    expect(done.import).toMatchObject({ created: 1, updated: 0, skipped: 0, failed: 2, state: 'done' })
    expect(done.failed.map((row: Body) => row.line)).toEqual([4, 5])
    const { contacts } = (await call('GET', '/contacts?q=engines', { as })).body
    expect(contacts).toMatchObject([{ name: 'Ada Lovelace', companyName: 'Engines, Ltd', jobTitle: 'Analyst' }])
    const listed = (await call('GET', '/imports', { as })).body.imports
    expect(listed).toMatchObject([{ id, state: 'done' }])
    expect((await call('PUT', `/imports/${id}/mapping`, { as, body: { mapping, duplicates: 'skip' } })).status).toBe(
      409,
    )
    expect((await call('DELETE', `/imports/${id}`, { as })).status).toBe(204)
    expect(await found('', as)).toEqual(['Ada Lovelace'])
  })

  test('10,000 rows within ten seconds; what is exported comes back the same', async () => {
    const as = await world.joinWithOrganisation('Ten Thousand')
    const rows = Array.from({ length: 10_000 }, (_, index) => [
      `Person ${index}`,
      `p${index}@example.org`,
      `+44 ${index}`,
      `Company ${index % 500}`,
      'Engineer',
      index % 10 ? '=1+1' : 'a note\nof two lines',
    ])
    const header = ['Name', 'E-mail', 'Phone', 'Company', 'Job title', 'Note']
    const started = performance.now()
    const { import: done } = await importAll(writeCsv([header, ...rows]), as)
    const seconds = (performance.now() - started) / 1000
    expect(done).toMatchObject({ created: 10_000, skipped: 0, failed: 0 })
    expect(seconds).toBeLessThan(10)

    const exported = await call('GET', '/contacts.csv', { as })
    expect(exported.headers.get('content-disposition')).toContain('contacts.csv')
    // What fetch gives as text has lost its byte order mark.
    for (const line of exported.body.split('\r\n').slice(1)) expect(line).not.toMatch(/(^|,|")[=+\-@]/)
    const other = await world.joinWithOrganisation('Other Ten Thousand')
    expect((await importAll(exported.body, other)).import).toMatchObject({ created: 10_000, failed: 0 })
    expect((await call('GET', '/contacts.csv', { as: other })).body).toBe(exported.body)
    const again = await importAll(exported.body, as)
    expect(again.import).toMatchObject({ created: 0, skipped: 10_000 })
    expect(again.skipped[0]).toEqual({ line: 2, reason: 'p0@example.org is there already.' })
  }, 60_000)

  test('duplicates are left out, merged or made, as was asked', async () => {
    const as = await world.joinWithOrganisation('Duplicates')
    await newContact({ name: 'Ada', email: 'Ada@example.org', phone: '1' }, as)
    const file =
      'Name,E-mail,Job title,Company\n,ADA@example.org,Countess,\nGrace,grace@example.org,,Navy\nG. Hopper,grace@example.org,Admiral,\n'
    const { id, mapping } = (await upload(file, as)).body
    const checked = await call('PUT', `/imports/${id}/mapping`, { as, body: { mapping, duplicates: 'skip' } })
    expect(checked.body).toMatchObject({ good: 3, duplicate: 2, faulty: 0 })

    expect((await importAll(file, as, 'skip')).import).toMatchObject({ created: 1, skipped: 2 })
    expect((await importAll(file, as, 'update')).import).toMatchObject({ created: 0, updated: 3 })
    const { contacts } = (await call('GET', '/contacts', { as })).body
    expect(contacts).toMatchObject([
      { name: 'Ada', email: 'ADA@example.org', phone: '1', jobTitle: 'Countess' },
      { name: 'G. Hopper', jobTitle: 'Admiral', companyName: 'Navy' },
    ])
    expect((await importAll(file, as, 'create')).import).toMatchObject({ created: 3 })
  })

  test('a worker that fails in the middle loses nothing and does nothing twice', async () => {
    const as = await world.joinWithOrganisation('Crash')
    await world.superuser(`
      create function app.stumble() returns trigger language plpgsql as
        $$ begin if new.name = 'Person 1500' then raise 'stumbled'; end if; return new; end $$;
      create trigger stumble before insert on app.contact for each row execute function app.stumble()`)
    const rows = Array.from({ length: 2500 }, (_, index) => [`Person ${index}`])
    const { id } = (await upload(writeCsv([['Name'], ...rows]), as)).body
    await call('PUT', `/imports/${id}/mapping`, { as, body: { mapping: ['name'], duplicates: 'skip' } })
    await call('POST', `/imports/${id}/start`, { as, body: {} })
    const stumbled = async () =>
      (await world.superuser('select last_error from holdfast.job where last_error is not null')).length > 0
    for (let attempt = 0; attempt < 200 && !(await stumbled()); attempt++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await stumbled()).toBe(true)
    expect((await call('GET', `/imports/${id}`, { as })).body.import).toMatchObject({ state: 'running', created: 1000 })
    await world.superuser('drop trigger stumble on app.contact; drop function app.stumble()')
    // Nobody waits a minute in a test for what a person may do after one; and a job more does no harm.
    await world.superuser(`
      set session_replication_role = replica;
      update app.import set progressed_at = now() - interval '2 minutes' where id = '${id}'`)
    await Promise.all([1, 2, 3].map(() => call('POST', `/imports/${id}/start`, { as, body: {} })))
    expect((await waitFor(id, as)).import).toMatchObject({ created: 2500, failed: 0 })
    const names = await found('', as)
    expect(names).toHaveLength(2500)
    expect(new Set(names).size).toBe(2500)
  })

  test('two imports of the same file at once make each company once', async () => {
    const as = await world.joinWithOrganisation('Twice')
    const file = writeCsv([
      ['Name', 'Company'],
      ...Array.from({ length: 500 }, (_, index) => [`P ${index}`, `C ${index % 50}`]),
    ])
    await Promise.all([importAll(file, as, 'create'), importAll(file, as, 'create')])
    const companies = (await call('GET', '/companies', { as })).body
    expect(companies.contacts ?? companies.companies).toHaveLength(50)
    expect(companies.next).toBeNull()
    expect(await found('', as)).toHaveLength(1000)
  })

  test.each([
    ['nothing', '', 'The file is empty.'],
    ['an open quote', 'name\n"x', 'A quote that opens in the row on line 2 never closes.'],
    ['a workbook', 'PK\u0003\u0004', 'This is a spreadsheet workbook. Save it as CSV and try again.'],
  ])('%s is refused, and stays nowhere', async (_, file, reason) => {
    const before = await staged()
    const refused = await upload(file)
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'crm/file-unreadable', fields: [{ pointer: '/body', reason }] },
    })
    expect(await staged()).toEqual(before)
  })

  test('what goes wrong late in a file leaves no rows behind', async () => {
    const before = await staged()
    const refused = await upload(`name\n${'x\n'.repeat(3000)}"open`)
    expect(refused.body.fields[0].reason).toBe('A quote that opens in the row on line 3002 never closes.')
    expect(await staged()).toEqual(before)
  })

  test('too large is 413, another type 415', async () => {
    expect((await upload(new Uint8Array(20 * 1024 * 1024 + 1).fill(97))).status).toBe(413)
    const typed = await call('POST', '/imports', { body: '{}', headers: { 'content-type': 'application/json' } })
    expect(typed.status).toBe(415)
  })

  test.each([
    [['name', 'name'], 400],
    [['ignore', 'phone'], 400],
    [['name'], 422],
    [['name', 'email', 'note'], 422],
    ['name', 400],
  ])('a mapping %j for two columns is refused with %i', async (mapping, status) => {
    const { id } = (await upload('a,b\n1,2')).body
    const refused = await call('PUT', `/imports/${id}/mapping`, { body: { mapping, duplicates: 'skip' } })
    expect([refused.status, refused.body.fields[0].pointer.startsWith('/body/mapping')]).toEqual([status, true])
  })

  test('NUL characters and half characters in a file are faults of their rows', async () => {
    const as = await world.joinWithOrganisation('Nul')
    const done = await importAll(Buffer.from('Name,Note\nA\0da,x\nGrace,y\nJürgen\ud800,z\n'), as)
    expect(done.import).toMatchObject({ created: 2, failed: 1 })
    expect(done.failed).toEqual([{ line: 2, reason: 'A cell holds a NUL character.' }])
  })
})

test('nothing above was unforeseen', () => {
  const unforeseen = world.failures.filter(({ error }) => !String(error).includes('stumbled'))
  expect(unforeseen).toEqual([])
  expect(world.requests.filter(({ status }) => status >= 500)).toEqual([])
})
