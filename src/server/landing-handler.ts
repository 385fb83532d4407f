import { readFileSync } from 'node:fs'
import { refuseCrossSite, responseHeaders } from '../controls/browser-defences/browser-defences.ts'
import { Refusal } from '../kernel/refusal.ts'
import { kinds, notFound } from '../platform/http/refusals.ts'
import type { Mailbox } from '../platform/mail/mailbox.ts'
import { joinSecurityJson } from '../proving/evidence.ts'
import { markFile } from '../proving/mark.ts'
import { securityPaths } from '../proving/page.ts'
import { worst } from '../proving/status.ts'
import type { DemoState } from './demo.ts'
import type { Foundation } from './foundation.ts'
import { type Landing, landingStyle, landingStylePath, renderLanding, renderMail, renderMailbox } from './landing.ts'
import { asRefusal } from './problem.ts'
import type { Product } from './product.ts'
import type { RunningProver } from './prover-client.ts'
import type { SabotageDesk } from './sabotage-desk.ts'
import { fontFile } from './security-pages.ts'

export interface LandingParts {
  readonly origin: string
  readonly version: string
  readonly commit: string
  readonly running: readonly { readonly product: Product; readonly origin: string; readonly foundation: Foundation }[]
  readonly demo: DemoState
  readonly desk: SabotageDesk
  readonly prover: RunningProver
  readonly mailbox: Mailbox | undefined
  readonly folder: string
  readonly database: string
  /** False: others reach this page, and then it shows neither mails nor passwords, and breaks nothing. */
  readonly isLoopback: boolean
}

/** The root of the demo: landing page, development mailbox, the desk for breaking controls. Loopback only, like the rest. */
export function createLandingHandler(given: LandingParts): (request: Request, peer: string) => Promise<Response> {
  const parts = given.isLoopback ? given : withoutSecrets(given)
  const files: Readonly<Record<string, { type: string; body: string | Uint8Array<ArrayBuffer> }>> = {
    [landingStylePath]: { type: 'text/css; charset=utf-8', body: landingStyle() },
    [securityPaths.icon]: { type: 'image/svg+xml', body: markFile },
    [securityPaths.font]: { type: 'font/woff2', body: new Uint8Array(readFileSync(fontFile())) },
  }
  const host = new URL(parts.origin).host
  const html = (body: string, status = 200) =>
    new Response(body, {
      status,
      headers: { ...responseHeaders({ kind: 'page', https: false }), 'content-type': 'text/html; charset=utf-8' },
    })

  const answer = async (request: Request, url: URL): Promise<Response> => {
    if (url.host !== host) throw new Refusal(kinds.otherHost)
    refuseCrossSite(request, parts.origin)
    if (request.method === 'POST') return turn(parts, url)
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new Refusal(kinds.methodNotAllowed, { headers: { allow: 'GET, HEAD, POST' } })
    if (url.pathname === '/') {
      const shown = await view(parts)
      const page = html(renderLanding(shown))
      // Until the page of the product shows what was done here, this one looks again by itself.
      if (shown.sabotages.some(isAwaited)) page.headers.set('refresh', '3')
      return page
    }
    const file = files[url.pathname]
    if (file !== undefined)
      return new Response(file.body, {
        headers: { ...responseHeaders({ kind: 'asset', https: false }), 'content-type': file.type },
      })
    if (url.pathname === '/security.json')
      return new Response(
        JSON.stringify(joinSecurityJson(await Promise.all(parts.running.map((one) => one.foundation.securityJson())))),
        {
          headers: { ...responseHeaders({ kind: 'api', https: false }), 'content-type': 'application/json' },
        },
      )
    if (url.pathname === '/mail' && parts.mailbox) return html(renderMailbox(parts.mailbox.list()))
    const mail = /^\/mail\/([\w-]+)$/.exec(url.pathname)?.[1]
    const found = mail === undefined ? undefined : parts.mailbox?.get(mail)
    if (found !== undefined)
      return html(
        renderMail(
          found,
          parts.running.map((one) => one.origin),
        ),
      )
    throw notFound()
  }

  return async (request) => {
    const url = new URL(request.url)
    try {
      return await answer(request, url)
    } catch (error) {
      const { refusal } = asRefusal(error)
      return new Response(`${refusal.kind.title}\n`, {
        status: refusal.kind.status,
        headers: {
          ...responseHeaders({ kind: 'api', https: false }),
          'content-type': 'text/plain; charset=utf-8',
          ...refusal.headers,
        },
      })
    }
  }
}

