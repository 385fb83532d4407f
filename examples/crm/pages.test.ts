import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { flawsOf } from '../../test/world/flaws.ts'
import { startWorld, type World } from '../../test/world/world.ts'
import { buildConsole } from '../../tools/build-console.ts'
import { findLaunchOptions } from '../../tools/chromium.ts'
import { crm } from './crm.ts'

type Person = Awaited<ReturnType<World['joinWithOrganisation']>>

const consoleFolder = path.join(mkdtempSync(path.join(tmpdir(), 'crm-console-')), 'built')
const phone = { viewport: { width: 360, height: 740 } }

let world: World
let browser: Browser
const opened: { page: Page; complaints: string[] }[] = []

beforeAll(async () => {
  await buildConsole('crm', consoleFolder)
  world = await startWorld({ product: crm, superuser: inject('superuser'), consoleFolder })
  browser = await chromium.launch(await findLaunchOptions())
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await world?.stop()
  rmSync(path.dirname(consoleFolder), { recursive: true })
})

/** In no test may the browser have had to refuse anything by its policy, or a script have failed. */
afterEach(async () => {
  const complaints = opened.flatMap((tab) => tab.complaints)
  for (const { page } of opened.splice(0)) await page.context().close()
  expect(complaints).toEqual([])
})

/** A tab at one of the pages, signed in as this person. */
async function tab(person: Person, place: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(15_000)
  const [name, ...value] = person.cookie.split('=')
  await context.addCookies([{ name: name!, value: value.join('='), url: world.origin }])
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    const refused = /^Failed to load resource/.test(message.text())
    if (!refused && ['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  opened.push({ page, complaints })
  await page.goto(`${world.origin}/o/${person.organisation}${place}`)
  return page
}

async function newContact(person: Person, fields: Record<string, string>): Promise<{ id: string }> {
  const body = { name: '', email: '', phone: '', jobTitle: '', note: '', companyId: null, ...fields }
  const path = `/api/o/${person.organisation}/contacts`
  return (await (await world.fetch(path, { method: 'POST', cookie: person.cookie, body })).json()) as { id: string }
}

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor()
const file = (text: string, name = 'people.csv') => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) })

test('the first contact, with a company that is made on the way, is found by either', async () => {
  const page = await tab(await world.joinWithOrganisation('Mara'), '/contacts')
  await page.getByText('No contacts yet').waitFor()
  await page.getByRole('link', { name: 'New contact' }).first().click()
  await page.getByLabel('Name', { exact: true }).fill('Grace Hopper')
  await page.getByLabel('E-mail').fill('grace')
  await page.getByLabel('Company').fill('Navy')
  await page.getByRole('button', { name: 'Add contact' }).focus()
  // The browser's own check would stop this; what the server says stands beside the field.
  await page.evaluate('document.querySelector("form.form").noValidate = true')
  await page.keyboard.press('Enter')
  await page.getByText('must be an email address').waitFor()
  await page.getByLabel('E-mail').fill('grace@example.org')
  await page.getByRole('button', { name: 'Add contact' }).click()
  await heading(page, 'Grace Hopper')
  await page.getByText('Last changed by Mara').waitFor()

  await page.getByRole('link', { name: 'Contacts' }).click()
  await page.getByRole('searchbox').fill('nav')
  await page.getByRole('link', { name: 'Grace Hopper' }).waitFor()
  await page.getByRole('searchbox').fill('nobody')
  await page.getByText('Nothing matches “nobody”').waitFor()
  await page.getByRole('link', { name: 'Show all' }).click()
  await page.getByRole('link', { name: 'Navy' }).click()
  await heading(page, 'Navy')
  await page.getByRole('link', { name: 'Show its contacts' }).click()
  await page.getByRole('link', { name: 'Grace Hopper' }).waitFor()
})

