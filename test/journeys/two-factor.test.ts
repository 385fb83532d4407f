import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { stepAt, totpCode } from '../../src/controls/two-factor/totp.ts'
import { buildConsole, builtFolder } from '../../tools/build-console.ts'
import { findLaunchOptions } from '../../tools/chromium.ts'
import { flawsOf } from '../world/flaws.ts'
import { mailedToken, startWorld, type Visitor, type World } from '../world/world.ts'

let world: World
let browser: Browser
const complaints: string[] = []

beforeAll(async () => {
  await buildConsole('crm')
  world = await startWorld({ product: crm, superuser: inject('superuser'), consoleFolder: builtFolder('crm') })
  browser = await chromium.launch(await findLaunchOptions())
}, 180_000)
afterAll(async () => {
  await browser?.close()
  await world?.stop()
})

/** A browser with an authenticator of its own, such as a phone that asks for a fingerprint. */
async function newBrowser(): Promise<{ page: Page; keys: CDPSession; authenticator: string }> {
  const context = await browser.newContext({ baseURL: world.origin })
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (401|409|422|428)/.test(message.text()))
      complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  const keys = await context.newCDPSession(page)
  await keys.send('WebAuthn.enable')
  const { authenticatorId } = await keys.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { page, keys, authenticator: authenticatorId }
}

async function signIn(page: Page, { address, password }: Visitor): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel(/address/i).fill(address)
  await page.getByLabel(/^password/i).fill(password)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
}

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name })
const codeAt = (key: Uint8Array, steps: number) => totpCode(key, stepAt(Date.now()) + steps)

async function signOut(page: Page): Promise<void> {
  await page.context().clearCookies()
  await page.goto('/sign-in')
  await heading(page, 'Sign in').waitFor()
}

/** Nothing that axe finds serious; nothing that sticks out to the side. */
async function look(page: Page): Promise<void> {
  expect(await flawsOf(page)).toEqual([])
}

async function setUpApp(page: Page): Promise<{ key: Uint8Array; codes: string[] }> {
  await page.getByRole('button', { name: /Set up an(other)? app/ }).click()
  const text = (await page.locator('.totp-key').innerText()).replaceAll(' ', '')
  const bits = [...text].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
  const key = Uint8Array.from(bits.join('').match(/.{8}/g)!, (byte) => Number.parseInt(byte, 2))
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  await look(page)
  await page.getByLabel(/Code of your/).fill('000 000')
  await page.keyboard.press('Enter')
  await page
    .getByText('Is not right, or it was used already')
    .or(page.getByText('is not right, or it was used'))
    .waitFor()
  await page.getByLabel(/Code of your/).fill(codeAt(key, -1))
  await page.keyboard.press('Enter')
  await heading(page, 'Your recovery codes').waitFor()
  const codes = await page.getByRole('dialog').locator('li code').allInnerTexts()
  // A second Enter closes nothing: they are shown this once.
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Copy' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  await look(page)
  await page.getByRole('button', { name: 'I have kept them' }).click()
  return { key, codes }
}

