import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { flawsOf } from '../test/world/flaws.ts'
import { launchBrowser, listen, openTab } from './fixture/browser.ts'
import { buildFixture } from './fixture/build.ts'
import { type FixtureServer, startFixtureServer } from './fixture/server.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-console-'))
const password = 'correct horse battery'
const phone = { viewport: { width: 360, height: 740 } }

let browser: Browser
let server: FixtureServer
const tabs: { page: Page; complaints: string[] }[] = []

beforeAll(async () => {
  await buildFixture('organisations', path.join(folder, 'organisations'))
  await buildFixture('individuals', path.join(folder, 'individuals'))
  browser = await launchBrowser()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true })
})

beforeEach(async () => {
  server = await startFixtureServer(path.join(folder, 'organisations'))
})

/** The browser may never have had to say a word about the policy, in any test. */
afterEach(async () => {
  const complaints = tabs.flatMap((tab) => tab.complaints)
  for (const { page } of tabs.splice(0)) await page.context().close()
  await server.close()
  expect(complaints).toEqual([])
})

async function tab(options: BrowserContextOptions = {}): Promise<Page> {
  const opened = await openTab(browser, options)
  tabs.push(opened)
  return opened.page
}

async function signIn(page: Page, address: string, at = '/sign-in'): Promise<void> {
  await page.goto(server.origin + at)
  await page.getByLabel('Email address').fill(address)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name })

/** Mara owns North Quay and is a member of Outer Skerries; Ana owns the latter. */
function quay() {
  const mara = server.addPerson('Mara Lindqvist', 'mara@quay.example')
  const ana = server.addPerson('Ana Sousa', 'ana@skerries.example')
  const north = server.addOrganisation('North Quay', { [mara.id]: 'owner', [ana.id]: 'member' })
  const outer = server.addOrganisation('Outer Skerries', { [ana.id]: 'owner', [mara.id]: 'member' })
  for (let row = 1; row <= 20; row++)
    north.boats.push({ id: `n${row}`, name: `Albatross ${row}`, berth: `C ${row}`, metres: row, builtOn: '2012-04-01' })
  outer.boats.push({ id: 'x1', name: 'Cormorant', berth: 'A 1', metres: 7.5, builtOn: '2015-05-05' })
  north.invitations.push({
    id: 'invited',
    address: 'tom@quay.example',
    role: 'member',
    invitedAt: '2026-11-18T10:00:00Z',
    expiresAt: '2026-11-25T10:00:00Z',
  })
  return { mara, ana, north, outer }
}

