import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { buildConsole, builtFolder } from '../../tools/build-console.ts'
import { findLaunchOptions } from '../../tools/chromium.ts'
import { mailedToken, startWorld, type World } from '../world/world.ts'

let world: World
let browser: Browser
const complaints: string[] = []
const next = 'four green turtles sing'

beforeAll(async () => {
  await buildConsole('crm')
  world = await startWorld({ product: crm, superuser: inject('superuser'), consoleFolder: builtFolder('crm') })
  browser = await chromium.launch(await findLaunchOptions())
}, 180_000)
afterAll(async () => {
  await browser?.close()
  await world?.stop()
})

async function newPerson(): Promise<Page> {
  const context = await browser.newContext({ baseURL: world.origin })
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (401|404|409|428)/.test(message.text()))
      complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return page
}

async function signIn(page: Page, address: string, password: string): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('Email address').fill(address)
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
}

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name })
const token = (address: string, page: string) => mailedToken(world.mails, address, new RegExp(`/${page}#([\\w-]+)`))

it('a forgotten password is reset by mail, and the new one opens', async () => {
  const { address, cookie } = await world.joinWithOrganisation()
  const page = await newPerson()
  await page.goto('/sign-in')
  await page.getByLabel('Email address').fill(address)
  await page.getByRole('link', { name: 'Forgotten your password?' }).click()
  await heading(page, 'Ask for a new password').waitFor()
  expect(await page.getByLabel('Email address').inputValue()).toBe(address)
  await page.getByLabel('Email address').press('Enter')
  await heading(page, 'Look into your mailbox').waitFor()
  await page.goto(`/new-password#${await token(address, 'new-password')}`)
  await page.getByLabel('New password').fill('passwordpassword1')
  await page.keyboard.press('Enter')
  await page.getByText('tried first').waitFor()
  await page.getByLabel('New password').fill(next)
  await page.keyboard.press('Enter')
  await heading(page, 'Your password is set').waitFor()
  await page.getByRole('link', { name: 'Sign in' }).click()
  await signIn(page, address, next)
  expect((await world.fetch('/api/me', { cookie })).status).toBe(401)
  // The link again: it says that it is used up, and where there is another one.
  const other = await newPerson()
  await other.goto(`/new-password#${await token(address, 'new-password')}`)
  await other.getByLabel('New password').fill(next)
  await other.keyboard.press('Enter')
  await heading(other, 'This link opens nothing any more').waitFor()
  await other.getByRole('link', { name: 'Ask for a new password' }).click()
  await heading(other, 'Ask for a new password').waitFor()
  // A refused password is answered 422, a used link 410, and the browser says so.
  expect(complaints.filter((text) => !/status of (410|422)/.test(text))).toEqual([])
}, 60_000)

it('an email address changes when both mailboxes have said yes', async () => {
  const { address, password } = await world.joinWithOrganisation()
  const wanted = `new-${address}`
  const page = await newPerson()
  await signIn(page, address, password)
  await page.goto('/account')
  await page.getByLabel('New email address').fill(wanted)
  await page.getByRole('button', { name: 'Change email address' }).click()
  await page.getByText(`A change to ${wanted} waits`).waitFor()

  // The new mailbox: in a browser that is signed in to this account, and in no other.
  const mailbox = await newPerson()
  await mailbox.goto(`/confirm-address#${await token(wanted, 'confirm-address')}`)
  await mailbox.getByRole('button', { name: 'Yes, change it' }).click()
  await mailbox.getByText('Sign in to the account that is to have this email address').waitFor()
  await page.goto(`/confirm-address#${await token(wanted, 'confirm-address')}`)
  await page.getByRole('button', { name: 'Yes, change it' }).click()
  await heading(page, 'One more yes is missing').waitFor()
  await page.goto('/account')
  // The old one: any browser will do.
  await mailbox.goto(`/confirm-address#${await token(address, 'confirm-address')}`)
  await mailbox.getByRole('button', { name: 'Yes, change it' }).click()
  await heading(mailbox, 'Your email address has changed').waitFor()

  await page.reload()
  await page.getByText(`Now ${wanted}.`).waitFor()
  await signIn(await newPerson(), wanted, password)
}, 60_000)

it('an account is given up, and kept after all', async () => {
  const { address, password } = await world.joinWithOrganisation()
  const page = await newPerson()
  await signIn(page, address, password)
  await page.goto('/account')
  await page.getByRole('button', { name: 'Delete account' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete account' }).click()
  await heading(page, 'Sign in').waitFor()
  const refused = await world.fetch('/api/sign-in', { method: 'POST', body: { address, password } })
  expect(refused.status).toBe(401)

  await page.goto(`/keep-account#${await token(address, 'keep-account')}`)
  await page.getByRole('button', { name: 'Keep my account' }).click()
  await heading(page, 'Your account is open again').waitFor()
  await signIn(page, address, password)
  await page.goto('/account')
  await heading(page, 'Your account').waitFor()
}, 60_000)
