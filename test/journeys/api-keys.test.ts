import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { buildConsole, builtFolder } from '../../tools/build-console.ts'
import { findLaunchOptions } from '../../tools/chromium.ts'
import { type Company, found } from '../world/company.ts'
import { flawsOf } from '../world/flaws.ts'
import { inPlace, makeKey, toldByKey } from '../world/key.ts'
import { startWorld, type Visitor, type World } from '../world/world.ts'

let world: World
let browser: Browser
let ada: Visitor
let company: Company
const opened: BrowserContext[] = []
const complaints: string[] = []

beforeAll(async () => {
  await buildConsole('crm')
  world = await startWorld({ product: crm, superuser: inject('superuser'), consoleFolder: builtFolder('crm') })
  browser = await chromium.launch(await findLaunchOptions())
  ada = await world.join('Ada Lovelace')
}, 180_000)
afterAll(async () => {
  await browser?.close()
  await world?.stop()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((context) => context.close()))
  expect(complaints.splice(0)).toEqual([])
})

type Look = Parameters<Browser['newContext']>[0]

/** A browser in which the visitor is signed in, on a page of the company. */
async function open(visitor: Visitor, at: Company, path: string, look: Look = {}): Promise<Page> {
  const context = await browser.newContext({ baseURL: world.origin, ...look })
  opened.push(context)
  const [name, value] = visitor.cookie.split('=') as [string, string]
  await context.addCookies([{ name, value, url: world.origin, httpOnly: true, sameSite: 'Lax' }])
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (400|401|403|404|409|428)/.test(message.text()))
      complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(`/o/${at.organisation}${path}`)
  return page
}

const heading = (page: Page) => page.getByRole('heading', { level: 1, name: 'API keys' })
const dialog = (page: Page, name: string) => page.getByRole('dialog', { name })
const item = (page: Page, name: string) =>
  page
    .getByRole('list', { name: 'API keys' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('heading', { name }) })
const members = () => `/api/o/${company.organisation}/members`

/** Makes one by the page, and returns its text. */
async function make(page: Page, name: string, scopes: readonly string[]): Promise<string> {
  await page.getByRole('button', { name: 'New key' }).click()
  const form = dialog(page, 'A new API key')
  await form.getByLabel('Name').fill(name)
  for (const scope of scopes) await form.getByLabel(scope).check()
  await form.getByRole('button', { name: 'Make key' }).click()
  const shown = dialog(page, 'Your new key')
  const text = await shown.getByRole('region', { name: 'The key' }).innerText()
  return text.trim()
}

it('a key is made, shown once, replaced with an overlap and withdrawn, by the keyboard too', async () => {
  company = await found(world, ada, 'Harbour & Sons')
  const page = await open(ada, company, '/members')
  await page.getByRole('link', { name: 'API keys' }).click()
  await heading(page).waitFor()
  await page.getByText('No key yet').waitFor()
  await page.getByText('bight_key_[0-9A-Za-z]{49}').waitFor()

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  const first = await make(page, 'Nightly report', ['See who the members are'])
  expect(first).toMatch(/^bight_key_[0-9A-Za-z]{49}$/)
  const shown = dialog(page, 'Your new key')
  await shown.getByText('It is shown only this once.').waitFor()
  await shown.getByRole('button', { name: 'Copy' }).click()
  await shown.getByText('Copied.').waitFor()
  // Reading the clipboard is not for our pages: what was put there is read by the debugger.
  await shown.getByRole('button', { name: 'I have kept it' }).click()
  await expect.poll(() => shown.count()).toBe(0)
  expect(await page.content()).not.toContain(first)
  await expect
    .poll(() => item(page, 'Nightly report').innerText())
    .toMatch(
      new RegExp(`Ends in\\s+${first.slice(-4)}[\\s\\S]*Ada Lovelace[\\s\\S]*never[\\s\\S]*See who the members are`),
    )

  expect(await toldByKey(world, first, members())).toBe('200')
  await page.reload()
  await expect.poll(() => item(page, 'Nightly report').innerText()).toMatch(/now|seconds? ago|this minute/)

  // By the keyboard alone.
  const replace = page.getByRole('button', { name: 'Replace: Nightly report' })
  const hasFocus = (one: Element) => one === document.activeElement
  await replace.focus()
  await page.keyboard.press('Enter')
  const question = dialog(page, 'Replace the key Nightly report?')
  await question.waitFor()
  await expect.poll(() => question.getByLabel('How long the one before works on').evaluate(hasFocus)).toBe(true)
  await page.keyboard.press('Escape')
  await expect.poll(() => question.count()).toBe(0)
  await expect.poll(() => replace.evaluate(hasFocus)).toBe(true)
  await page.keyboard.press('Enter')
  await question.getByRole('button', { name: 'Replace key' }).press('Enter')
  const second = (await shown.getByRole('region', { name: 'The key' }).innerText()).trim()
  expect(second).not.toBe(first)
  await shown.getByRole('button', { name: 'I have kept it' }).press('Enter')
  await expect.poll(() => item(page, 'Nightly report').innerText()).toContain('The one before ends')
  for (const key of [first, second]) expect(await toldByKey(world, key, members())).toBe('200')

  await page.getByRole('button', { name: 'Withdraw: Nightly report' }).press('Enter')
  const warning = page.getByRole('alertdialog', { name: 'Withdraw the key Nightly report?' })
  await warning.getByRole('button', { name: 'Withdraw key' }).press('Enter')
  await page.getByText('The key Nightly report opens nothing any more.').waitFor()
  await page.getByText('No key yet').waitFor()
  for (const key of [first, second])
    expect(await toldByKey(world, key, members())).toBe('401 api-keys/key-opens-nothing')
}, 60_000)