describe('the way in', () => {
  it('goes from sign-up to the first page, and invites a colleague on the way', async () => {
    const page = await tab()
    await page.goto(`${server.origin}/sign-up`)
    await page.getByLabel('Your name').fill('Mara Lindqvist')
    await page.getByLabel('Email address').fill('mara@quay.example')
    await page.getByLabel('Password').fill(password)
    await page.keyboard.press('Enter')
    await heading(page, 'Look into your mailbox').waitFor()
    expect(await page.getByText('mara@quay.example').count()).toBe(1)
    expect(page.url()).not.toContain('mara')

    await page.getByRole('button', { name: 'Send the mail again' }).click()
    await page.getByText('Another mail is on its way').waitFor()

    await page.goto(`${server.origin}/verify#${server.signUps[0]!.token}`)
    await page.getByRole('button', { name: 'Confirm this email address' }).click()
    await heading(page, 'Email address confirmed').waitFor()
    await page.getByRole('link', { name: 'Continue' }).click()
    await signIn(page, 'mara@quay.example')

    await heading(page, 'Name your organisation').waitFor()
    await page.getByLabel('Name').fill('North Quay')
    await page.getByRole('button', { name: 'Create organisation' }).click()
    await heading(page, 'Boats').waitFor()
    expect(page.url()).toContain(`/o/${server.organisations[0]!.id}/boats`)

    await page.getByRole('link', { name: 'Members' }).click()
    await page.getByRole('button', { name: 'Invite a colleague' }).click()
    await page.getByLabel('Email address').fill('tom@quay.example')
    await page.getByRole('dialog').getByLabel('Role').selectOption('admin')
    await page.getByRole('button', { name: 'Send invitation' }).click()
    await page.getByText('An invitation is on its way to tom@quay.example').waitFor()

    const { id } = server.organisations[0]!.invitations[0]!
    server.addPerson('Tom Oduya', 'tom@quay.example')
    const colleague = await tab()
    await colleague.goto(`${server.origin}/invitation#${id}`)
    await colleague.getByRole('link', { name: 'Sign in' }).click()
    await colleague.getByLabel('Email address').fill('tom@quay.example')
    await colleague.getByLabel('Password').fill(password)
    await colleague.keyboard.press('Enter')
    await colleague.getByRole('button', { name: 'Accept invitation' }).click()
    await heading(colleague, 'Boats').waitFor()
    expect(server.addresses.filter((address) => address.includes(id))).toEqual([])
  })

  it('sends no token of a link to any log, and takes it out of the address bar', async () => {
    const page = await tab()
    await page.goto(`${server.origin}/verify#a-secret-token`)
    await page.getByRole('button', { name: 'Confirm this email address' }).waitFor()
    await expect.poll(() => page.url()).toBe(`${server.origin}/verify`)
    await page.getByRole('button', { name: 'Confirm this email address' }).click()
    await page.getByText('This link was used before').waitFor()
    expect(server.addresses.join(' ')).not.toContain('a-secret-token')
  })

  it('confirms nothing before a person has clicked', async () => {
    server.signUps.push({ token: 'token', name: 'Una', address: 'una@quay.example', password })
    const page = await tab()
    await page.goto(`${server.origin}/verify#token`)
    await page.getByRole('button', { name: 'Confirm this email address' }).waitFor()
    expect(server.requests.filter(({ path: at }) => at === '/api/verify')).toEqual([])
  })

  it('leads back to where one was going, and to no other site', async () => {
    const { north } = quay()
    const page = await tab()
    await page.goto(`${server.origin}/o/${north.id}/boats?search=tross%2012`)
    await page.getByLabel('Email address').fill('mara@quay.example')
    await page.getByLabel('Password').fill(password)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Albatross 12' }).waitFor()
    expect(page.url()).toBe(`${server.origin}/o/${north.id}/boats?search=tross+12`)

    await signIn(page, 'mara@quay.example', '/sign-in#//evil.example')
    await heading(page, 'Your organisations').waitFor()
    expect(page.url()).toBe(`${server.origin}/organisations`)
  })

  it('says how the claims stand, broken ones too, and nothing where nothing is known', async () => {
    const page = await tab()
    await page.goto(`${server.origin}/sign-in`)
    await page.getByText('What we promise').waitFor()
    expect(await page.getByText('Last attacked').count()).toBe(0)
    const checkedAt = new Date(Date.now() - 180_000).toISOString()
    server.claims.push({ status: 'holds', checkedAt }, { status: 'holds', checkedAt }, { status: 'stale', checkedAt })
    await page.reload()
    await page.getByText('2 of 3 claims hold. Last attacked 3 minutes ago.').waitFor()
    server.claims.push({ status: 'broken', checkedAt })
    await page.reload()
    await page.getByText('2 of 4 claims hold. 1 is broken. Last attacked 3 minutes ago.').waitFor()
  })

  it('says that address and password are wrong, and no more', async () => {
    quay()
    const page = await tab()
    for (const address of ['mara@quay.example', 'nobody@quay.example']) {
      await page.goto(`${server.origin}/sign-in`)
      await page.getByLabel('Email address').fill(address)
      await page.getByLabel('Password').fill('a wrong one')
      await page.keyboard.press('Enter')
      await page.getByText('Address and password do not belong together').waitFor()
    }
  })
})

