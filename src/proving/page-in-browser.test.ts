import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findLaunchOptions } from '../../tools/chromium.ts'
import type { ClaimId, Claims } from '../kernel/claim.ts'
import type { Finding } from '../kernel/finding.ts'
import { renderSecurityPage, securityPaths, securityStyle } from './page.ts'
import { parsePage } from './page-source.ts'
import { promises } from './promises.ts'

const now = new Date()
const outcomes: readonly Partial<Finding>[] = [
  {},
  {},
  { status: 'broken' },
  { status: 'inconclusive' },
  { against: 'stand-in' },
  { expiresAt: now.toISOString() },
  { status: 'not-applicable' },
]
const rows = ['I1', 'I1', 'I2', 'I3', 'I4', 'A2', 'T1'] as const
const claims: Claims = Object.fromEntries(
  rows.map((row, index) => [`folder-${index}/claim`, { sentence: 'It holds.', promises: [row], ttlMinutes: 60 }]),
)
const findings: Finding[] = (Object.keys(claims) as ClaimId[]).map((claim, index) => ({
  claim,
  status: 'holds',
  saw: `What was seen of ${claim}`,
  examined: 12,
  where: 'live',
  against: 'real',
  checkedAt: new Date(now.getTime() - 120_000).toISOString(),
  expiresAt: new Date(now.getTime() + 3_480_000).toISOString(),
  milliseconds: 3,
  commit: 'c0ffee',
  ...outcomes[index],
}))
const page = renderSecurityPage({
  product: { name: 'crm', title: 'Northwind' },
  source: parsePage(readFileSync(new URL('../../examples/study/security.md', import.meta.url), 'utf8'), claims),
  promises,
  claims,
  findings,
  accepted: [{ claim: 'folder-2/claim', reason: 'A test.', owner: 'Ops', until: '2999-01-01' }],
  now,
  commit: 'c0ffee',
})

let server: Server
let browser: Browser
const policy =
  "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"

beforeAll(async () => {
  server = createServer((request, response) => {
    const style = request.url === securityPaths.style
    response.writeHead(style || request.url === '/security' ? 200 : 404, {
      'content-type': style ? 'text/css' : 'text/html; charset=utf-8',
      'content-security-policy': policy,
    })
    response.end(style ? securityStyle() : page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  browser = await chromium.launch(await findLaunchOptions())
}, 120_000)

afterAll(async () => {
  await browser?.close()
  server?.close()
})

async function opened(
  width: number,
  colorScheme: 'light' | 'dark',
  use: (page: Page) => Promise<void>,
  bypassCSP = false,
) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP })
  try {
    const tab = await context.newPage()
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/security`)
    await use(tab)
  } finally {
    await context.close()
  }
}

describe('the security page in a browser', () => {
  test.each([
    [1280, 'light'],
    [1280, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('breaks no rule of accessibility at %i px, %s', async (width, scheme) => {
    await opened(
      width,
      scheme,
      async (tab) => {
        await tab.addScriptTag({ path: new URL('../../node_modules/axe-core/axe.min.js', import.meta.url).pathname })
        const violations = await tab.evaluate(async () => {
          for (const details of document.querySelectorAll('details')) details.open = true
          const { axe } = globalThis as unknown as {
            axe: { run(): Promise<{ violations: { id: string; nodes: unknown[] }[] }> }
          }
          return (await axe.run()).violations.map((violation) => `${violation.id} × ${violation.nodes.length}`)
        })
        expect(violations).toEqual([])
      },
      // The rules are a script; the page itself runs none.
      true,
    )
  })

  test('stays within its policy, and within a phone of 320 px', async () => {
    await opened(320, 'light', async (tab) => {
      const complaints: string[] = []
      tab.on('console', (message) => complaints.push(message.text()))
      await tab.reload()
      expect(complaints.filter((complaint) => complaint.includes('Content Security Policy'))).toEqual([])
      expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
    })
  })

  test('shows in print what is folded on the screen', async () => {
    await opened(1000, 'light', async (tab) => {
      const folded = tab.locator('details:not([open]) .claim').first()
      expect(await folded.isVisible()).toBe(false)
      await tab.emulateMedia({ media: 'print' })
      expect(await folded.isVisible()).toBe(true)
    })
  })

  test('takes a reader from a shape to its sentence by the keyboard', async () => {
    await opened(1280, 'light', async (tab) => {
      await tab
        .getByRole('link', { name: /^Broken|^Accepted/ })
        .first()
        .press('Enter')
      expect(await tab.evaluate(() => document.querySelector(':target .words')?.textContent)).toContain('SQL')
    })
  })
})
