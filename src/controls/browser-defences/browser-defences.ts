import { randomBytes } from 'node:crypto'
import { Refusal } from '../../kernel/refusal.ts'
import { crossSiteRequest } from './refusals.ts'

/**
 * The gate before routing. Throws a 403 `Refusal` unless the request can only have come from a page of `origin`
 * (scheme, host and port, as browsers write it: `https://crm.example`).
 *
 * Whatever is not GET or HEAD must prove itself: Fetch Metadata first, where only `same-origin` passes; without it an
 * Origin header that equals `origin`; and with neither of the two, what `carriesToken` says: whether the request carries a
 * token of its own session, see `csrf-token.ts`. Otherwise, and where there is no `carriesToken`: refused. GET and HEAD
 * from another origin are refused too, unless a person is visiting a page.
 */
export function refuseCrossSite(
  request: Request,
  origin: string,
  carriesToken: (request: Request) => boolean = () => false,
): void {
  const reads = request.method === 'GET' || request.method === 'HEAD'
  const passes = reads ? mayRead(request, origin) : mayChange(request, origin, carriesToken)
  if (!passes) throw new Refusal(crossSiteRequest)
}

function mayChange(request: Request, origin: string, carriesToken: (request: Request) => boolean): boolean {
  const site = request.headers.get('sec-fetch-site')
  const sender = request.headers.get('origin')
  // A token counts only where the browser has said nothing: it never heals what a browser did say.
  if (site === null) return sender === null ? carriesToken(request) : sender === origin
  // `null` beside `same-origin` is what a form of ours sends under Referrer-Policy: no-referrer. A foreign Origin beside
  // it is what a name that was re-bound to this address sends.
  return site === 'same-origin' && (sender === null || sender === origin || sender === 'null')
}

function mayRead(request: Request, origin: string): boolean {
  const site = request.headers.get('sec-fetch-site')
  if (site === 'same-origin' || site === 'none') return true
  if (site !== null) return isPageVisit(request)
  const sender = request.headers.get('origin')
  return sender === null || sender === origin
}

/** A link followed from elsewhere to a page: the one thing that another site may make a browser do here. */
function isPageVisit(request: Request): boolean {
  if (request.headers.get('sec-fetch-mode') !== 'navigate') return false
  const target = request.headers.get('sec-fetch-dest')
  return (target === null || target === 'document') && !isApi(request.url)
}

function isApi(url: string): boolean {
  try {
    return /^\/+api(\/|$)/i.test(decodeURIComponent(new URL(url).pathname))
  } catch {
    return true
  }
}

/** What the answer is: an HTML page, an answer of the API, a part of the console under a hashed name, or a person's file. */
export type AnswerKind = 'page' | 'api' | 'asset' | 'file'

/**
 * The headers of one answer, by lower-case name. The outermost step sets them on every answer, errors included, over
 * whatever a handler wrote. `nonce` is for pages alone, from `newNonce()`, a fresh one each; a page without one runs no
 * script at all. Throws an Error for a nonce that is too short, or that could break out of the header.
 */
export function responseHeaders(what: {
  readonly kind: AnswerKind
  readonly https: boolean
  readonly nonce?: string
}): Readonly<Record<string, string>> {
  const fixed = (what.https ? overHttps : overHttp)[what.kind]
  if (what.kind !== 'page' || what.nonce === undefined) return fixed
  if (!nonceForm.test(what.nonce)) throw new Error('a nonce has 128 bits or more, written in base64')
  return { ...fixed, 'content-security-policy': pagePolicy(`'nonce-${what.nonce}' 'strict-dynamic'`) }
}

/** A nonce for one page: 144 random bits as 24 characters of base64. */
export function newNonce(): string {
  return randomBytes(18).toString('base64')
}

const nonceForm = /^[A-Za-z0-9+/]{22,}={0,2}$/

function pagePolicy(scripts: string): string {
  return (
    `default-src 'none'; script-src ${scripts}; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; ` +
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
    "require-trusted-types-for 'script'; trusted-types 'none'"
  )
}

const nothingRuns = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const policies: Readonly<Record<AnswerKind, string>> = {
  page: pagePolicy("'none'"),
  api: nothingRuns,
  asset: nothingRuns,
  file: `${nothingRuns}; sandbox`,
}

const caching: Readonly<Record<AnswerKind, string>> = {
  page: 'no-store',
  api: 'no-store',
  asset: 'public, max-age=31536000, immutable',
  file: 'no-store',
}

/** Every feature that Chromium gates by this header. It warns in its console of names that it does not know: they are left out. */
const features = [
  'accelerometer',
  'autoplay',
  'camera',
  'clipboard-read',
  'clipboard-write',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'gamepad',
  'geolocation',
  'gyroscope',
  'hid',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'picture-in-picture',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'storage-access',
  'usb',
  'xr-spatial-tracking',
]

/** Our own pages enrol passkeys, sign in by them, and copy recovery codes; a frame within a page may not, and nothing else may do any of it. */
const forPages: readonly string[] = ['clipboard-write', 'publickey-credentials-create', 'publickey-credentials-get']

function featuresOf(kind: AnswerKind): string {
  return features
    .map((feature) => `${feature}=${kind === 'page' && forPages.includes(feature) ? '(self)' : '()'}`)
    .join(', ')
}

const everywhere = {
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  vary: 'Sec-Fetch-Site, Origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

// Without `preload`: to enter a name into the browsers' own list is its owner's act, and hard to take back.
const strictTransport = { 'strict-transport-security': 'max-age=63072000; includeSubDomains' }

type Sets = Readonly<Record<AnswerKind, Readonly<Record<string, string>>>>

const overHttp: Sets = setsWith({})
const overHttps: Sets = setsWith(strictTransport)

function setsWith(more: Readonly<Record<string, string>>): Sets {
  const set = (kind: AnswerKind) =>
    Object.freeze({
      ...everywhere,
      ...more,
      'cache-control': caching[kind],
      'content-security-policy': policies[kind],
      'permissions-policy': featuresOf(kind),
    })
  return { page: set('page'), api: set('api'), asset: set('asset'), file: set('file') }
}
