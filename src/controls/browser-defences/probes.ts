import type { Answer, Bench, Canary, RouteSeen } from '../../kernel/bench.ts'
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

interface Forgery {
  readonly title: string
  readonly headers: Readonly<Record<string, string>>
}

/** What other sites, old browsers and liars send. None of it may reach a route that changes something. */
const forgeries = (ours: string): readonly Forgery[] => [
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
    title: 'a request of another site with our own Origin',
    headers: { 'sec-fetch-site': 'cross-site', origin: ours, 'content-type': 'application/json' },
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
  const routes = await bench.routes()
  const changing = routes.filter((route) => route.changes)
  const guarded = changing.filter((route) => route.crossSite === undefined)
  if (guarded.length === 0) return inconclusive('the server names no route that changes something and is guarded')
  const [own, foreign] = [await tokenOf(bench, bench.canaries.a), await tokenOf(bench, bench.canaries.b)]
  if (own === undefined || foreign === undefined) return inconclusive('the server gave out no token to forge from')
  const unfair = await refusesItself(bench, guarded, own)
  if (unfair) return inconclusive(unfair)

  const strangers = [...forgeries(bench.origin), ...lookalikesOf(bench.origin), tokenWithoutSession(own)]
  const cookie = cookieOf(bench)
  // First without a session: where the gate is gone this shows it, and nothing is done in the canary's name.
  const rounds: [string | undefined, readonly Forgery[]][] = [
    [undefined, strangers],
    [cookie, [...strangers.slice(0, -1), ...tokensThatFitNot(bench.origin, own, foreign)]],
  ]
  let examined = 0
  for (const [sent, attempts] of rounds)
    for (const route of guarded)
      for (const forgery of attempts) {
        const answer = await forge(bench, route, forgery.headers, sent)
        examined += 1
        if (!refusedByTheGate(answer))
          return broken(
            `${route.method} ${route.path} as ${forgery.title}: answered ${answer.status}, not refused by the gate`,
            examined,
          )
      }
  const readable = new Set(routes.filter((route) => route.method === 'GET').map((route) => route.path))
  for (const route of guarded.filter(({ path }) => !readable.has(path))) {
    const answer = await visitInstead(bench, route)
    examined += 1
    // 400: a wider pattern reads there, and takes no such query.
    if (![400, 404, 405].includes(answer.status))
      return broken(`GET ${route.path} that claims to be ${route.method}: answered ${answer.status}`, examined)
  }
  return holds(
    `${guarded.length} routes that change something refused ${examined} forged requests, with a session, without, and ` +
      `with tokens that do not fit; ${sayWhoOptsOut(changing)}`,
    examined,
  )
}

/** Nobody opts out unseen: whoever reads the finding reads the route and its reason. */
function sayWhoOptsOut(changing: readonly RouteSeen[]): string {
  const open = changing.filter((route) => route.crossSite !== undefined)
  if (open.length === 0) return 'no route opts out'
  const named = open.map((route) => `${route.method} ${route.path} ${route.crossSite}`).join('; ')
  return `${open.length === 1 ? '1 route opts' : `${open.length} routes opt`} out: ${named}`
}

async function tokenOf(bench: Bench, canary: Canary): Promise<string | undefined> {
  const answer = await bench.http('/api/csrf-token', { as: canary })
  if (answer.status !== 200) return undefined
  const { token } = JSON.parse(answer.text) as { token?: unknown }
  return typeof token === 'string' && token.length > 40 ? token : undefined
}

const json = { 'content-type': 'application/json' }

function tokenWithoutSession(own: string): Forgery {
  return { title: 'a token without its session', headers: { ...json, 'x-csrf-token': own } }
}

