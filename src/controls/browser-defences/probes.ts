import type { Answer, Bench, RouteSeen } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'

const crossSiteChangesNothing: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: attackEveryChange,
}

const strictHeaders: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: readHeadersOfEveryKind,
}

export const probes = {
  'browser-defences/cross-site-changes-nothing': crossSiteChangesNothing,
  'browser-defences/strict-headers': strictHeaders,
} satisfies Record<keyof typeof claims, Probe>

// --- cross-site requests -------------------------------------------------------------------------------------------

/** What other sites, old browsers and liars send. None of it may reach a route that changes something. */
const forgeries: readonly { readonly title: string; readonly headers: Readonly<Record<string, string>> }[] = [
  {
    title: 'a script of another site',
    headers: {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'cors',
      origin: 'https://evil.example',
      'content-type': 'application/json',
    },
  },
  {
    title: 'a page of a neighbouring subdomain',
    headers: { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors', 'content-type': 'application/json' },
  },
  {
    title: 'a form of another site',
    headers: {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      origin: 'null',
      'content-type': 'application/x-www-form-urlencoded',
    },
  },
  {
    title: 'a request that claims to be a person typing',
    headers: { 'sec-fetch-site': 'none', 'content-type': 'application/json' },
  },
  {
    title: 'an old browser on another site, with text/plain',
    headers: { origin: 'https://evil.example', 'content-type': 'text/plain' },
  },
  { title: 'an opaque origin', headers: { origin: 'null', 'content-type': 'multipart/form-data; boundary=x' } },
  { title: 'no header at all', headers: { 'content-type': 'application/json' } },
]

const gateCode = 'browser-defences/cross-site-request'

async function attackEveryChange(bench: Bench): Promise<Outcome> {
  const routes = (await bench.routes()).filter((route) => route.changes)
  if (routes.length === 0) return inconclusive('the server names no route that changes something')
  const unfair = await refusesItself(bench, routes)
  if (unfair) return inconclusive(unfair)
  const lookalikes = lookalikesOf(bench.origin)
  // First without a session: where the gate is gone this shows it, and nothing is done in the canary's name.
  let examined = 0
  for (const cookie of [undefined, cookieOf(bench)])
    for (const route of routes)
      for (const forgery of [...forgeries, ...lookalikes]) {
        const answer = await forge(bench, route, forgery.headers, cookie)
        examined += 1
        if (!refusedByTheGate(answer))
          return broken(
            `${route.method} ${route.path} as ${forgery.title}: answered ${answer.status}, not refused by the gate`,
            examined,
          )
      }
  return holds(
    `${routes.length} routes that change something refused ${examined} forged requests, with a session and without`,
    examined,
  )
}

/** Origins that a careless comparison would take for ours. */
function lookalikesOf(origin: string): typeof forgeries {
  return [`${origin}.evil.example`, `${origin}/`, origin.replace('://', '://evil.')].map((sender) => ({
    title: `the origin ${sender}`,
    headers: { origin: sender, 'content-type': 'application/json' },
  }))
}

/** A gate that refuses our own pages too would show nothing: one same-origin request must get past it. */
async function refusesItself(bench: Bench, routes: readonly RouteSeen[]): Promise<string | undefined> {
  const route = routes.find((one) => one.needs === 'nobody' && one.method === 'POST')
  if (!route) return 'no open POST route to send a same-origin request to'
  const ours = { 'sec-fetch-site': 'same-origin', origin: bench.origin, 'content-type': 'application/json' }
  const answer = await bench.http(pathOf(route, bench), { method: 'POST', headers: ours, body: '[]' })
  return refusedByTheGate(answer) ? `the gate refused a same-origin request to ${route.path} as well` : undefined
}

function refusedByTheGate(answer: Answer): boolean {
  return answer.status === 403 && answer.text.includes(gateCode)
}

function forge(
  bench: Bench,
  route: RouteSeen,
  headers: Readonly<Record<string, string>>,
  cookie: string | undefined,
): Promise<Answer> {
  return bench.http(pathOf(route, bench), {
    method: route.method,
    // Empty: left out. The bench would write same-origin headers there, which a forged request lacks.
    headers: { origin: '', 'sec-fetch-site': '', ...(cookie === undefined ? {} : { cookie }), ...headers },
    ...(route.method === 'DELETE' ? {} : { body: '{"forged":true}' }),
  })
}

function cookieOf(bench: Bench): string {
  const prefix = bench.origin.startsWith('https:') ? '__Host-' : ''
  return `${prefix}${bench.product}-session=${bench.canaries.a.cookie}`
}

/** Names nothing that exists but the canary's organisation. */
function pathOf(route: RouteSeen, bench: Bench): string {
  return route.path
    .replace('{organisation}', bench.canaries.a.organisation)
    .replace(/\{[^}]+\}/g, () => crypto.randomUUID())
}