describe('the account', () => {
  it('asks for the password of the sign-up in another browser', async () => {
    server.signUps.push({ token: 'token', name: 'Una', address: 'una@quay.example', password, elsewhere: true })
    const page = await tab()
    await page.goto(`${server.origin}/verify#token`)
    await page.getByRole('button', { name: 'Confirm this email address' }).click()
    await page.getByText('You signed up in another browser').waitFor()
    await page.getByLabel('Password').fill('another password altogether')
    await page.keyboard.press('Enter')
    await page.getByText('is not the one you chose').waitFor()
    await page.getByLabel('Password').fill(password)
    await page.keyboard.press('Enter')
    await heading(page, 'Email address confirmed').waitFor()
  })

  it('gets a new password by mail', async () => {
    const page = await tab()
    await page.goto(`${server.origin}/sign-in`)
    await page.getByRole('link', { name: 'Forgotten your password?' }).click()
    await page.getByLabel('Email address').fill('mara@quay.example')
    await page.keyboard.press('Enter')
    await heading(page, 'Look into your mailbox').waitFor()
    await page.goto(`${server.origin}/new-password#token`)
    await page.getByLabel('New password').fill(password)
    expect(page.url()).not.toContain('token')
    await page.keyboard.press('Enter')
    await heading(page, 'Your password is set').waitFor()
  })

  it('changes name, email address and password, and is given up', async () => {
    quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example')
    await heading(page, 'Your organisations').waitFor()
    await page.getByRole('button', { name: /Your account/ }).click()
    await page.getByRole('link', { name: 'Your account' }).click()
    await heading(page, 'Your account').waitFor()

    await page.getByLabel('Your name').fill('Mara L.')
    await page.getByRole('button', { name: 'Save name' }).click()
    await page.getByText('Your name is saved.').waitFor()

    await page.getByLabel('New email address').fill('mara@new.example')
    await page.getByRole('button', { name: 'Change email address' }).click()
    await page.getByText('A change to mara@new.example waits').waitFor()
    await page.getByRole('button', { name: 'Give this change up' }).click()
    await page.getByText('The change was given up').waitFor()

    await page.getByLabel('Current password').fill(password)
    await page.getByLabel('New password').fill('four green turtles sing')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('Your password is changed.').waitFor()
    expect(await page.getByLabel('Current password').inputValue()).toBe('')

    const north = server.organisations.find(({ name }) => name.startsWith('North'))!
    server.refuse('POST', '/api/account/close', {
      status: 409,
      code: 'accounts/owner-needed',
      title: 'You are the only owner.',
      organisations: [north.id],
    })
    await page.getByRole('button', { name: 'Delete account' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete account' }).click()
    await page.getByText('You are the only owner here').waitFor()
    await page.getByRole('link', { name: north.name }).waitFor()
  })
})

describe('organisations', () => {
  it('are one to a tab, and never mix', async () => {
    const { north, outer } = quay()
    const first = await tab()
    await signIn(first, 'mara@quay.example', `/sign-in#/o/${north.id}/boats`)
    await first.getByRole('link', { name: 'Albatross 1', exact: true }).waitFor()

    const second = await first.context().newPage()
    const complaints = listen(second)
    await second.goto(`${server.origin}/o/${outer.id}/boats`)
    await second.getByRole('link', { name: 'Cormorant' }).waitFor()

    await first.getByRole('button', { name: 'Show more' }).click()
    await first.getByRole('link', { name: 'Albatross 12' }).waitFor()
    await first.reload()
    await first.getByRole('link', { name: 'Albatross 1', exact: true }).waitFor()
    expect(await first.getByText('Cormorant').count()).toBe(0)
    expect(await second.getByText('Albatross').count()).toBe(0)

    for (const page of [first, second]) {
      const kept = await page.evaluate(() =>
        JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
      )
      for (const { id } of [north, outer]) expect(kept).not.toContain(id)
    }
    expect(complaints).toEqual([])
  })

  it('show nothing of the one that was left while the next is on its way', async () => {
    const { north, outer } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats`)
    await page.getByRole('link', { name: 'Albatross 1', exact: true }).waitFor()
    const release = server.hold()
    await page.getByRole('button', { name: /Switch organisation/ }).click()
    await page.getByRole('link', { name: 'Outer Skerries' }).click()
    await page.waitForURL(`**/o/${outer.id}`)
    expect(await page.getByText('Albatross').count()).toBe(0)
    await page.getByRole('status').getByText('Loading').waitFor()
    expect(await page.getByText('Albatross').count()).toBe(0)
    release()
    await page.getByRole('link', { name: 'Cormorant' }).waitFor()
  })

  it('that are not yours, that do not exist, and pages without the right to them look the same', async () => {
    const { mara, north, outer } = quay()
    outer.members.delete(mara.id)
    const page = await tab()
    await signIn(page, 'mara@quay.example')
    const seen: string[] = []
    for (const at of [
      `/o/${outer.id}/boats`,
      '/o/018f0000-0000-7000-8000-000000000000/boats',
      `/o/${north.id}/engine`,
      `/o/${north.id}/no-such-page`,
      `/o/${north.id}/boats/no-such-boat`,
      '/no-such-page',
    ]) {
      await page.goto(server.origin + at)
      await heading(page, 'There is nothing here').waitFor()
      seen.push(await page.getByRole('main').innerText())
    }
    expect(new Set(seen).size).toBe(1)
    expect(await page.getByRole('link', { name: 'Engine room' }).count()).toBe(0)
  })

  it('lose a member only after a confirmation', async () => {
    const { north, ana } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/members`)
    await page.getByRole('button', { name: 'Remove: Ana Sousa' }).click()
    await page.getByRole('alertdialog', { name: 'Remove Ana Sousa?' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('alertdialog').waitFor({ state: 'hidden' })
    expect(north.members.has(ana.id)).toBe(true)

    await page.getByRole('button', { name: 'Remove: Ana Sousa' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('Ana Sousa is no longer a member').waitFor()
    await page.getByRole('cell', { name: 'Ana Sousa' }).waitFor({ state: 'detached' })
    expect(north.members.has(ana.id)).toBe(false)

    await page.getByRole('button', { name: 'Withdraw: tom@quay.example' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Withdraw' }).click()
    await page.getByText('no longer works').waitFor()
    expect(north.invitations).toEqual([])
  })

  it('can be left', async () => {
    const { outer, mara } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${outer.id}/members`)
    const invite = page.getByRole('button', { name: 'Invite a colleague' })
    await expect.poll(() => invite.getAttribute('aria-disabled')).toBe('true')
    expect(await page.getByRole('button', { name: 'Remove: Ana Sousa' }).getAttribute('aria-disabled')).toBe('true')
    await page.getByRole('button', { name: 'Leave' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Leave' }).click()
    await page.getByText('You have left Outer Skerries').waitFor()
    await heading(page, 'Boats').waitFor()
    expect(outer.members.has(mara.id)).toBe(false)
  })
})

describe('a session', () => {
  it('that ended leads to sign-in, and from there back', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats`)
    await page.getByRole('link', { name: 'Albatross 1', exact: true }).waitFor()
    server.endSessions()
    await page.getByRole('link', { name: 'Albatross 2', exact: true }).click()
    await heading(page, 'Your session has ended').waitFor()
    expect(await page.getByRole('main').innerText()).not.toContain('Albatross')
    await page.getByRole('button', { name: 'Sign in here' }).click()
    await heading(page, 'Sign in').waitFor()
    await page.getByLabel('Email address').fill('mara@quay.example')
    await page.getByLabel('Password').fill(password)
    await page.keyboard.press('Enter')
    await heading(page, 'Albatross 2').waitFor()
  })

  it('that ends while somebody writes costs not a word', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats/new`)
    await page.getByLabel('Name').fill('Dunlin')
    server.endSessions()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('what you wrote is still here').waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('Dunlin')

    const [elsewhere] = await Promise.all([
      page.context().waitForEvent('page'),
      page.getByRole('link', { name: 'Sign in in a new tab' }).click(),
    ])
    await elsewhere.getByLabel('Email address').fill('mara@quay.example')
    await elsewhere.getByLabel('Password').fill(password)
    await elsewhere.keyboard.press('Enter')
    await heading(elsewhere, 'Your organisations').waitFor()
    await page.bringToFront()
    await page.getByRole('button', { name: 'Save' }).click()
    await heading(page, 'Dunlin').waitFor()
  })

  it('that is found to have ended hides the page, and gives it back to the same person only', async () => {
    const { north } = quay()
    const page = await tab()
    await page.clock.install()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats/new`)
    const comeBack = async () => {
      await page.clock.fastForward('02:00')
      await page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')))
    }
    const signInElsewhere = async (address: string) => {
      const elsewhere = await page.context().newPage()
      await signIn(elsewhere, address)
      await heading(elsewhere, 'Your organisations').waitFor()
      await elsewhere.close()
    }
    await page.getByLabel('Name').fill('Dunlin')
    server.endSessions()
    await comeBack()
    await heading(page, 'Your session has ended').waitFor()
    expect(await page.getByLabel('Name').isVisible()).toBe(false)
    await signInElsewhere('mara@quay.example')
    await comeBack()
    await heading(page, 'New boat').waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('Dunlin')

    server.endSessions()
    await comeBack()
    await heading(page, 'Your session has ended').waitFor()
    await signInElsewhere('ana@skerries.example')
    await comeBack()
    await page.getByText('Ana Sousa').first().waitFor()
    expect(await page.locator('body').innerHTML()).not.toContain('Dunlin')
    expect(await page.locator('input[value="Dunlin"]').count()).toBe(0)
  })

  it('of somebody else shows nothing that the one before has read', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats`)
    await page.getByRole('link', { name: 'Albatross 1', exact: true }).waitFor()
    const elsewhere = await page.context().newPage()
    await signIn(elsewhere, 'ana@skerries.example')
    await heading(elsewhere, 'Your organisations').waitFor()
    let look = () => {}
    const looked = new Promise<void>((done) => {
      look = done
    })
    // What Ana is given herself comes only after the look at what Mara has left behind.
    await page.route('**/api/o/**', async (route) => {
      await looked
      await route.continue()
    })
    await page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')))
    await page.getByText('Ana Sousa').first().waitFor()
    expect(await page.getByText('Albatross').count()).toBe(0)
    look()
    await page.getByRole('link', { name: 'Albatross 1', exact: true }).waitFor()
  })

  it('ends by signing out, and what was read is forgotten', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats`)
    await page.getByRole('button', { name: 'Your account' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await heading(page, 'Sign in').waitFor()
    const release = server.hold()
    await page.goBack()
    await page.waitForURL('**/boats')
    await page.waitForTimeout(100)
    expect(await page.getByText('Albatross').count()).toBe(0)
    release()
    await heading(page, 'Sign in').waitFor()
  })

  it('has a page', async () => {
    quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example')
    await page.getByRole('button', { name: 'Your account' }).click()
    await page.getByRole('link', { name: 'This session' }).click()
    await heading(page, 'This session').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await heading(page, 'Sign in').waitFor()
  })
})

describe('a problem', () => {
  const cases = [
    { status: 403, title: 'Your role does not allow this', remedy: 'An owner or an admin' },
    { status: 404, title: 'There is nothing here', remedy: 'deleted or moved' },
    { status: 428, title: 'One step is missing', remedy: 'A second factor is wanted.' },
    { status: 429, title: 'Too many tries', remedy: 'in 17 seconds', retryAfter: 17 },
    { status: 429, title: 'Too many tries', remedy: 'in 5 minutes', retryAfter: 300 },
  ]

  it.each(cases)('of status $status is a page with a remedy', async ({ status, title, remedy, retryAfter }) => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example')
    await heading(page, 'Your organisations').waitFor()
    const refused = {
      status,
      code: 'fixture/refused',
      title: 'A second factor is wanted.',
      ...(retryAfter ? { retryAfter } : {}),
    }
    server.refuse('GET', `/api/o/${north.id}/boats/n1`, refused)
    await page.goto(`${server.origin}/o/${north.id}/boats/n1`)
    await heading(page, title).waitFor()
    await page.getByText(remedy).waitFor()
    await page.getByRole('link', { name: 'Back to the start' }).click()
    await heading(page, 'Your organisations').waitFor()
  })

  it('of the server is tried again, then said, with a reference', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example')
    const refused = { status: 503, code: 'http/busy', title: 'Busy.' }
    for (let times = 0; times < 3; times++) server.refuse('GET', `/api/o/${north.id}/boats/n1`, refused)
    await page.goto(`${server.origin}/o/${north.id}/boats/n1`)
    await page.getByText(/Reference http\/busy, request/).waitFor()
  })

  it('of the network is said in place, and can be tried again', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats/new`)
    await page.getByLabel('Name').fill('Dunlin')
    await page.context().setOffline(true)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The server did not answer').waitFor()
    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Save' }).click()
    await heading(page, 'Dunlin').waitFor()
  })
})

describe('a form', () => {
  it('says at each input what is wrong with it, and goes there', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/members`)
    await page.getByRole('button', { name: 'Invite a colleague' }).click()
    const address = page.getByRole('dialog').getByLabel('Email address')
    await address.fill('tom')
    // The browser's own check is passed over: the server's answer is what is tested.
    await page.locator('form').evaluate((form: HTMLFormElement) => {
      form.noValidate = true
    })
    await page.getByRole('button', { name: 'Send invitation' }).click()
    await page.getByText('This is no mail address.').waitFor()
    expect(await address.getAttribute('aria-invalid')).toBe('true')
    const described = await address.getAttribute('aria-describedby')
    expect(await page.locator(`[id="${described}"]`).innerText()).toBe('This is no mail address.')
    await expect.poll(() => address.evaluate((input) => input === document.activeElement)).toBe(true)
    await address.press('End')
    await address.pressSequentially('@quay.example')
    expect(await address.getAttribute('aria-invalid')).toBe(null)
  })

  it('sends the same key again after a lost answer, and a new one once it was changed', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats/new`)
    const busy = { status: 503, code: 'http/busy', title: 'Busy.' }
    for (let times = 0; times < 2; times++) server.refuse('POST', `/api/o/${north.id}/boats`, busy)
    const posts = () => server.requests.filter(({ method, path: at }) => method === 'POST' && at.endsWith('/boats'))
    const save = async (times: number) => {
      await page.getByRole('button', { name: 'Save' }).click()
      await expect.poll(() => posts().length).toBe(times)
    }
    await page.getByLabel('Name').fill('Dunlin')
    await save(1)
    await page.getByText('Something went wrong on our side').waitFor()
    await save(2)
    await expect.poll(() => page.getByRole('button', { name: 'Save' }).getAttribute('aria-busy')).toBe(null)
    await page.getByLabel('Name').fill('Dunlin II')
    await save(3)
    await heading(page, 'Dunlin II').waitFor()
    const [first, second, third] = posts().map(({ idempotencyKey }) => idempotencyKey)
    expect(first).toMatch(/^[0-9a-f-]{36}$/)
    expect(second).toBe(first)
    expect(third).not.toBe(first)
  })

  it('sends once, however often the button is pressed', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats/new`)
    await page.getByLabel('Name').fill('Dunlin')
    const release = server.hold()
    const save = page.getByRole('button', { name: 'Save' })
    await save.evaluate((button: HTMLButtonElement) => {
      for (let times = 0; times < 5; times++) button.click()
    })
    release()
    await heading(page, 'Dunlin').waitFor()
    expect(north.boats.filter(({ name }) => name === 'Dunlin')).toHaveLength(1)
  })
})

