import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Claims } from '../kernel/claim.ts'
import type { AcceptedRisk } from '../kernel/finding.ts'
import type { Login } from '../platform/database/login.ts'
import { type EvidenceInput, type SecurityJson, securityJson } from '../proving/evidence.ts'
import { readFindings } from '../proving/ledger.ts'
import { markFile } from '../proving/mark.ts'
import { renderSecurityPage, securityPaths, securityStyle } from '../proving/page.ts'
import { parsePage } from '../proving/page-source.ts'
import { promises } from '../proving/promises.ts'
import { renderReadingPage } from '../proving/reading-page.ts'
import { allControls } from './all-controls.ts'
import type { PageParts } from './pages.ts'
import type { Product } from './product.ts'

const html = 'text/html; charset=utf-8'

/** The security page of one product, its evidence as JSON, its source, and the words of each control. */
export async function createSecurityPages(options: {
  readonly product: Product
  readonly auditor: Login
  readonly acceptedRisks: readonly AcceptedRisk[]
  readonly commit: string
}): Promise<{
  readonly drawn: PageParts['drawn']
  readonly assets: Readonly<Record<string, { type: string; bytes: Uint8Array }>>
  json(): Promise<SecurityJson>
}> {
  const { product, auditor } = options
  const claims: Claims = Object.assign({}, ...allControls.map((control) => control.claims))
  const markdown = await readFile(product.securityPage, 'utf8')
  const source = parsePage(markdown, claims)
  const words = await readWords()
  const errors = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')

  // All of this is for everybody: whoever loads it again and again has the ledger read, and the page drawn, once a second.
  const lately = atMostEachSecond(async () => {
    const findings = await readFindings(auditor)
    const accepted = options.acceptedRisks
    const evidence: EvidenceInput = {
      ...{ product, promises, claims, findings, accepted },
      now: new Date(),
      commit: options.commit,
    }
    const json = securityJson(evidence)
    return {
      json,
      page: { type: html, body: renderSecurityPage({ ...evidence, source }) },
      published: { type: 'application/json', body: JSON.stringify(json) },
    }
  })
  const document = (title: string, markdown: string) => ({
    type: html,
    body: renderReadingPage({ product, title, markdown, commit: options.commit }),
  })
  const read = new Map([...words].map(([control, text]) => [control, document(control, text)]))
  const errorCodes = document('Error codes', errors)
  return {
    json: async () => (await lately()).json,
    drawn: {
      [securityPaths.page]: async (url) => {
        if (url.pathname === securityPaths.page) return (await lately()).page
        const control = url.pathname.startsWith(securityPaths.controls)
          ? url.pathname.slice(securityPaths.controls.length)
          : ''
        return read.get(control)
      },
      [securityPaths.evidence]: async () => (await lately()).published,
      '/security.md': async () => ({ type: 'text/markdown; charset=utf-8', body: markdown }),
      '/errors': async () => errorCodes,
    },
    assets: {
      [securityPaths.style]: { type: 'text/css; charset=utf-8', bytes: Buffer.from(securityStyle()) },
      [securityPaths.icon]: { type: 'image/svg+xml', bytes: Buffer.from(markFile) },
      [securityPaths.font]: { type: 'font/woff2', bytes: await readFile(fontFile()) },
    },
  }
}

/** What `make` returned lately; made anew after a second, or when it had failed. */
function atMostEachSecond<T>(make: () => Promise<T>): () => Promise<T> {
  let kept: { readonly at: number; readonly made: Promise<T> } | undefined
  return () => {
    if (kept !== undefined && performance.now() - kept.at <= 1000) return kept.made
    const asked = { at: performance.now(), made: make() }
    asked.made.catch(() => {
      if (kept === asked) kept = undefined
    })
    kept = asked
    return asked.made
  }
}

/** One file of the bundled family serves every page. */
export function fontFile(): string {
  return createRequire(import.meta.url).resolve(
    '@fontsource-variable/hanken-grotesk/files/hanken-grotesk-latin-wght-normal.woff2',
  )
}

async function readWords(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const { name } of allControls) {
    const folder = name === 'proving' ? 'proving' : `controls/${name}`
    found.set(name, await readFile(new URL(`../${folder}/README.md`, import.meta.url), 'utf8'))
  }
  return found
}