it('an app, recovery codes and a passkey are set up, and each opens the account', async () => {
  const ada = await world.joinWithOrganisation('Ada Holm')
  const { page, keys, authenticator } = await newBrowser()
  await signIn(page, ada)
  await page.goto('/account')
  await page.getByRole('link', { name: 'Security', exact: true }).first().click()
  await heading(page, 'Second factors').waitFor()
  await page.getByText('Your password is all that protects this account').waitFor()
  await look(page)
  const { key, codes } = await setUpApp(page)
  expect(codes).toHaveLength(10)
  await page.getByText('10 codes are left').waitFor()

  // By password and code, where the code is pasted in two groups; and back to where one wanted to go.
  await signOut(page)
  await page.goto(`/o/${ada.organisation}/members`)
  await page.getByLabel(/address/i).fill(ada.address)
  await page.getByLabel(/^password/i).fill(ada.password)
  await page.keyboard.press('Enter')
  await heading(page, 'One more step').waitFor()
  await look(page)
  // Half a session opens no page: every one leads back here.
  await page.goto('/organisations')
  await heading(page, 'One more step').waitFor()
  const code = codeAt(key, 0)
  await page.getByLabel(/Code of your/).fill(`${code.slice(0, 3)} ${code.slice(3)}`)
  await page.keyboard.press('Enter')
  await heading(page, 'Your organisations').or(heading(page, /.+/).first()).waitFor()
  await page.waitForURL((url) => url.pathname !== '/second-step')

  // A passkey, by the virtual authenticator.
  await page.goto('/account/security')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByLabel(/What do you call it/).fill('This laptop')
  await page.keyboard.press('Enter')
  await page.getByText('The passkey is set up.').waitFor()
  await page.getByText('This laptop').first().waitFor()
  await look(page)

  // The passkey alone signs in.
  await signOut(page)
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
  await page.goto('/account/security')
  await page
    .getByText(/last used/)
    .first()
    .waitFor()

  // As a second step too.
  await signOut(page)
  await signIn(page, ada)
  await heading(page, 'One more step').waitFor()
  await page.getByRole('button', { name: 'Use a passkey instead' }).click()
  await page.getByRole('button', { name: 'Use your passkey' }).click()
  await page.waitForURL((url) => url.pathname !== '/second-step')

  // An authenticator that does not verify its user is no sign-in by itself.
  await signOut(page)
  await keys.send('WebAuthn.setUserVerified', { authenticatorId: authenticator, isUserVerified: false })
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.getByText('No passkey was used').waitFor()
  await keys.send('WebAuthn.setUserVerified', { authenticatorId: authenticator, isUserVerified: true })

  // A recovery code, once.
  await signIn(page, ada)
  await page.getByRole('button', { name: 'Use a recovery code instead' }).press('Enter')
  // The focus is in the field that the button has opened.
  await page.keyboard.type(codes[0]!.toLowerCase())
  expect(await page.getByLabel('Recovery code').inputValue()).toBe(codes[0]!.toLowerCase())
  await look(page)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.pathname !== '/second-step')
  await page.goto('/account/security')
  await page.getByText('9 codes are left').waitFor()
  await mailedToken(world.mails, ada.address, /(recovery codes)/)

  // Removed, one by one.
  await page.getByRole('button', { name: 'Remove: This laptop' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
  await page.getByText('The passkey This laptop is removed').waitFor()
  await page.getByRole('button', { name: 'Remove app' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove app' }).click()
  await page.getByText('Your password is all that protects this account').waitFor()
  expect(complaints).toEqual([])
}, 180_000)

it('a copied passkey, whose counter stands still, opens nothing', async () => {
  const ada = await world.joinWithOrganisation('Ada Holm')
  const { page, keys, authenticator } = await newBrowser()
  await signIn(page, ada)
  await page.goto('/account/security')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByLabel(/What do you call it/).fill('Key')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'I have kept them' }).click()
  await signOut(page)
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))

  const { credentials } = await keys.send('WebAuthn.getCredentials', { authenticatorId: authenticator })
  const [credential] = credentials
  await keys.send('WebAuthn.removeCredential', {
    authenticatorId: authenticator,
    credentialId: credential!.credentialId,
  })
  await keys.send('WebAuthn.addCredential', {
    authenticatorId: authenticator,
    credential: { ...credential!, signCount: 0 },
  })
  await signOut(page)
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.getByText('This passkey does not open this account').waitFor()
}, 120_000)