test('two edits of one contact: the later one sees both, chooses, and nothing is lost', async () => {
  const person = await world.joinWithOrganisation('Mara')
  const { id } = await newContact(person, { name: 'Ada', phone: '1', note: 'old' })
  const [first, second] = [await tab(person, `/contacts/${id}`), await tab(person, `/contacts/${id}`)]
  await second.getByLabel('Note').fill('mine')
  await second.getByLabel('Phone').fill('2')

  await first.getByLabel('Note').fill('theirs')
  await first.getByLabel('Job title').fill('Countess')
  await first.getByRole('button', { name: 'Save' }).click()
  await first.getByText('Ada is saved.').waitFor()

  await second.getByRole('button', { name: 'Save' }).click()
  const dialog = second.getByRole('dialog', { name: 'Changed since you opened it' })
  await dialog.getByText('Mara saved other values').waitFor()
  expect(await flawsOf(second)).toEqual([])
  const fields = await dialog.getByRole('group').allInnerTexts()
  expect(fields.map((text) => text.split('\n')[0])).toEqual(['Phone', 'Job title', 'Note'])
  const note = dialog.getByRole('group', { name: 'Note' })
  expect(await note.getByRole('radio', { name: /Yours.*mine/s }).isChecked()).toBe(true)
  await note.getByRole('radio', { name: /As it is now.*theirs/s }).check()

  // Back to the form: what was typed is still there, the keyboard goes on where it was, and saving asks again.
  await dialog.getByRole('button', { name: 'Back to my form' }).click()
  expect(await second.evaluate(() => document.activeElement?.textContent)).toBe('Save')
  expect(await second.getByLabel('Note').inputValue()).toBe('mine')
  await second.getByRole('button', { name: 'Save' }).click()
  await note.getByRole('radio', { name: /theirs/ }).check()
  await dialog.getByRole('button', { name: 'Save the chosen values' }).click()
  await second.getByText('Ada is saved.').waitFor()
  expect(await second.getByLabel('Phone').inputValue()).toBe('2')
  expect(await second.getByLabel('Job title').inputValue()).toBe('Countess')
  expect(await second.getByLabel('Note').inputValue()).toBe('theirs')

  // And the page goes on from there: another change is no conflict.
  await second.getByLabel('Note').fill('later')
  await second.getByRole('button', { name: 'Save' }).click()
  await second.getByText('Ada is saved.').last().waitFor()
  await expect.poll(() => second.getByRole('dialog').count()).toBe(0)
})

test('a file is imported by keyboard: columns put right, rows checked, left alone and come back to', async () => {
  const person = await world.joinWithOrganisation('Mara')
  const page = await tab(person, '/imports')
  const rows = Array.from(
    { length: 2400 },
    (_, index) => `Person ${index};p${index}@example.org;+44 ${index};Bay ${index % 9}`,
  )
  const chooser = page.waitForEvent('filechooser')
  await page.getByLabel('Contacts as CSV').focus()
  await page.keyboard.press('Enter')
  await (await chooser).setFiles(
    file(`Who;E-mail;Mobile;Firma\n${rows.join('\n')}\nNobody;broken;;\n`, 'Meine Kontakte.csv'),
  )
  await heading(page, 'Meine Kontakte.csv')
  expect(await page.getByLabel('Who').inputValue()).toBe('ignore')
  expect(await page.getByLabel('Firma').inputValue()).toBe('company')
  expect(await page.getByText('Such as Person 0 · Person 1').count()).toBe(1)
  await page.getByLabel('Who').selectOption('Name')
  await page.getByRole('button', { name: 'Check all rows' }).click()
  await page.getByText('2,400 rows can be imported').waitFor()
  await page.getByText('E-mail must be an email address such as ada@example.org.').waitFor()
  expect(await page.getByRole('row', { name: /2402 E-mail must be/ }).count()).toBe(1)
  expect(await flawsOf(page)).toEqual([])

  await page.getByRole('button', { name: 'Import 2,400 rows' }).click()
  await page.getByRole('progressbar', { name: 'Importing' }).waitFor()
  await page.getByRole('link', { name: 'Contacts' }).click()
  await heading(page, 'Contacts')
  await page.goBack()
  await page.getByText('The import is done').waitFor()
  expect(await page.locator('dl.facts').innerText()).toMatch(/New contacts\s+2,400/)
  await page.getByRole('link', { name: 'Go to the contacts' }).click()
  await page.getByRole('link', { name: 'Person 0', exact: true }).waitFor()
  await page.getByRole('button', { name: 'Show more' }).click()
  await expect.poll(() => page.getByRole('row').count()).toBe(101)

  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export all contacts as CSV' }).click()
  const exported = readFileSync(await (await download).path(), 'utf8')
  expect(exported.split('\r\n')[1]).toBe("Person 0,p0@example.org,'+44 0,Bay 0,,")
})