describe('the keyboard', () => {
  it('does everything: in, skip, switch, tabs, dialog, back', async () => {
    const { north } = quay()
    const page = await tab()
    await page.goto(`${server.origin}/sign-in#/o/${north.id}/parts`)
    await page.getByLabel('Email address').focus()
    await page.keyboard.type('mara@quay.example')
    await page.keyboard.press('Tab')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await heading(page, 'Parts').waitFor()
    expect(await page.title()).toBe('Parts · Tidewater')
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim())
    await expect.poll(focused).toBe('Parts')

    await page.reload()
    await heading(page, 'Parts').waitFor()
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the content')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Notices')
    await page.keyboard.press('ArrowRight')
    expect(await focused()).toBe('Buttons')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Open a dialog')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'A dialog' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(await focused()).toBe('Open a dialog')

    await page.getByRole('button', { name: /Switch organisation/ }).focus()
    await page.keyboard.press('Enter')
    const inMenu = () => page.evaluate(() => document.activeElement?.matches('.menu *'))
    await expect.poll(inMenu).toBe(true)
    expect(await focused()).toBe('North Quay')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('Outer Skerries')
    await page.keyboard.press('Escape')
    await expect.poll(inMenu).toBe(false)
    expect(await focused()).toBe('North Quay')
    await page.keyboard.press('Enter')
    await expect.poll(inMenu).toBe(true)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await heading(page, 'Boats').waitFor()
    await page.getByRole('link', { name: 'Cormorant' }).waitFor()
    await expect.poll(focused).toBe('Boats')
  })

  it('reads why a button is off', async () => {
    const { outer } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${outer.id}/members`)
    const invite = page.getByRole('button', { name: 'Invite a colleague' })
    await expect.poll(() => invite.getAttribute('aria-disabled')).toBe('true')
    await invite.focus()
    await page.getByText('Your role does not allow inviting').waitFor()
    await page.keyboard.press('Enter')
    expect(await page.getByRole('dialog').count()).toBe(0)
  })
})

describe('waiting', () => {
  it('shows nothing for 300 ms, and then says so', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats`)
    await page.getByRole('link', { name: 'Albatross 1', exact: true }).waitFor()
    await page.evaluate(() => {
      const times = globalThis as unknown as { from?: number; shown?: number }
      document.addEventListener('click', () => {
        times.from = performance.now()
      })
      new MutationObserver(() => {
        if (document.querySelector('.skeleton-line, .spinner')) times.shown ??= performance.now()
      }).observe(document.body, { subtree: true, childList: true })
    })
    const release = server.hold()
    await page.getByRole('link', { name: 'Albatross 2', exact: true }).click()
    await page.getByRole('status').getByText('Loading').waitFor()
    release()
    await heading(page, 'Albatross 2').waitFor()
    const waited = await page.evaluate(() => {
      const { from = 0, shown = 0 } = globalThis as unknown as { from?: number; shown?: number }
      return shown - from
    })
    expect(waited).toBeGreaterThanOrEqual(295)
  })

  it('asks once per pause of typing, and keeps the search in the address', async () => {
    const { north } = quay()
    const page = await tab()
    await signIn(page, 'mara@quay.example', `/sign-in#/o/${north.id}/boats`)
    await page.getByRole('link', { name: 'Albatross 1', exact: true }).waitFor()
    server.addresses.length = 0
    // Letter by letter in one go: a busy machine must not make a pause of its own.
    await page.getByRole('searchbox', { name: 'Search boats' }).evaluate((box: HTMLInputElement) => {
      const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')!
      for (let end = 1; end <= 'tross 17'.length; end++) {
        set?.call(box, 'tross 17'.slice(0, end))
        box.dispatchEvent(new Event('input', { bubbles: true }))
      }
    })
    await expect.poll(() => page.getByRole('row').count()).toBe(2)
    expect(server.addresses.filter((address) => address.includes('search='))).toHaveLength(1)
    expect(page.url()).toContain('?search=tross+17')
    await page.getByRole('searchbox').fill('nothing like it')
    await page.getByText('No boat is called “nothing like it”').waitFor()
    await page.getByRole('searchbox').fill('')
    await page.getByRole('link', { name: 'Albatross 1', exact: true }).waitFor()
  })
})