it('says what is wrong where it is wrong, and what to do', async () => {
  company = await found(world, ada, 'Harbour & Sons')
  const page = await open(ada, company, '/keys')
  await page.getByRole('button', { name: 'New key' }).click()
  const form = dialog(page, 'A new API key')
  await form.getByLabel('Name').fill('Too long')
  await form.getByLabel('Days until it expires').fill('400')
  await form.getByRole('button', { name: 'Make key' }).click()
  // The browser says it itself, before anything is sent.
  expect(
    await form.getByLabel('Days until it expires').evaluate((one) => (one as HTMLInputElement).validity.rangeOverflow),
  ).toBe(true)
  await form.getByLabel('Days until it expires').fill('30')
  await form.getByRole('button', { name: 'Make key' }).click()
  await form.getByRole('alert').waitFor()
  await form.getByLabel('See contacts').check()
  await form.getByRole('button', { name: 'Make key' }).click()
  await dialog(page, 'Your new key').getByRole('button', { name: 'I have kept it' }).click()

  // Replaced in another tab meanwhile.
  const other = await page.context().newPage()
  await other.goto(`/o/${company.organisation}/keys`)
  for (const tab of [page, other]) await tab.getByRole('button', { name: 'Replace: Too long' }).click()
  await dialog(other, 'Replace the key Too long?').getByRole('button', { name: 'Replace key' }).click()
  await dialog(other, 'Your new key').waitFor()
  await dialog(page, 'Replace the key Too long?').getByRole('button', { name: 'Replace key' }).click()
  await page.getByText('This key was replaced a moment ago').waitFor()
}, 60_000)

it('asks again who one is, where that was shown too long ago, and goes on by itself', async () => {
  const ben = await world.join('Ben')
  const place = await found(world, ben, 'Stale & Co')
  await world.superuser(`update holdfast.pass set shown_at = shown_at - interval '16 minutes' where person_id = $1`, [
    ben.person,
  ])
  const page = await open(ben, place, '/keys')
  await page.getByRole('button', { name: 'New key' }).click()
  const form = dialog(page, 'A new API key')
  await form.getByLabel('Name').fill('Late')
  await form.getByLabel('See contacts').check()
  await form.getByRole('button', { name: 'Make key' }).click()
  const again = dialog(page, 'Show that it is you')
  await again.getByLabel('Password').fill(ben.password)
  await again.getByRole('button', { name: 'Continue' }).click()
  await dialog(page, 'Your new key').getByRole('region', { name: 'The key' }).waitFor()
}, 60_000)

it('whoever may not make keys finds the page that is not there, and no way to it', async () => {
  company = await found(world, ada, 'Harbour & Sons')
  const member = await company.take(await world.join('Member'), 'member')
  const page = await open(member, company, '/keys')
  await page.getByRole('heading', { level: 1, name: 'There is nothing here' }).waitFor()
  const refused = await page.locator('main').innerText()
  await page.goto(`/o/${company.organisation}/no-such-page`)
  await page.getByRole('heading', { level: 1, name: 'There is nothing here' }).waitFor()
  expect(await page.locator('main').innerText()).toBe(refused)
  await page.goto(`/o/${company.organisation}/members`)
  await page.getByRole('heading', { level: 1, name: 'Members' }).waitFor()
  expect(await page.getByRole('link', { name: 'API keys' }).count()).toBe(0)
}, 60_000)