it('a sensitive act asks again who one is, and goes on by itself', async () => {
  const ada = await world.join('Ada Holm')
  const { page } = await newBrowser()
  await signIn(page, ada)
  await page.goto('/account/security')
  await heading(page, 'Second factors').waitFor()
  await world.superuser(`update holdfast.pass set shown_at = shown_at - interval '1 hour' where person_id = $1`, [
    ada.person,
  ])
  await page.getByRole('button', { name: 'Set up an app' }).click()
  await page.getByRole('dialog').getByText('You signed in a while ago').waitFor()
  await look(page)
  await page.getByLabel(/^password/i).fill('not the password at all')
  await page.keyboard.press('Enter')
  await page.getByText(/is not your password/i).waitFor()
  await page.getByLabel(/^password/i).fill(ada.password)
  await page.keyboard.press('Enter')
  await heading(page, 'Set up an authenticator app').waitFor()
  await page.keyboard.press('Escape')

  // Not shown: nothing is done, and what was typed stays.
  await page.goto('/account')
  await world.superuser(`update holdfast.pass set shown_at = shown_at - interval '1 hour' where person_id = $1`, [
    ada.person,
  ])
  await page.getByLabel('New email address').fill('ada@elsewhere.example')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').getByText('You signed in a while ago').waitFor()
  await page.keyboard.press('Escape')
  await page.getByText('Nothing was changed').waitFor()
  expect(await page.getByLabel('New email address').inputValue()).toBe('ada@elsewhere.example')
}, 60_000)

it('a mandate keeps nobody out for good: the console leads to where one sets a factor up', async () => {
  const [ada, ben] = [await world.joinWithOrganisation('Ada Holm'), await world.join('Ben Okoro')]
  const invited = await world.fetch(`/api/o/${ada.organisation}/invitations`, {
    method: 'POST',
    body: { address: ben.address, role: 'member' },
    cookie: ada.cookie,
  })
  expect(invited.status).toBe(201)
  const token = await mailedToken(world.mails, ben.address, /\/invitation#([\w-]+)/)
  await world.fetch('/api/invitations/accept', { method: 'POST', body: { token }, cookie: ben.cookie })

  const { page: hers } = await newBrowser()
  await signIn(hers, ada)
  await hers.goto(`/o/${ada.organisation}/members`)
  await hers.getByText('None yet').first().waitFor()
  expect(await hers.getByRole('button', { name: 'Demand it' }).getAttribute('aria-disabled')).toBe('true')
  await look(hers)
  await hers.goto('/account/security')
  await setUpApp(hers)
  await hers.goto(`/o/${ada.organisation}/members`)
  await hers.getByRole('button', { name: 'Demand it' }).click()
  await hers.getByText('1 member has none yet').waitFor()
  await hers.getByRole('alertdialog').getByRole('button', { name: 'Demand it' }).click()
  await hers.getByText('Nobody gets in with a password alone').waitFor()

  const { page: his } = await newBrowser()
  await signIn(his, ben)
  await his.goto(`/o/${ada.organisation}/contacts`)
  await heading(his, 'A second factor is demanded here').waitFor()
  await look(his)
  await his.getByRole('link', { name: 'Set up a second factor' }).click()
  await his.getByText('An organisation of yours demands a second factor').waitFor()
  await setUpApp(his)
  await his.getByRole('link', { name: 'Back to where you were' }).click()
  await his.waitForURL(`/o/${ada.organisation}/contacts`)
  await heading(his, 'Contacts').waitFor()

  // Lost: the owner takes it away, and he begins anew.
  await hers.reload()
  await hers.getByRole('button', { name: 'Reset factors: Ben Okoro' }).click()
  await hers.getByRole('alertdialog').getByRole('button', { name: 'Reset factors' }).click()
  await hers.getByText('The factors of Ben Okoro are reset').waitFor()
  // Its button is gone; the keyboard goes on at the heading.
  await hers.locator('h1:focus').waitFor()
  await his.goto(`/o/${ada.organisation}/contacts`)
  await heading(his, 'Sign in').waitFor()
  expect(complaints).toEqual([])
}, 120_000)