/** Beside the cookie of the session that `own` was written for. */
function tokensThatFitNot(origin: string, own: string, foreign: string): Forgery[] {
  const sent = (title: string, token: string, headers = {}): Forgery => ({
    title,
    headers: { ...json, ...headers, 'x-csrf-token': token },
  })
  const middle = Math.floor(own.length / 4)
  const changed = own.slice(0, middle) + (own[middle] === 'A' ? 'B' : 'A') + own.slice(middle + 1)
  const [mac = '', random = ''] = own.split('.')
  return [
    sent('a token of another session', foreign),
    sent('a token cut short', own.slice(0, -1)),
    sent('a token with one character changed', changed),
    sent('the signature of one token on another', `${mac}.${foreign.split('.')[1] ?? ''}`),
    sent('a token without its signature', `.${random}`),
    sent('an empty token', ' '),
    sent('another site with the right token', own, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }),
    sent('a neighbour with the right token', own, { 'sec-fetch-site': 'same-site' }),
    sent('a foreign Origin with the right token', own, { origin: 'https://evil.example' }),
    sent('an opaque Origin with the right token', own, { origin: 'null' }),
    sent('another site with the right token and our Origin', own, { 'sec-fetch-site': 'cross-site', origin }),
  ]
}

/** A link is all that another site needs to send a GET; frameworks that take the method from elsewhere carry it out. */
function visitInstead(bench: Bench, route: RouteSeen): Promise<Answer> {
  return bench.http(`${pathOf(route, bench)}?_method=${route.method}`, {
    as: bench.canaries.a,
    headers: { origin: '', 'x-http-method-override': route.method, 'x-http-method': route.method },
  })
}

/** Origins that a careless comparison would take for ours. */
function lookalikesOf(origin: string): Forgery[] {
  return [`${origin}.evil.example`, `${origin}/`, origin.replace('://', '://evil.')].map((sender) => ({
    title: `the origin ${sender}`,
    headers: { origin: sender, 'content-type': 'application/json' },
  }))
}

/** A gate that refuses our own pages too would show nothing: what they send must get past it, and no further. */
async function refusesItself(bench: Bench, routes: readonly RouteSeen[], own: string): Promise<string | undefined> {
  const route = routes.find((one) => one.needs === 'nobody' && one.method === 'POST')
  if (!route) return 'no open POST route to send a same-origin request to'
  const metadata = { 'sec-fetch-site': 'same-origin', origin: bench.origin, 'x-csrf-token': '' }
  const token = { 'sec-fetch-site': '', origin: '', 'x-csrf-token': own, cookie: cookieOf(bench) }
  for (const [title, headers] of Object.entries({ 'a same-origin request': metadata, 'the right token': token })) {
    const asked = { method: 'POST', headers: { ...json, ...headers }, body: '[]' }
    const answer = await bench.http(pathOf(route, bench), asked)
    if (refusedByTheGate(answer)) return `the gate refused ${title} to ${route.path} as well`
  }
  return undefined
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
  const name = bench.origin.startsWith('https:') ? '__Host-session' : `${bench.product}-session`
  return `${name}=${bench.canaries.a.cookie}`
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

/** What a page needs for passkeys, and to copy recovery codes, for our own origin only: a frame from elsewhere must not ask for one. */
const openOnPages: ReadonlySet<string> = new Set([
  'clipboard-write',
  'publickey-credentials-create',
  'publickey-credentials-get',
])
const shutEverywhere = ['camera', 'microphone', 'geolocation', 'payment', 'usb', 'clipboard-read', 'display-capture']

function faultsOfFeatures(answer: Answer): string[] {
  const policy = (answer.headers.get('permissions-policy') ?? '').split(',').map((part) => part.trim().split('='))
  const allowed = new Map(policy.map(([name = '', value = '']) => [name, value]))
  const faults = [...shutEverywhere, ...openOnPages]
    .filter((feature) => !allowed.has(feature))
    .map((feature) => `permissions-policy does not name ${feature}`)
  for (const [name, value] of allowed) {
    const right = isPage(answer) && openOnPages.has(name) ? '(self)' : '()'
    if (value !== right) faults.push(`permissions-policy has ${name}=${value}, not ${right}`)
  }
  return faults
}

function faultsOfHeaders(answer: Answer, https: boolean): string[] {
  const { headers, status } = answer
  const faults: string[] = []
  for (const [name, value] of Object.entries(exactly))
    if (headers.get(name) !== value) faults.push(`${name} is ${headers.get(name) ?? 'missing'}`)
  faults.push(...faultsOfFeatures(answer))
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
