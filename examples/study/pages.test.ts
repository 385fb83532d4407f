import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest'
import { flawsOf } from '../../test/world/flaws.ts'
import { startWorld, type Visitor, type World } from '../../test/world/world.ts'
import { buildConsole } from '../../tools/build-console.ts'
import { findLaunchOptions } from '../../tools/chromium.ts'
import { study } from './study.ts'

const consoleFolder = path.join(mkdtempSync(path.join(tmpdir(), 'study-console-')), 'built')
const phone = { viewport: { width: 360, height: 740 } }

// A browser beside a database, on two cores that may be busy.
vi.setConfig({ testTimeout: 90_000 })

let world: World
let browser: Browser
const opened: { page: Page; complaints: string[] }[] = []

beforeAll(async () => {
  await buildConsole('study', consoleFolder)
  world = await startWorld({ product: study, superuser: inject('superuser'), consoleFolder })
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

async function tab(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    const refused = /^Failed to load resource/.test(message.text())
    if (!refused && ['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  opened.push({ page, complaints })
  return page
}

/** A tab where a new learner is signed in, by the form like anybody. */
async function learn(options?: BrowserContextOptions): Promise<{ page: Page; learner: Visitor }> {
  const learner = await world.join('Lena Tide')
  const page = await tab(options)
  await page.goto(`${world.origin}/sign-in`)
  await page.getByLabel('Email address').fill(learner.address)
  await page.getByLabel('Password').fill(learner.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Today' }).waitFor()
  return { page, learner }
}

async function makeDeck(page: Page, name: string, cards: readonly (readonly [string, string])[]): Promise<void> {
  await page.getByRole('link', { name: 'Decks', exact: true }).click()
  await page.getByRole('button', { name: 'New deck' }).first().click()
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Create deck' }).click()
  await page.getByRole('button', { name: 'Add a card' }).click()
  for (const [index, [front, back]] of cards.entries()) {
    await page.getByLabel('Front').fill(front)
    await page.getByLabel('Back').fill(back)
    await page.getByRole('button', { name: 'Add card' }).click()
    await page.getByText(`${index + 1} card${index === 0 ? '' : 's'} added`).waitFor()
  }
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
}

test('a learner makes a deck, answers its cards by keyboard, and is done for today', async () => {
  const { page } = await learn()
  await page.getByText('Nothing is due today').waitFor()
  await makeDeck(page, 'Seaweeds', [
    ['the grip of kelp', 'holdfast'],
    ['its leaf', 'blade'],
  ])
  await page.getByRole('link', { name: 'Today', exact: true }).click()
  await page.getByText('the grip of kelp').waitFor()
  expect(await page.getByText('holdfast', { exact: true }).count()).toBe(0)
  await page.keyboard.press('Space')
  await page.getByText('holdfast', { exact: true }).waitFor()
  await page.keyboard.press('1')
  await page.getByText('its leaf').waitFor()
  await page.keyboard.press('Space')
  await page.keyboard.press('3')
  await page.getByText('the grip of kelp').waitFor()
  await page.getByText('2 done, 1 left').waitFor()
  await page.getByRole('button', { name: 'Show the answer' }).click()
  await page.getByRole('button', { name: /^Easy/ }).click()
  await page.getByText('Done for today').waitFor()
  await page.getByText('3 done, 0 left').waitFor()
})

test('an answer that could not be saved is kept, sent again, and counted once', async () => {
  const { page } = await learn()
  await makeDeck(page, 'Seaweeds', [['kelp', 'Laminariales']])
  await page.getByRole('link', { name: 'Today', exact: true }).click()
  // The server takes the first try, and its receipt is lost.
  let tries = 0
  await page.route('**/reviews', async (route) => {
    tries += 1
    if (tries > 1) return route.continue()
    await route.fetch()
    return route.abort()
  })
  await page.getByRole('button', { name: 'Show the answer' }).click()
  await page.keyboard.press('4')
  await page.getByRole('button', { name: 'Send it again' }).click()
  await page.getByText('Done for today').waitFor()
  await page.getByText('1 done, 0 left').waitFor()
  expect(tries).toBe(2)
})

test('two tabs that answer the same card count it once, and say so', async () => {
  const { page } = await learn()
  await makeDeck(page, 'Seaweeds', [['kelp', 'Laminariales']])
  await page.getByRole('link', { name: 'Today', exact: true }).click()
  await page.getByText('kelp', { exact: true }).waitFor()
  const other = await page.context().newPage()
  await other.goto(`${world.origin}/today`)
  // Both have the card before either answers.
  await other.getByText('kelp', { exact: true }).waitFor()
  for (const one of [page, other]) {
    await one.getByRole('button', { name: 'Show the answer' }).click()
    await one.getByRole('button', { name: /^Good/ }).click()
  }
  await other.getByText('answered elsewhere').waitFor()
  await other.getByText('1 done, 0 left').waitFor()
})

test('an edit that comes too late shows both versions, and loses neither', async () => {
  const { page } = await learn()
  await makeDeck(page, 'Seaweeds', [['kelp', 'Laminariales']])
  const other = await page.context().newPage()
  await other.goto(page.url())
  for (const one of [page, other]) await one.getByRole('button', { name: 'Edit: kelp' }).click()
  await page.getByLabel('Back').fill('an order of brown algae')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  await other.getByLabel('Back').fill('a large seaweed')
  await other.getByRole('button', { name: 'Save' }).click()
  await other.getByText('changed since you opened it').waitFor()
  await other.getByRole('dialog').getByText('an order of brown algae').waitFor()
  expect(await other.getByLabel('Back').inputValue()).toBe('a large seaweed')
  await other.getByRole('button', { name: 'Save mine instead' }).click()
  await other.getByRole('dialog').waitFor({ state: 'hidden' })
  await other.getByRole('cell', { name: 'a large seaweed' }).waitFor()
})

test('a deck is deleted only after a question, and its page is left for the list', async () => {
  const { page } = await learn()
  await makeDeck(page, 'Seaweeds', [['kelp', 'Laminariales']])
  await page.getByRole('button', { name: 'Delete deck' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('heading', { level: 1, name: 'Seaweeds' }).waitFor()
  await page.getByRole('button', { name: 'Delete deck' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete deck' }).click()
  await page.getByText('No decks yet').waitFor()
  expect(new URL(page.url()).pathname).toBe('/decks')
})

test('no page mentions an organisation, in words or in its address', async () => {
  const { page } = await learn()
  await makeDeck(page, 'Seaweeds', [['kelp', 'Laminariales']])
  for (const place of ['/today', '/decks', page.url(), '/session']) {
    await page.goto(new URL(place, world.origin).href)
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(await page.locator('body').innerText()).not.toMatch(/organi[sz]ation|member|invit/i)
    expect(page.url()).not.toContain('/o/')
  }
})

test.each(['light', 'dark'] as const)('every page is sound on a phone and for axe (%s)', async (colorScheme) => {
  const { page } = await learn({ ...phone, colorScheme })
  const check = async (where: string) => {
    expect(await flawsOf(page), where).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), where).toBe(true)
  }
  await check('nothing due')
  await page.getByRole('link', { name: 'Decks', exact: true }).click()
  await check('no decks')
  await makeDeck(page, 'Seaweeds', [['kelp', 'x'.repeat(300)]])
  await check('deck')
  await page.getByRole('link', { name: 'Today', exact: true }).click()
  await check('question')
  await page.keyboard.press('Space')
  await check('answer')
  await page.getByRole('button', { name: /^Good/ }).click()
  await page.getByText('Done for today').waitFor()
  await check('done')
})