// --- headers -------------------------------------------------------------------------------------------------------

interface Sample {
  readonly title: string
  readonly answer: Answer
}

async function readHeadersOfEveryKind(bench: Bench): Promise<Outcome> {
  const samples = await answersOfEveryKind(bench)
  const faults = samples.flatMap((sample) => faultsOf(sample, bench.origin.startsWith('https:')))
  const again = await bench.http('/security', pageVisit)
  if (isPage(again) && nonceOf(again) !== undefined && samples.some(({ answer }) => nonceOf(answer) === nonceOf(again)))
    faults.push('/security: the same nonce twice')
  if (faults.length > 0)
    return broken(`${faults.length} faults, first: ${faults.slice(0, 3).join(' · ')}`, samples.length)
  const pages = samples.filter(({ answer }) => isPage(answer)).length
  if (pages === 0) return inconclusive('no answer was an HTML page', samples.length)
  return holds(
    `${samples.length} answers (${pages} pages, ${samples.length - pages} of API, assets and errors) carried every header`,
    samples.length,
  )
}

const pageVisit = { headers: { accept: 'text/html', 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' } }

async function answersOfEveryKind(bench: Bench): Promise<Sample[]> {
  const samples: Sample[] = []
  const take = async (title: string, answer: Promise<Answer>) => void samples.push({ title, answer: await answer })
  const missing = crypto.randomUUID()
  await take('/', bench.http('/', pageVisit))
  await take('/security', bench.http('/security', pageVisit))
  await take('a page that is not there', bench.http(`/${missing}`, pageVisit))
  await take('an API path that is not there', bench.http(`/api/${missing}`))
  for (const asset of assetsOf(samples)) await take(asset, bench.http(asset))
  const routes = await bench.routes()
  for (const route of routes.filter((one) => one.method === 'GET').slice(0, 40))
    await take(`GET ${route.path}`, bench.http(pathOf(route, bench), { as: bench.canaries.a }))
  const open = routes.find((route) => route.method === 'POST' && route.needs === 'nobody')
  if (open) {
    const path = pathOf(open, bench)
    const foreign = { 'sec-fetch-site': 'cross-site' }
    const ours = { 'sec-fetch-site': 'same-origin', origin: bench.origin, 'content-type': 'application/json' }
    await take('a malformed body', bench.http(path, { method: 'POST', headers: ours, body: '{' }))
    await take(
      'a forged request',
      bench.http(path, { method: 'POST', headers: { ...foreign, origin: 'null' }, body: '{}' }),
    )
  }
  return samples
}

/** The scripts, styles and fonts that the pages seen so far link to. */
function assetsOf(samples: readonly Sample[]): string[] {
  const links = samples
    .filter(({ answer }) => isPage(answer))
    .flatMap(({ answer }) => [...answer.text.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css|woff2|svg|png))"/g)])
    .map((match) => match[1]!)
  return [...new Set(links)].slice(0, 10)
}

function isPage(answer: Answer): boolean {
  return (answer.headers.get('content-type') ?? '').startsWith('text/html')
}

function faultsOf({ title, answer }: Sample, https: boolean): string[] {
  const policy = readPolicy(answer.headers.get('content-security-policy') ?? '')
  return [
    ...faultsOfHeaders(answer, https),
    ...faultsOfPolicy(policy),
    ...(isPage(answer) ? faultsOfPage(answer, policy) : []),
  ].map((fault) => `${title}: ${fault}`)
}

const exactly: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
}

function faultsOfHeaders({ headers, status }: Answer, https: boolean): string[] {
  const faults: string[] = []
  for (const [name, value] of Object.entries(exactly))
    if (headers.get(name) !== value) faults.push(`${name} is ${headers.get(name) ?? 'missing'}`)
  const features = headers.get('permissions-policy') ?? ''
  for (const feature of ['camera', 'microphone', 'geolocation', 'payment', 'usb'])
    if (!features.includes(`${feature}=()`)) faults.push(`permissions-policy leaves ${feature} on`)
  const seconds = Number(/max-age=(\d+)/.exec(headers.get('strict-transport-security') ?? '')?.[1] ?? 0)
  if (https && seconds < 31_536_000) faults.push('strict-transport-security is missing or shorter than a year')
  const vary = (headers.get('vary') ?? '').toLowerCase()
  if (!vary.includes('sec-fetch-site') || !vary.includes('origin'))
    faults.push('vary does not name what the gate reads')
  const mayBeKept = status === 200 && /\b(javascript|css|font|image|svg)/.test(headers.get('content-type') ?? '')
  if (!mayBeKept && headers.get('cache-control') !== 'no-store') faults.push('cache-control is not no-store')
  for (const name of ['x-powered-by', 'server', 'access-control-allow-origin'])
    if (headers.has(name)) faults.push(`${name} is sent`)
  return faults
}

type Policy = ReadonlyMap<string, readonly string[]>

/** CSP 3, section 2.2.1: of a directive that stands twice the first counts. */
function readPolicy(text: string): Policy {
  const policy = new Map<string, readonly string[]>()
  for (const directive of text.split(';')) {
    const [name, ...values] = directive.trim().split(/\s+/)
    if (name && !policy.has(name.toLowerCase())) policy.set(name.toLowerCase(), values)
  }
  return policy
}

const loose = /^('unsafe-|\*|https?:|data:|blob:|filesystem:)/

function faultsOfPolicy(policy: Policy): string[] {
  if (policy.size === 0) return ['content-security-policy is missing']
  const faults: string[] = []
  for (const name of ['default-src', 'base-uri', 'frame-ancestors'])
    if (policy.get(name)?.join(' ') !== "'none'") faults.push(`${name} is not 'none'`)
  for (const [name, values] of policy)
    for (const value of values) if (loose.test(value)) faults.push(`${name} allows ${value}`)
  return faults
}

function faultsOfPage(answer: Answer, policy: Policy): string[] {
  const faults: string[] = []
  const scripts = policy.get('script-src') ?? []
  const nonce = nonceOf(answer)
  const runsNothing = scripts.join(' ') === "'none'"
  if (!runsNothing && nonce === undefined) faults.push('script-src has neither a nonce of 128 bits nor none')
  if (!runsNothing && !scripts.includes("'strict-dynamic'")) faults.push('script-src lacks strict-dynamic')
  if (policy.get('require-trusted-types-for')?.join(' ') !== "'script'") faults.push('Trusted Types are not required')
  if (!/^'(self|none)'$/.test(policy.get('form-action')?.join(' ') ?? '')) faults.push('forms may be sent elsewhere')
  for (const [tag] of answer.text.matchAll(/<[a-z](?:"[^"]*"|'[^']*'|[^'">])*>/gi))
    if (/\son[a-z]+\s*=/i.test(tag.replace(/"[^"]*"|'[^']*'/g, '""')))
      faults.push('the page has an inline event handler')
  for (const [tag] of answer.text.matchAll(/<script\b[^>]*>/gi))
    if (!/type="application\/(ld\+)?json"/.test(tag) && !tag.includes(`nonce="${nonce}"`))
      faults.push('the page has a script without its nonce')
  return faults
}

function nonceOf(answer: Answer): string | undefined {
  const policy = readPolicy(answer.headers.get('content-security-policy') ?? '')
  for (const value of policy.get('script-src') ?? []) {
    const nonce = /^'nonce-([A-Za-z0-9+/_-]{22,}={0,2})'$/.exec(value)?.[1]
    if (nonce !== undefined) return nonce
  }
  return undefined
}
