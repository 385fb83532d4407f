import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { buildConsole, builtFolder } from '../../tools/build-console.ts'
import { findLaunchOptions } from '../../tools/chromium.ts'
import { mailedToken, startWorld, type World } from '../world/world.ts'

let world: World
let browser: Browser
const complaints: string[] = []
const password = 'seven salted sails at sea'

beforeAll(async () => {
  await buildConsole('crm')
  world = await startWorld({ product: crm, superuser: inject('superuser'), consoleFolder: builtFolder('crm') })
  browser = await chromium.launch(await findLaunchOptions())
}, 180_000)
afterAll(async () => {
  await browser?.close()
  await world?.stop()
})

/** A person with a browser of their own. What the page complains about is kept: violations of the policy, above all. */
async function newPerson(): Promise<Page> {
  const context = await browser.newContext({ baseURL: world.origin })
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (401|404|409)/.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return page
}

async function signUp(page: Page, name: string, address: string): Promise<void> {
  await page.goto('/sign-up')
  await page.getByLabel(/name/i).fill(name)
  await page.getByLabel(/address/i).fill(address)
  await page.getByLabel(/^password/i).fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /mailbox/i }).waitFor()
  const token = await mailedToken(world.mails, address, /\/verify#([\w-]+)/)
  await page.goto(`/verify#${token}`)
  await page.getByRole('button', { name: 'Confirm this email address' }).click()
  await page.getByRole('heading', { name: 'Email address confirmed' }).waitFor()
}

async function signIn(page: Page, address: string): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel(/address/i).fill(address)
  await page.getByLabel(/^password/i).fill(password)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
}

it('two people sign up, found an organisation, invite, work in two tabs, and sign out', async () => {
  const [ada, ben] = await Promise.all([newPerson(), newPerson()])
  await signUp(ada, 'Ada Holm', 'ada@journey.example')
  await signIn(ada, 'ada@journey.example')
  await ada.goto('/organisations/new')
  await ada.getByLabel(/name/i).fill('First Bay')
  await ada.keyboard.press('Enter')
  await ada.waitForURL(/\/o\/[0-9a-f-]+\//)
  const first = /\/o\/([0-9a-f-]+)\//.exec(ada.url())![1]!

  await ada.goto('/organisations/new')
  await ada.getByLabel(/name/i).fill('Second Bay')
  await ada.keyboard.press('Enter')
  await ada.waitForURL((url) => /\/o\/[0-9a-f-]+\//.test(url.pathname) && !url.pathname.includes(first))
  const second = /\/o\/([0-9a-f-]+)\//.exec(ada.url())![1]!

  // Two tabs, two organisations: what is written in one does not show in the other.
  const other = await ada.context().newPage()
  await ada.goto(`/o/${first}/companies`)
  await other.goto(`/o/${second}/companies`)
  const made = await world.fetch(`/api/o/${first}/companies`, {
    method: 'POST',
    body: { name: 'Only In First', website: '', note: '' },
    cookie: (await ada.context().cookies()).map((cookie) => `${cookie.name}=${cookie.value}`).join('; '),
  })
  expect(made.status).toBe(201)
  await Promise.all([ada.reload(), other.reload()])
  await ada.getByText('Only In First').waitFor()
  await other.getByRole('heading', { level: 1 }).waitFor()
  expect(await other.getByText('Only In First').count()).toBe(0)

  // An invitation, by mail, accepted by the one it was sent to.
  await ada.goto(`/o/${first}/members`)
  await ada
    .getByRole('button', { name: /invite/i })
    .first()
    .click()
  await ada.getByLabel(/address/i).fill('ben@journey.example')
  await ada.keyboard.press('Enter')
  const invitation = await mailedToken(world.mails, 'ben@journey.example', /\/invitation#([\w-]+)/)
  await signUp(ben, 'Ben Okoro', 'ben@journey.example')
  await signIn(ben, 'ben@journey.example')
  await ben.goto(`/invitation#${invitation}`)
  const accept = ben.getByRole('button', { name: /accept|join/i })
  await Promise.race([accept.click({ timeout: 5000 }).catch(() => {}), ben.waitForURL(new RegExp(`/o/${first}/`))])
  await ben.waitForURL(new RegExp(`/o/${first}/`))
  await ben.goto(`/o/${first}/companies`)
  await ben.getByText('Only In First').waitFor()
  await ben.goto(`/o/${second}/companies`)
  expect(await ben.getByText('Only In First').count()).toBe(0)

  // Signed out, the old cookie opens nothing.
  const cookie = (await ada.context().cookies()).map((one) => `${one.name}=${one.value}`).join('; ')
  await ada.goto('/session')
  await ada
    .getByRole('button', { name: /sign out/i })
    .first()
    .click()
  await ada.waitForURL(/sign-in/)
  expect((await world.fetch('/api/me', { cookie })).status).toBe(401)
  expect(complaints).toEqual([])
}, 120_000)

it('a sign-up whose link was not opened opens nothing, and its mail is sent again', async () => {
  const page = await newPerson()
  const address = 'nobody@journey.example'
  await page.goto('/sign-up')
  await page.getByLabel(/name/i).fill('Nobody Yet')
  await page.getByLabel(/address/i).fill(address)
  await page.getByLabel(/^password/i).fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /mailbox/i }).waitFor()
  const first = await mailedToken(world.mails, address, /\/verify#([\w-]+)/)
  await page.getByRole('button', { name: 'Send the mail again' }).click()
  await page.getByText('Another mail is on its way').waitFor()
  await expect.poll(() => mailedToken(world.mails, address, /\/verify#([\w-]+)/)).not.toBe(first)
  const refused = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
  expect(refused.status).toBe(401)

  // Another browser has to know the password; the first link goes on working.
  const elsewhere = await newPerson()
  await elsewhere.goto(`/verify#${first}`)
  await elsewhere.getByRole('button', { name: 'Confirm this email address' }).click()
  await elsewhere.getByText('You signed up in another browser').waitFor()
  await elsewhere.getByLabel('Password').fill(password)
  await elsewhere.keyboard.press('Enter')
  await elsewhere.getByRole('heading', { name: 'Email address confirmed' }).waitFor()
}, 60_000)
