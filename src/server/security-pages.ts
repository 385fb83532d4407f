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

  // The page is for everybody: whoever loads it again and again reads the ledger once a second.
  let kept: { at: number; findings: ReturnType<typeof readFindings> } | undefined
  const findings = () => {
    if (kept === undefined || performance.now() - kept.at > 1000) {
      const asked = { at: performance.now(), findings: readFindings(auditor) }
      asked.findings.catch(() => {
        if (kept === asked) kept = undefined
      })
      kept = asked
    }
    return kept.findings
  }
  const evidence = async (): Promise<EvidenceInput> => ({
    product,
    promises,
    claims,
    findings: await findings(),
    accepted: options.acceptedRisks,
    now: new Date(),
    commit: options.commit,
  })
  const json = async () => securityJson(await evidence())
  const document = (title: string, markdown: string) => ({
    type: html,
    body: renderReadingPage({ product, title, markdown, commit: options.commit }),
  })
  return {
    json,
    drawn: {
      [securityPaths.page]: async (url) => {
        if (url.pathname === securityPaths.page)
          return { type: html, body: renderSecurityPage({ ...(await evidence()), source }) }
        const control = url.pathname.startsWith(securityPaths.controls)
          ? url.pathname.slice(securityPaths.controls.length)
          : ''
        const text = words.get(control)
        return text === undefined ? undefined : document(control, text)
      },
      [securityPaths.evidence]: async () => ({ type: 'application/json', body: JSON.stringify(await json()) }),
      '/security.md': async () => ({ type: 'text/markdown; charset=utf-8', body: markdown }),
      '/errors': async () => document('Error codes', errors),
    },
    assets: {
      [securityPaths.style]: { type: 'text/css; charset=utf-8', bytes: Buffer.from(securityStyle()) },
      [securityPaths.icon]: { type: 'image/svg+xml', bytes: Buffer.from(markFile) },
      [securityPaths.font]: { type: 'font/woff2', bytes: await readFile(fontFile()) },
    },
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