describe('individuals', () => {
  it('never meet an organisation', async () => {
    await server.close()
    server = await startFixtureServer(path.join(folder, 'individuals'))
    const page = await tab()
    const sol = server.addPerson('Sol Ito', 'sol@tide.example')
    const own = server.addOrganisation('Sol Ito', { [sol.id]: 'owner' })
    const words: string[] = []
    const read = async () => words.push(await page.locator('body').innerText(), page.url())
    for (const at of ['/sign-up', '/sign-in', '/check-mail', '/verify#token']) {
      await page.goto(server.origin + at)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await read()
    }
    await signIn(page, 'sol@tide.example')
    await heading(page, 'Boats').waitFor()
    expect(page.url()).toBe(`${server.origin}/boats`)
    await read()
    await page.getByRole('link', { name: 'New boat' }).first().click()
    await page.getByLabel('Name').fill('Eider')
    await page.getByRole('button', { name: 'Save' }).click()
    await heading(page, 'Eider').waitFor()
    await read()
    await page.getByRole('button', { name: 'Your account' }).click()
    await page.getByRole('link', { name: 'This session' }).click()
    await heading(page, 'This session').waitFor()
    await read()
    for (const at of ['/organisations', '/organisations/new', '/members', '/invitation#x', `/o/${own.id}/boats`]) {
      await page.goto(server.origin + at)
      await heading(page, 'There is nothing here').waitFor()
      words.push(await page.locator('body').innerText())
    }
    expect(words.join('\n')).not.toMatch(/organi[sz]ation|member|invit/i)
    expect(words.join('\n')).not.toContain(own.id)
  })
})