test('a file can be dropped; one that cannot be read says why, and leaves the field for the next', async () => {
  const page = await tab(await world.joinWithOrganisation('Mara'), '/imports')
  const drop = (text: string) =>
    page.evaluate((content) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([content], 'dropped.csv', { type: 'text/csv' }))
      const place = document.querySelector('.drop')!
      for (const type of ['dragover', 'drop'])
        place.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }))
    }, text)
  await page.getByLabel('Contacts as CSV').waitFor()
  await drop('Name\n"open')
  await page.getByText('A quote that opens in the row on line 2 never closes.').waitFor()
  await page.getByLabel('Contacts as CSV').setInputFiles(file('x'.repeat(21 * 1024 * 1024)))
  await page.getByText('larger than 20 MB').waitFor()
  await drop('Name\nAda\n')
  await heading(page, 'dropped.csv')
  await page.getByRole('button', { name: 'Throw the file away' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Throw the file away' }).click()
  await heading(page, 'Import')
  await expect.poll(() => page.getByText('dropped.csv').count()).toBe(0)
})

test('a contact is deleted after a question, and its page does not say that it is missing', async () => {
  const person = await world.joinWithOrganisation('Mara')
  const { id } = await newContact(person, { name: 'Ada' })
  const page = await tab(person, `/contacts/${id}`)
  await page.getByRole('button', { name: 'Delete contact' }).click()
  await page.getByRole('alertdialog', { name: 'Delete Ada?' }).getByRole('button', { name: 'Delete contact' }).click()
  await page.getByText('Ada is deleted.').waitFor()
  await page.getByText('No contacts yet').waitFor()
})

test.each([
  ['light on a desk', {}],
  ['dark on a phone', { ...phone, colorScheme: 'dark' as const }],
])('every page fits and is accessible: %s', async (_, options) => {
  const person = await world.joinWithOrganisation('Mara')
  const { id } = await newContact(person, {
    name: `A very long name ${'indeed '.repeat(12)}`,
    email: `${'x'.repeat(60)}@example.org`,
  })
  const uploaded = await world.fetch(`/api/o/${person.organisation}/imports?name=people.csv`, {
    method: 'POST',
    cookie: person.cookie,
    headers: { 'content-type': 'text/csv' },
    body: Buffer.from(`Name,E-mail,Note\nAda,ada@example.org,${'word'.repeat(100)}\n`),
  })
  const { id: importId } = (await uploaded.json()) as { id: string }
  const page = await tab(person, '/contacts', options)
  for (const [place, title] of [
    ['/contacts', 'Contacts'],
    [`/contacts/${id}`, 'A very long name'],
    ['/contacts/new', 'New contact'],
    ['/companies', 'Companies'],
    ['/companies/new', 'New company'],
    ['/imports', 'Import'],
    [`/imports/${importId}`, 'people.csv'],
  ] as const) {
    await page.goto(`${world.origin}/o/${person.organisation}${place}`)
    await heading(page, title)
    expect([place, await flawsOf(page)]).toEqual([place, []])
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    expect([place, overflow]).toEqual([place, 0])
  }
})
