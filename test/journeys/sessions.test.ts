import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { buildConsole, builtFolder } from '../../tools/build-console.ts'
import { findLaunchOptions } from '../../tools/chromium.ts'
import { flawsOf } from '../world/flaws.ts'
import { startWorld, type Visitor, type World } from '../world/world.ts'

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0'

let world: World
let browser: Browser
const opened: BrowserContext[] = []

beforeAll(async () => {
  await buildConsole('crm')
  world = await startWorld({ product: crm, superuser: inject('superuser'), consoleFolder: builtFolder('crm') })
  browser = await chromium.launch(await findLaunchOptions())
}, 180_000)
afterAll(async () => {
  await browser?.close()
  await world?.stop()
})
afterEach(() => Promise.all(opened.splice(0).map((context) => context.close())))

/** A browser in which somebody has just signed in; `userAgent`: what it says of itself. */
async function signIn({ address, password }: Visitor, userAgent?: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: world.origin, ...(userAgent ? { userAgent } : {}) })
  opened.push(context)
  const page = await context.newPage()
  await page.goto('/sign-in')
  await page.getByLabel('Email address').fill(address)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL((url) => url.pathname.startsWith('/o/'))
  return page
}

const cookieOf = async (page: Page) => {
  const cookies = await page.context().cookies(world.origin)
  return cookies.find(({ name }) => name === 'crm-session')
}
const statusOf = (page: Page, path: string) => page.evaluate((at) => fetch(at).then(({ status }) => status), path)
const rows = (page: Page) => page.getByRole('table', { name: 'Your sessions' }).getByRole('row')

it('shows where one is signed in, and ends one there, or all others', async () => {
  const ada = await world.joinWithOrganisation('Ada')
  const here = await signIn(ada)
  const office = await signIn(ada, firefox)
  await here.goto('/account/sessions')
  await here.getByRole('heading', { level: 1, name: 'Your sessions' }).waitFor()
  // The one by which the world itself joined is the third: Node.js, by its fetch.
  await expect.poll(() => rows(here).count()).toBe(4)
  const texts = await rows(here).allInnerTexts()
  expect(texts[1]).toMatch(/Chrome on Linux[\s\S]*this one[\s\S]*127\.0\.0\.1[\s\S]*now/)
  expect(texts.join('\n')).toContain('Firefox on Windows')
  expect(texts.join('\n')).toContain('Node.js')

  // By the keyboard alone.
  await here.getByRole('button', { name: 'End: Firefox on Windows, 127.0.0.1' }).focus()
  await here.keyboard.press('Enter')
  const question = here.getByRole('alertdialog', { name: 'End the session of Firefox on Windows?' })
  await question.waitFor()
  await here.keyboard.press('Escape')
  await expect.poll(() => question.count()).toBe(0)
  expect(await statusOf(office, '/api/me')).toBe(200)
  await here.keyboard.press('Enter')
  await question.getByRole('button', { name: 'End', exact: true }).press('Enter')
  await here.getByText('The session of Firefox on Windows has ended').waitFor()
  expect(await statusOf(office, '/api/me')).toBe(401)
  await expect.poll(() => rows(here).count()).toBe(3)

  const again = await signIn(ada, firefox)
  await here.getByRole('button', { name: 'End all others' }).click()
  await here.getByRole('alertdialog').getByRole('button', { name: 'End all others' }).click()
  await here.getByText('2 sessions have ended').waitFor()
  expect(await statusOf(again, '/api/me')).toBe(401)
  expect(await statusOf(here, '/api/me')).toBe(200)
  await expect.poll(() => rows(here).count()).toBe(2)
  expect(await here.getByRole('button', { name: 'End all others' }).getAttribute('aria-disabled')).toBe('true')
}, 60_000)

it.each([
  ['a desk', { width: 1280, height: 800 }],
  ['a phone', { width: 360, height: 740 }],
])(
  'is readable for everybody, on %s',
  async (_, viewport) => {
    const ada = await world.joinWithOrganisation('Ada')
    const page = await signIn(ada)
    await page.setViewportSize(viewport)
    await page.goto('/account/sessions')
    await expect.poll(() => rows(page).count()).toBe(3)
    expect(await flawsOf(page)).toEqual([])
  },
  60_000,
)

it('goes on in a browser while its secret is replaced, with three tabs open', async () => {
  const ada = await world.joinWithOrganisation('Ada')
  const page = await signIn(ada)
  const before = (await cookieOf(page))!
  expect(before).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/', domain: 'localhost', secure: false })
  const tabs = [page, await page.context().newPage(), await page.context().newPage()]
  const contacts = `/o/${ada.organisation}/contacts`
  for (let hour = 0; hour < 3; hour++) {
    await world.superuser(
      `update holdfast.pass set issued_at = issued_at - interval '20 minutes', dead_at = dead_at - interval '20 minutes'
        where person_id = $1`,
      [ada.person],
    )
    await Promise.all(tabs.map((tab) => tab.goto(contacts)))
    await Promise.all(tabs.map((tab) => tab.getByRole('heading', { level: 1, name: 'Contacts' }).waitFor()))
    for (const tab of tabs) expect(await statusOf(tab, `/api${contacts}`)).toBe(200)
    // Of one token the server asks once a second whether something is due: it may have asked just before the hour passed.
    await expect
      .poll(
        async () => {
          await statusOf(page, `/api${contacts}`)
          const [line] = await world.superuser(
            'select max(generation) as newest from holdfast.pass where person_id = $1',
            [ada.person],
          )
          return Number(line!.newest)
        },
        { interval: 300, timeout: 10_000 },
      )
      .toBeGreaterThan(hour)
  }
  expect((await cookieOf(page))!.value).not.toBe(before.value)
  const [line] = await world.superuser(
    `select count(*)::int as made, count(*) filter (where dead_at is null and revoked_at is null)::int as alive, max(generation) as newest
       from holdfast.pass where person_id = $1 and family = (select family from holdfast.pass where person_id = $1 order by generation desc limit 1)`,
    [ada.person],
  )
  expect(line!.newest).toBeGreaterThanOrEqual(3)
  expect(line!.alive).toBe(1)
  expect(world.failures).toEqual([])
}, 60_000)