describe('every page', () => {
  const places = (north: string) => [
    { at: '/organisations', title: 'Your organisations' },
    { at: '/organisations/new', title: 'Name your organisation' },
    { at: '/session', title: 'This session' },
    { at: '/account', title: 'Your account' },
    { at: '/account/security', title: 'Second factors', ready: 'This laptop' },
    { at: '/second-step', title: 'One more step', ready: 'Use a recovery code instead' },
    { at: `/o/${north}/boats`, title: 'Boats', ready: 'Albatross 3' },
    { at: `/o/${north}/boats?search=none`, title: 'Boats', ready: 'No boat is called' },
    { at: `/o/${north}/boats/new`, title: 'New boat' },
    { at: `/o/${north}/boats/n1`, title: 'Albatross 1' },
    { at: `/o/${north}/boats/none`, title: 'There is nothing here' },
    { at: `/o/${north}/members`, title: 'Members', ready: 'tom@quay.example' },
    { at: `/o/${north}/parts`, title: 'Parts', ready: 'Not saved' },
  ]
  const outside = [
    { at: '/sign-in', title: 'Sign in' },
    { at: '/sign-up', title: 'Create your account' },
    { at: '/check-mail', title: 'Look into your mailbox' },
    { at: '/verify#token', title: 'Confirm your email address' },
    { at: '/verify', title: 'This link is not complete' },
    { at: '/forgotten', title: 'Ask for a new password' },
    { at: '/new-password', title: 'This link is not complete' },
    { at: '/new-password#token', title: 'Choose a new password' },
    { at: '/confirm-address#token', title: 'Confirm the change of email address' },
    { at: '/stop-address#token', title: 'Keep the old email address' },
    { at: '/keep-account#token', title: 'Keep your account' },
    { at: '/begin-recovery#token', title: 'Remove all second factors' },
    { at: '/stop-recovery#token', title: 'Keep the second factors' },
    { at: '/invitation#token', title: 'You are invited' },
  ]
  const looks: [string, BrowserContextOptions][] = [
    ['in light', { colorScheme: 'light' }],
    ['in dark', { colorScheme: 'dark' }],
    ['on a phone', { ...phone, colorScheme: 'light' }],
    ['on a phone in dark', { ...phone, colorScheme: 'dark', reducedMotion: 'reduce' }],
  ]

  it.each(looks)(
    'is accessible and fits, %s',
    async (_, options) => {
      const { north } = quay()
      const page = await tab(options)
      const found: string[] = []
      const visit = async ({ at, title, ready }: { at: string; title: string; ready?: string }) => {
        await page.goto(server.origin + at)
        await heading(page, title).first().waitFor()
        if (ready) await page.getByText(ready).first().waitFor()
        found.push(...(await flaws(page, at)))
      }
      for (const place of outside) await visit(place)
      await signIn(page, 'mara@quay.example')
      await heading(page, 'Your organisations').waitFor()
      for (const place of places(north.id)) await visit(place)

      await page.getByRole('tab', { name: 'Buttons' }).click()
      await page.getByRole('button', { name: 'Say something' }).click()
      await page.getByText('A thing was done.').waitFor()
      found.push(...(await flaws(page, 'buttons')))
      await page.getByRole('tab', { name: 'Fields' }).click()
      found.push(...(await flaws(page, 'fields')))
      await page.getByRole('button', { name: /Switch organisation/ }).click()
      found.push(...(await flaws(page, 'organisations')))
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Your account' }).click()
      found.push(...(await flaws(page, 'account')))
      await page.goto(`${server.origin}/o/${north.id}/members`)
      await page.getByRole('button', { name: 'Invite a colleague' }).click()
      found.push(...(await flaws(page, 'invite')))
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Remove: Ana Sousa' }).click()
      await page.getByRole('alertdialog').waitFor()
      found.push(...(await flaws(page, 'confirm')))
      expect(found).toEqual([])
    },
    60_000,
  )

  it('runs under a policy that bites', async () => {
    const page = await openTab(browser)
    await page.page.goto(`${server.origin}/sign-in`)
    await heading(page.page, 'Sign in').waitFor()
    const refused = await page.page.evaluate(() => {
      const style = document.createElement('style')
      style.textContent = 'h1 { color: red }'
      document.head.append(style)
      try {
        document.body.innerHTML = '<p>written as text</p>'
        return 'written'
      } catch (error) {
        return (error as Error).name
      }
    })
    expect(refused).toBe('TypeError')
    expect(page.complaints.join(' ')).toMatch(/style-src/)
    await page.page.context().close()
  })
})

async function flaws(page: Page, at: string): Promise<string[]> {
  return (await flawsOf(page)).map((flaw) => `${at}: ${flaw}`)
}
