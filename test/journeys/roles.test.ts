import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
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

/** A browser on a phone, signed in at `path`. */
async function open(visitor: Visitor, path: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: world.origin, viewport: { width: 375, height: 740 } })
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (401|403|404|409|428)/.test(message.text()))
      complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(`/sign-in#${path}`)
  await page.getByLabel(/address/i).fill(visitor.address)
  await page.getByLabel(/^password/i).fill(visitor.password)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
  return page
}

/** Nothing that axe finds serious and nothing that sticks out to the side, in light and in dark. */
async function look(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    expect([page.url(), colorScheme, ...(await flawsOf(page))]).toEqual([page.url(), colorScheme])
  }
}

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name })
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true })
const dialog = (page: Page) => page.getByRole('dialog')

it('a role is made, somebody is invited into it, gets another, and the organisation is handed over', async () => {
  const [ada, ben] = await Promise.all([world.joinWithOrganisation('Ada Holm'), world.join('Ben Okoro')])
  const at = `/o/${ada.organisation}`
  const page = await open(ada, `${at}/members`)
  await heading(page, 'Members').waitFor()
  await look(page)
  await page.getByRole('navigation', { name: 'This organisation' }).getByRole('link', { name: 'Roles' }).click()
  await page.getByText('No role of your own yet').waitFor()
  await look(page)

  // By the keyboard alone.
  await button(page, 'New role').press('Enter')
  await dialog(page).waitFor()
  await page.keyboard.type('Bookkeeper')
  await page.getByLabel('See companies').press('Space')
  await page.getByLabel('See who the members are').press('Space')
  await look(page)
  await page.keyboard.press('Enter')
  await heading(page, 'Bookkeeper').waitFor()
  await dialog(page).waitFor({ state: 'hidden' })
  const role = page.getByRole('listitem').filter({ has: heading(page, 'Bookkeeper') })
  expect(await role.innerText()).toContain('0 members')
  await look(page)

  // A second one of that name is refused, where the name stands.
  await button(page, 'New role').click()
  await page.getByLabel('Name').fill('bookkeeper')
  await page.getByLabel('See contacts').check()
  await button(page, 'Make role').click()
  await page.getByText('Is the name of another role').or(page.getByText('is the name of another role')).waitFor()
  await page.keyboard.press('Escape')

  await page.goto(`${at}/members`)
  await button(page, 'Invite a colleague').click()
  await page.getByLabel('Email address').fill(ben.address)
  await dialog(page).getByLabel('Role').selectOption({ label: 'Bookkeeper' })
  await page.getByText('May: See companies · See who the members are').waitFor()
  await look(page)
  await button(page, 'Send invitation').click()
  await page.getByText(`An invitation is on its way to ${ben.address}`).waitFor()
  const first = await mailedToken(world.mails, ben.address, /\/invitation#([\w-]+)/)
  await button(page, `Send again: ${ben.address}`).click()
  await page.getByText(`Another mail is on its way to ${ben.address}`).waitFor()
  await expect.poll(() => mailedToken(world.mails, ben.address, /\/invitation#([\w-]+)/)).not.toBe(first)
  const link = await mailedToken(world.mails, ben.address, /\/invitation#([\w-]+)/)
  await look(page)

  const other = await open(ben, `/invitation#${link}`)
  await button(other, 'Accept invitation').click()
  await other.waitForURL(new RegExp(`${at}/companies`))
  await heading(other, 'Companies').waitFor()
  expect(await other.getByRole('link', { name: 'Contacts', exact: true }).count()).toBe(0)
  await other.goto('/organisations')
  // The page of roles is for him what a page is that does not exist.
  const lost: string[] = []
  for (const address of [`${at}/roles`, `${at}/contacts`, `${at}/no-such-page`]) {
    await other.goto(address)
    await heading(other, 'There is nothing here').waitFor()
    lost.push(await other.getByRole('main').innerText())
  }
  expect(new Set(lost).size).toBe(1)
  await other.goto(`${at}/members`)
  await other.getByText('Bookkeeper').first().waitFor()
  expect(await other.getByRole('button', { name: /Change role/ }).count()).toBe(0)
  await look(other)

  // Another role, while his tab is open.
  await page.reload()
  await button(page, 'Change role: Ben Okoro').click()
  await dialog(page).getByText('See companies · See who the members are', { exact: true }).waitFor()
  await look(page)
  await page.getByLabel('Member', { exact: true }).check()
  await dialog(page).getByRole('button', { name: 'Change role' }).click()
  await page.getByText('The role of Ben Okoro is now Member').waitFor()
  await other.goto(`${at}/contacts`)
  await heading(other, 'Contacts').waitFor()

  // Nobody has it any more: now it can go.
  await page.goto(`${at}/roles`)
  await button(page, 'Delete: Bookkeeper').click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete role' }).click()
  await page.getByText('The role Bookkeeper is deleted').waitFor()
  await page.getByText('No role of your own yet').waitFor()

  await page.goto(`${at}/members`)
  await button(page, 'Hand over ownership').click()
  await page.getByLabel('New owner').selectOption({ label: `Ben Okoro, ${ben.address}` })
  await look(page)
  await page.getByLabel('Your own role from then on').selectOption({ label: 'Viewer' })
  await dialog(page).getByRole('button', { name: 'Hand over ownership' }).click()
  await page.getByText(/^Ben Okoro now owns/).waitFor()
  // What she may no longer do is gone from her page at once.
  await expect.poll(() => page.getByRole('button', { name: /Change role/ }).count()).toBe(0)
  await expect.poll(() => button(page, 'Invite a colleague').getAttribute('aria-disabled')).toBe('true')
  await other.goto(`${at}/members`)
  await button(other, 'Change role: Ada Holm').waitFor()
  await expect
    .poll(() => world.mails.filter(({ subject }) => /You (own|have handed over) an organisation/.test(subject)).length)
    .toBe(2)
  expect(complaints).toEqual([])
}, 180_000)

it('an admin sees why what they may not give is off, and is asked again who they are after a while', async () => {
  const [ada, ben] = await Promise.all([world.joinWithOrganisation('Ada Holm'), world.join('Ben Okoro')])
  const at = `/o/${ada.organisation}`
  const call = (path: string, body: unknown, method = 'POST') =>
    world.fetch(`/api${at}${path}`, { method, body, cookie: ada.cookie })
  const made = await call('/roles', {
    name: 'Crew chief',
    permissions: ['members.read', 'members.invite', 'roles.manage'],
    secondFactor: false,
  })
  const { id } = (await made.json()) as { id: string }
  await call('/invitations', { address: ben.address, role: id })
  const link = await mailedToken(world.mails, ben.address, /\/invitation#([\w-]+)/)
  const page = await open(ben, `/invitation#${link}`)
  await button(page, 'Accept invitation').click()
  await page.waitForURL(new RegExp(at))

  await page.goto(`${at}/members`)
  const change = button(page, 'Change role: Ada Holm')
  await expect.poll(() => change.getAttribute('aria-disabled')).toBe('true')
  await change.focus()
  await page.getByText('Ada Holm may more than you').waitFor()
  await look(page)

  await page.goto(`${at}/roles`)
  await button(page, 'New role').click()
  const contacts = page.getByLabel('See contacts')
  expect(await contacts.getAttribute('aria-disabled')).toBe('true')
  await contacts.press('Space')
  expect(await contacts.isChecked()).toBe(false)
  const described = (await contacts.getAttribute('aria-describedby')) ?? ''
  expect(await page.locator(`[id="${described}"]`).innerText()).toBe('You may not do this yourself')
  await look(page)

  await world.superuser(
    `update holdfast.pass set shown_at = shown_at - interval '16 minutes' where person_id = '${ben.person}'`,
  )
  await page.getByLabel('Name').fill('Inviter')
  await page.getByLabel('Invite members, and withdraw invitations').check()
  await button(page, 'Make role').click()
  await heading(page, 'Show that it is you').waitFor()
  await page.getByLabel('Password').fill(ben.password)
  await page.keyboard.press('Enter')
  await heading(page, 'Inviter').waitFor()
  expect(complaints).toEqual([])
}, 120_000)