it('somebody else’s key can be withdrawn, and not replaced, and says so', async () => {
  company = await found(world, ada, 'Harbour & Sons')
  const admin = await company.take(await world.join('Admin'), 'admin')
  await company.ask(ada, 'POST', '/keys', { name: 'Of Ada', scopes: ['members.read'], days: 30 })
  const page = await open(admin, company, '/keys')
  const replace = page.getByRole('button', { name: 'Replace: Of Ada' })
  await replace.waitFor()
  expect(await replace.getAttribute('aria-disabled')).toBe('true')
  await page.getByText('It acts as Ada Lovelace, so only they can replace it').waitFor({ state: 'attached' })
  expect(await page.getByRole('button', { name: 'Withdraw: Of Ada' }).getAttribute('aria-disabled')).toBeNull()
}, 60_000)

it('a page of another site can do nothing with a key that it has got hold of, in anybody’s browser', async () => {
  company = await found(world, ada, 'Harbour & Sons')
  const { key } = await makeKey(company, ada, ['companies.read', 'companies.write'])
  const site: Server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>'))
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  try {
    const context = await browser.newContext()
    opened.push(context)
    const page = await context.newPage()
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`)
    const address = `${world.origin}/api/o/${company.organisation}/companies`
    const outcomes = await page.evaluate(
      async ([url, bearer]) => {
        const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
        const body = JSON.stringify({ name: 'Forged', website: '', note: '' })
        const tries: RequestInit[] = [
          { headers },
          { method: 'POST', headers, body },
          { method: 'POST', headers, body, mode: 'no-cors' },
          { method: 'POST', headers, body, credentials: 'include' },
        ]
        const told: string[] = []
        for (const init of tries)
          told.push(
            await fetch(url!, init).then(
              ({ type, status }) => `${type} ${status}`,
              () => 'refused by the browser',
            ),
          )
        return told
      },
      [address, key],
    )
    expect(outcomes).toEqual(Array(4).fill('refused by the browser'))
    const list = (await (await world.fetch(new URL(address).pathname, { cookie: ada.cookie })).json()) as object
    expect(JSON.stringify(list)).not.toContain('Forged')
    expect(await toldByKey(world, key, new URL(address).pathname)).toBe('200')
  } finally {
    site.close()
  }
}, 60_000)

const looks: readonly (readonly [string, Look])[] = [
  ['a desk, light', { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }],
  ['a desk, dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }],
  ['a phone, light', { viewport: { width: 360, height: 740 }, colorScheme: 'light' }],
  ['a phone, dark', { viewport: { width: 360, height: 740 }, colorScheme: 'dark' }],
]

it.each(looks)(
  'is readable for everybody, on %s',
  async (name, look) => {
    company = await found(world, ada, 'Harbour & Sons')
    const shot = (what: string) =>
      process.env.HOLDFAST_SHOTS
        ? page.screenshot({
            path: `${process.env.HOLDFAST_SHOTS}/${name.replace(/\W+/g, '-')}-${what}.png`,
            fullPage: true,
          })
        : undefined
    const page = await open(ada, company, '/keys', look)
    await page.getByText('No key yet').waitFor()
    expect(await flawsOf(page)).toEqual([])
    await shot('empty')

    await make(page, 'A report that runs every night and has a rather long name', [
      'See who the members are',
      'See contacts',
    ])
    expect(await flawsOf(page)).toEqual([])
    await shot('shown')
    await dialog(page, 'Your new key').getByRole('button', { name: 'I have kept it' }).click()

    for (const [called, state] of [
      ['Old', `expires_at = clock_timestamp() - interval '1 day'`],
      ['Ended', `revoked_at = clock_timestamp()`],
    ] as const) {
      const made = await company.ask(ada, 'POST', '/keys', {
        name: called,
        scopes: crm.roles.owner.permissions.filter((one) => !/^(keys|roles)\./.test(one)),
        days: 30,
      })
      const { id } = (await made.json()) as { id: string }
      await world.superuser(`update holdfast.pass set ${state} where family = $1`, [id])
      if (called === 'Old')
        await inPlace(world, company.organisation, `update holdfast.api_key set ${state} where id = '${id}'`)
    }
    await page.reload()
    await page.getByText('Expired: it opens nothing').waitFor()
    await page.getByText('Ended, with all sessions of its maker').waitFor()
    expect(await flawsOf(page)).toEqual([])
    await shot('list')

    await page.getByRole('button', { name: 'New key' }).click()
    await dialog(page, 'A new API key').waitFor()
    expect(await flawsOf(page)).toEqual([])
    await shot('new')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Replace: A report/ }).click()
    await dialog(page, 'Replace the key A report that runs every night and has a rather long name?').waitFor()
    expect(await flawsOf(page)).toEqual([])
    await shot('replace')
  },
  60_000,
)
