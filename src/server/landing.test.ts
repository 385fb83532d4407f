import { expect, test } from 'vitest'
import { statuses } from '../kernel/finding.ts'
import type { ReceivedMail } from '../platform/mail/mailbox.ts'
import { type Landing, type LandingProduct, landingStyle, renderLanding, renderMail, renderMailbox } from './landing.ts'

const product: LandingProduct = {
  title: 'Ebb',
  sentence: 'Flashcards that come back just before you forget them.',
  origin: 'http://localhost:8702',
  securityPath: '/security',
  claims: [
    { id: 'a/holds', status: 'holds' },
    { id: 'a/broken', status: 'broken' },
    { id: 'a/stale', status: 'stale' },
  ],
  signIns: [{ who: 'Somebody', address: 'lena@learn.example', password: 'salt-reef-harbour' }],
}

const landing: Landing = {
  version: '0.1.0',
  commit: '46c507b9d0f0a1b2c3d4',
  products: [product],
  mailbox: { path: '/mail', mails: 1 },
  sabotages: [
    {
      title: 'Drop a policy',
      product: 'Ebb',
      anchor: 'break-ebb-1',
      action: '/sabotages/1',
      claims: ['a/holds'],
      shows: 'holds',
      href: 'http://localhost:8702/security#I1',
    },
  ],
  running: [{ what: 'Ebb', where: 'http://localhost:8702' }],
  dataFolder: '/data/.holdfast',
}

const mail: ReceivedMail = {
  id: '1',
  from: 'Ebb <mail@ebb.example>',
  to: ['lena@learn.example'],
  subject: 'Verify',
  receivedAt: '2026-03-04T10:00:00Z',
  text: 'Hello',
  headers: [],
}

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&`

test('only what is green counts as holding', () => {
  for (const status of statuses) {
    const page = renderLanding({ ...landing, products: [{ ...product, claims: [{ id: 'a/b', status }] }] })
    const holding = status === 'holds' ? 1 : 0
    expect(page).toContain(`<strong class="figures">${holding}</strong> of <span class="figures">1</span> claims hold`)
  }
})

test('what holds against a stand-in alone does not count as holding', () => {
  const claims = [{ id: 'a/b', status: 'holds', standIn: true }] as const
  const page = renderLanding({ ...landing, products: [{ ...product, claims }] })
  expect(page).toContain('<strong class="figures">0</strong>')
  expect(page).toContain('1 holds against a stand-in')
})

test('every status that is not green is told in words', () => {
  const page = renderLanding(landing)
  expect(page).toContain('<span>1 broken</span>')
  expect(page).toContain('<span>1 stale</span>')
})

test('what is red comes before what holds', () => {
  const page = renderLanding(landing)
  expect(page.indexOf('1 broken')).toBeLessThan(page.indexOf('1 holds'))
})

test('a control is broken by one form post, and mended by the next', () => {
  const intact = renderLanding(landing)
  expect(intact).toContain('<form method="post" action="/sabotages/1">')
  expect(intact).toContain('Break it')
  expect(intact).toContain('Intact')
  const brokenSince = new Date('2026-03-04T09:58:00Z')
  const broken = renderLanding({ ...landing, sabotages: [{ ...landing.sabotages[0]!, brokenSince, shows: 'broken' }] })
  expect(broken).toContain('<form method="post" action="/sabotages/1">')
  expect(broken).toContain('Mend it')
  expect(broken).toMatch(/Broken on purpose since <time[^>]*datetime="2026-03-04T09:58:00.000Z"/)
  expect(broken).not.toContain('Intact')
})

test('without sabotages there is nothing to break, and without sign-ins nobody to sign in as', () => {
  const page = renderLanding({ ...landing, sabotages: [], products: [{ ...product, signIns: [] }] })
  expect(page).not.toContain('<form')
  expect(page).not.toContain('Sign in as')
})

test('hostile text is escaped wherever it stands', () => {
  const everywhere = replaced({ ...landing, sabotages: [{ ...landing.sabotages[0]!, brokenSince: new Date() }] })
  const pages = [
    renderLanding(everywhere),
    renderMailbox([{ ...mail, id: hostile, to: [hostile], subject: hostile }]),
    renderMail({ ...mail, from: hostile, to: [hostile], subject: hostile, text: hostile }, []),
    renderMail({ ...htmlOnly(hostile), from: hostile }, []),
  ]
  for (const page of pages) {
    expect(page).not.toMatch(/<script|<img/)
    expect(page).toContain('&lt;script&gt;')
  }
})

test('no page carries a script or an inline style', () => {
  for (const page of [renderLanding(landing), renderMailbox([mail]), renderMail(mail, [])])
    expect(page).not.toMatch(/<script|<style| style=| on[a-z]+=|javascript:/i)
})

test('the mailbox lists each mail, and says where its first one will come from', () => {
  const page = renderMailbox([mail, { ...mail, id: '2', subject: '' }])
  expect(page).toContain('<a href="/mail/1">Verify</a>')
  expect(page).toContain('<a href="/mail/2">Without a subject</a>')
  expect(renderMailbox([])).toContain('No mail yet')
})

test('an address in a mail is a link only where it leads to one of our own origins', () => {
  const origins = ['http://localhost:8702']
  const links = (text: string) =>
    [...renderMail({ ...mail, text }, origins).matchAll(/<a href="(http[^"]*)"/g)].map((m) => m[1])
  expect(links('Open http://localhost:8702/verify#token=a_b-c.')).toEqual(['http://localhost:8702/verify#token=a_b-c'])
  expect(links('(http://localhost:8702/a?b=c&d=e), and so on')).toEqual(['http://localhost:8702/a?b=c&amp;d=e'])
  for (const elsewhere of [
    'https://localhost:8702/x',
    'http://localhost:8703/x',
    'http://localhost:8702.evil.example/x',
    'http://localhost:8702@evil.example/x',
    'http://user@localhost:8702/x',
    'http://evil.example/http://localhost:8702/x',
    'javascript:alert(1)//http:x',
    'data:text/html,http://',
    'http://',
  ])
    expect(links(`see ${elsewhere} now`), elsewhere).toEqual([])
})

test('a mail of HTML alone is shown as text', () => {
  const page = renderMail(htmlOnly('<b>bold</b> <a href="http://localhost:8702/">here</a>'), ['http://localhost:8702'])
  expect(page).toContain('&lt;b&gt;bold&lt;/b&gt;')
  expect(page).not.toContain('<b>')
})

test('the style sheet fetches nothing from elsewhere', () => {
  const style = landingStyle()
  expect(style).toContain('--kelp-700')
  expect(style).not.toMatch(/@import|url\(["']?(?!["']?\/[a-z])/)
})

function htmlOnly(source: string): ReceivedMail {
  return { ...mail, text: '', html: source }
}

/** The same view with every string of it hostile. */
function replaced<T>(value: T): T {
  if (typeof value === 'string') return (statuses as readonly string[]).includes(value) ? value : (hostile as T)
  if (Array.isArray(value)) return value.map(replaced) as T
  if (value instanceof Date || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner)])) as T
}