/** It was broken or mended here, and the product's page does not show it yet. */
function isAwaited({ brokenSince, shows }: Landing['sabotages'][number]): boolean {
  if (shows === 'not-applicable') return false
  return brokenSince === undefined ? shows === 'broken' : shows !== 'broken'
}

function withoutSecrets(parts: LandingParts): LandingParts {
  const desk: SabotageDesk = { ...parts.desk, entries: () => [], turn: async () => undefined }
  return { ...parts, mailbox: undefined, demo: { crm: [], study: [], complete: true }, desk }
}

async function turn(parts: LandingParts, url: URL): Promise<Response> {
  const id = /^\/demo\/sabotage\/([\w-]+\/\d+)$/.exec(url.pathname)?.[1]
  const entry = id === undefined ? undefined : await parts.desk.turn(id)
  if (entry === undefined) throw notFound()
  // A break shows in other claims too, sooner or later: once it is mended all of them are looked at again.
  parts.prover.again(entry.product, entry.brokenSince === undefined ? entry.sabotage.turnsRed : [])
  return new Response(null, {
    status: 303,
    headers: { location: `/#${anchorOf(entry.id)}`, ...responseHeaders({ kind: 'page', https: false }) },
  })
}

/** A row of the panel; `id` is such as `crm/0`. */
function anchorOf(id: string): string {
  return `break-${id.replace('/', '-')}`
}

async function view(parts: LandingParts): Promise<Landing> {
  const each = await Promise.all(
    parts.running.map(async (one) => ({
      ...one,
      claims: (await one.foundation.securityJson()).claims,
    })),
  )
  const port = (origin: string) => `port ${new URL(origin).port}`
  return {
    version: parts.version,
    commit: parts.commit,
    products: each.map(({ product, origin, claims }) => ({
      title: product.title,
      sentence: product.sentence,
      origin,
      securityPath: '/security',
      claims: claims.map(({ id, status, against }) => ({ id, status, standIn: against === 'stand-in' })),
      signIns: product.name === 'crm' ? parts.demo.crm : parts.demo.study,
    })),
    ...(parts.mailbox === undefined ? {} : { mailbox: { path: '/mail', mails: parts.mailbox.list().length } }),
    sabotages: parts.desk.entries().map((entry) => {
      const own = each.find((one) => one.product.name === entry.product)!
      return {
        title: entry.sabotage.title,
        product: own.product.title,
        anchor: anchorOf(entry.id),
        action: `/demo/sabotage/${entry.id}`,
        claims: entry.sabotage.turnsRed,
        shows: worst(
          own.claims
            .filter((claim) => entry.sabotage.turnsRed.includes(claim.id as never))
            .map((claim) => claim.status),
        ),
        href: `${own.origin}/security`,
        ...(entry.brokenSince === undefined ? {} : { brokenSince: entry.brokenSince }),
      }
    }),
    running: [
      {
        what: 'Server',
        where: `process ${process.pid}`,
        note: 'both products and this page; sign-in runs in it too, on a login of its own',
      },
      ...each.map(({ product, origin }) => ({ what: product.title, where: port(origin) })),
      { what: 'Landing page and mailbox', where: port(parts.origin) },
      { what: 'Prover', where: `process ${parts.prover.processId}`, note: 'attacks both products from outside' },
      { what: 'Database', where: parts.database, note: 'a Unix socket in a private folder; no port' },
    ],
    dataFolder: parts.folder,
  }
}
