import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { crm } from '../../examples/crm/crm.ts'
import { buildConsole, builtFolder } from '../../tools/build-console.ts'
import { findLaunchOptions } from '../../tools/chromium.ts'
import { startWorld, type Visitor, type World } from '../world/world.ts'

interface Arrived {
  readonly method: string
  readonly path: string
  readonly site: string | null
  readonly origin: string | null
  readonly token: string | null
  readonly hasCookie: boolean
}

let world: World
let browser: Browser
let ada: Visitor & { organisation: string }
/** Every request as the gate saw it. */
const arrived: Arrived[] = []
const running: Server[] = []

beforeAll(async () => {
  await buildConsole('crm')
  world = await startWorld({
    product: crm,
    superuser: inject('superuser'),
    consoleFolder: builtFolder('crm'),
    replaceStages: (stages) => ({
      ...stages,
      refuseCrossSite: (request) => {
        const header = (name: string) => request.headers.get(name)
        arrived.push({
          method: request.method,
          path: new URL(request.url).pathname,
          site: header('sec-fetch-site'),
          origin: header('origin'),
          token: header('x-csrf-token'),
          hasCookie: header('cookie')?.includes('crm-session=') ?? false,
        })
        stages.refuseCrossSite(request)
      },
    }),
  })
  ada = await world.joinWithOrganisation('Ada')
  browser = await chromium.launch(await findLaunchOptions())
}, 180_000)
afterAll(async () => {
  await browser?.close()
  for (const server of running) server.close()
  await world?.stop()
})

/** A browser in which the person is signed in, and the hosts that it talked to. */
async function signedIn(
  visitor: Visitor,
  base = world.origin,
): Promise<{ context: BrowserContext; hosts: Set<string> }> {
  const context = await browser.newContext({ baseURL: base })
  await context.addCookies([cookieOf(visitor, base)])
  const hosts = new Set<string>()
  context.on('request', (request) => hosts.add(new URL(request.url()).host))
  return { context, hosts }
}

function cookieOf(visitor: Visitor, url: string) {
  const [name, value] = visitor.cookie.split('=') as [string, string]
  return { name, value, url, httpOnly: true, sameSite: 'Lax' as const }
}

async function listenAnywhere(server: Server): Promise<number> {
  running.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

describe('a page of another origin, with the victim signed in', () => {
  let company: { id: string; name: string }
  let port: number
  beforeAll(async () => {
    const body = { name: 'Harbour', website: '', note: '' }
    const made = await world.fetch(companies(), { method: 'POST', body, cookie: ada.cookie })
    company = (await made.json()) as typeof company
    port = await listenAnywhere(
      createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>')),
    )
  })
  const companies = () => `/api/o/${ada.organisation}/companies`

  /** All that the attacks could have changed. */
  async function state(): Promise<unknown> {
    const paths = ['/api/me', companies(), `${companies()}/${company.id}`, `/api/o/${ada.organisation}/members`]
    const answers = await Promise.all(paths.map((path) => world.fetch(path, { cookie: ada.cookie })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    return Promise.all(answers.map((answer) => answer.json()))
  }

  /** What an attacker's page does; each runs in the page, and knows only addresses. */
  type Target = { readonly url: string; readonly method: string }
  const attacks: Record<string, (page: Page, target: Target) => Promise<unknown>> = {
    ...Object.fromEntries(
      ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data'].map((type) => [
        `a form as ${type}`,
        (page: Page, { url }: Target) =>
          Promise.all([
            page.waitForURL((now) => now.href.startsWith(url)),
            page.evaluate(
              ({ url, type }) => {
                const form = Object.assign(document.createElement('form'), {
                  method: 'post',
                  action: url,
                  enctype: type,
                })
                const field = Object.assign(document.createElement('input'), {
                  name: '{"name":"forged","website":"","note":"',
                  value: '"}',
                })
                form.append(field)
                document.body.append(form)
                form.submit()
              },
              { url, type },
            ),
          ]),
      ]),
    ),
    'fetch without asking first': (page, { url }) =>
      page.evaluate(
        (url) =>
          fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"name":"forged"}' }).catch(
            () => {},
          ),
        url,
      ),
    'fetch of JSON, with the method': (page, { url, method }) =>
      page.evaluate(
        ({ url, method }) =>
          fetch(url, {
            method,
            credentials: 'include',
            headers: { 'content-type': 'application/json' },
            body: '{"name":"forged","website":"","note":""}',
          }).catch(() => {}),
        { url, method },
      ),
    'fetch with a token of its own making': (page, { url }) =>
      page.evaluate(
        (url) =>
          fetch(url, { method: 'POST', credentials: 'include', headers: { 'x-csrf-token': 'a'.repeat(76) } }).catch(
            () => {},
          ),
        url,
      ),
    'a beacon': (page, { url }) =>
      page.evaluate((url) => {
        navigator.sendBeacon(url, new Blob(['{"name":"forged"}'], { type: 'text/plain' }))
      }, url),
    'a form into a frame': (page, { url }) =>
      page.evaluate((url) => {
        const frame = Object.assign(document.createElement('iframe'), { name: 'inside' })
        const form = Object.assign(document.createElement('form'), { method: 'post', action: url, target: 'inside' })
        document.body.append(frame, form)
        form.submit()
        return new Promise((resolve) => setTimeout(resolve, 200))
      }, url),
    'a link': (page, { url, method }) =>
      Promise.all([
        page.waitForURL((now) => now.href.startsWith(url)),
        page.evaluate((to) => {
          location.href = to
        }, `${url}?_method=${method}`),
      ]),
    'an image, a script and a frame': (page, { url, method }) =>
      page.evaluate(
        ({ url, method }) => {
          for (const tag of ['img', 'script', 'iframe'])
            document.body.append(Object.assign(document.createElement(tag), { src: `${url}?_method=${method}` }))
          return new Promise((resolve) => setTimeout(resolve, 200))
        },
        { url, method },
      ),
  }

  it.each([
    ['another site', '127.0.0.1', 'cross-site'],
    ['a neighbour on the same site', 'localhost', 'same-site'],
  ])(
    'of %s: forms, scripts and links change nothing',
    async (_, host, site) => {
      const { context } = await signedIn(ada)
      const page = await context.newPage()
      const targets: Target[] = [
        { url: `${world.origin}${companies()}`, method: 'POST' },
        { url: `${world.origin}${companies()}/${company.id}`, method: 'PATCH' },
        { url: `${world.origin}${companies()}/${company.id}`, method: 'DELETE' },
        { url: `${world.origin}/api/organisations`, method: 'POST' },
        { url: `${world.origin}/api/o/${ada.organisation}/leave`, method: 'POST' },
        { url: `${world.origin}/api/sign-out`, method: 'POST' },
      ]
      const before = await state()
      for (const target of targets)
        for (const [title, attack] of Object.entries(attacks)) {
          arrived.length = 0
          await page.goto(`http://${host}:${port}/`)
          await attack(page, target)
          await expect.poll(() => arrived.some((one) => one.site === site), { message: title }).toBe(true)
          expect(await state(), `${title}: ${target.method} ${target.url}`).toEqual(before)
        }
      // The neighbour's requests carried the cookie, SameSite or not: it is the gate that stood in the way.
      arrived.length = 0
      await page.goto(`http://${host}:${port}/`)
      await attacks['a form as text/plain']!(page, targets[0]!)
      expect(arrived.find((one) => one.method === 'POST')).toMatchObject({ site, hasCookie: site === 'same-site' })
      await context.close()
    },
    120_000,
  )

  it('cannot read a token, an answer or a page of ours', async () => {
    const { context } = await signedIn(ada)
    const page = await context.newPage()
    for (const host of ['127.0.0.1', 'localhost']) {
      await page.goto(`http://${host}:${port}/`)
      const read = await page.evaluate(
        (origin) =>
          Promise.all(
            ['/api/csrf-token', '/api/me', '/'].flatMap((path) =>
              (['cors', 'no-cors'] as const).map((mode) =>
                fetch(origin + path, { mode, credentials: 'include' })
                  .then((answer) => answer.text())
                  .catch(() => 'refused'),
              ),
            ),
          ),
        world.origin,
      )
      expect(new Set(read)).toEqual(new Set(['refused']))
    }
    await context.close()
  })
})

it('a page of ours may ask for a passkey and write to the clipboard; frames of others, and all else that browsers gate, may not', async () => {
  const { context } = await signedIn(ada)
  const page = await context.newPage()
  await page.goto('/session')
  const allowed = await page.evaluate(() => {
    type Policy = { allowedFeatures(): string[]; getAllowlistForFeature(feature: string): string[] }
    const policy = (document as unknown as { featurePolicy: Policy }).featurePolicy
    return Object.fromEntries(policy.allowedFeatures().map((one) => [one, policy.getAllowlistForFeature(one)]))
  })
  for (const feature of ['clipboard-write', 'publickey-credentials-create', 'publickey-credentials-get'])
    expect(allowed[feature], feature).toEqual([world.origin])
  for (const feature of ['camera', 'microphone', 'geolocation', 'payment', 'usb', 'clipboard-read', 'storage-access'])
    expect(allowed).not.toHaveProperty(feature)
  await context.close()
})

describe('a browser that sends neither Fetch Metadata nor an Origin', () => {
  let base: string
  const seen: IncomingHttpHeaders[] = []
  beforeAll(async () => {
    // In front of the server, as an old browser or a proxy that strips headers would be.
    const stripping = createServer((request, response) => {
      const headers: IncomingHttpHeaders = { ...request.headers, host: new URL(world.origin).host }
      for (const name of Object.keys(headers))
        if (name.startsWith('sec-fetch-') || name === 'origin') delete headers[name]
      seen.push(headers)
      const { port } = new URL(world.origin)
      const asked = httpRequest(
        { host: '127.0.0.1', port, path: request.url, method: request.method, headers },
        (answer) => {
          response.writeHead(answer.statusCode!, answer.headers)
          answer.pipe(response)
        },
      )
      asked.on('error', () => response.destroy())
      request.pipe(asked)
    })
    base = `http://localhost:${await listenAnywhere(stripping)}`
  })

  it('works in the console by the token, and signs out', async () => {
    const ben = await world.joinWithOrganisation('Ben')
    const { context } = await signedIn(ben, base)
    const page = await context.newPage()
    arrived.length = 0
    await page.goto(`/o/${ben.organisation}/companies/new`)
    for (const name of ['First Quay', 'Second Quay']) {
      await page.goto(`/o/${ben.organisation}/companies/new`)
      await page.getByLabel(/^name/i).fill(name)
      await page.getByRole('button', { name: 'Add company' }).click()
      await page.getByText(`${name} is added.`).waitFor()
    }
    await page.getByLabel(/^name/i).fill('Third Quay')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Third Quay is saved.').waitFor()
    const listed = await world.fetch(`/api/o/${ben.organisation}/companies`, { cookie: ben.cookie })
    const { companies } = (await listed.json()) as { companies: { name: string }[] }
    expect(companies.map(({ name }) => name).sort()).toEqual(['First Quay', 'Third Quay'])
    await page.goto('/session')
    await page
      .getByRole('button', { name: /sign out/i })
      .first()
      .click()
    await page.waitForURL(/sign-in/)
    expect((await world.fetch('/api/me', { cookie: ben.cookie })).status).toBe(401)
    const changes = arrived.filter(({ method, token }) => method !== 'GET' && token !== null)
    expect(changes.length).toBeGreaterThanOrEqual(4)
    for (const change of changes) expect(change).toMatchObject({ site: null, origin: null, hasCookie: true })
    await context.close()
  }, 60_000)

  it('cannot sign in: nothing would show that it was not another site that signed it in', async () => {
    const context = await browser.newContext({ baseURL: base })
    const page = await context.newPage()
    await page.goto('/sign-in')
    await page.getByLabel(/address/i).fill(ada.address)
    await page.getByLabel(/^password/i).fill(ada.password)
    await page.keyboard.press('Enter')
    await page.getByRole('alert').first().waitFor()
    expect(await context.cookies()).toEqual([])
    await context.close()
  })
})

describe('the way back after sign-in never leads to another origin', () => {
  const fragments = [
    '//evil.example',
    '///evil.example/',
    '/\\evil.example',
    '/\\/evil.example',
    '\\\\evil.example',
    '/%5cevil.example',
    '/%5Cevil.example/%2e%2e',
    '/%2Fevil.example',
    '%2F%2Fevil.example',
    '%2f%5cevil.example',
    '/%09/evil.example',
    '/%0a/evil.example',
    '/%0d%0aLocation:%20//evil.example',
    '/%00//evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/%2e%2e//evil.example',
    '/o/..//evil.example',
    '/;@evil.example',
    '/@evil.example',
    '//evil.example@localhost/',
    '//localhost@evil.example/',
    '/?//evil.example',
    '/#//evil.example',
    'https://evil.example',
    'https:evil.example',
    'https:/evil.example',
    'http:\\\\evil.example',
    'javascript:fetch("//evil.example")',
    'java%0ascript:fetch("//evil.example")',
    'data:text/html,<script>fetch("//evil.example")</script>',
    '/\u3000/evil.example',
    '/\u2028/evil.example',
    '\u00a0//evil.example',
    '／／evil.example',
  ]

  it('whatever the fragment of the sign-in page says', async () => {
    const { context, hosts } = await signedIn(ada)
    const errors: string[] = []
    // The session is there: what counts is where the page goes when sign-in succeeds.
    await context.route('**/api/sign-in', (route) => route.fulfill({ json: { verified: true, secondStep: null } }))
    for (const fragment of fragments) {
      // A new tab each time: another fragment alone is no new visit.
      const page = await context.newPage()
      page.on('pageerror', (error) => errors.push(error.message))
      await page.goto(`/sign-in#${fragment}`)
      await page.getByLabel(/address/i).fill(ada.address)
      await page.getByLabel(/^password/i).fill('whatever it may be')
      await page.keyboard.press('Enter')
      await page.waitForURL((url) => url.pathname !== '/sign-in')
      expect(new URL(page.url()).origin, fragment).toBe(world.origin)
      await page.close()
    }
    expect([...hosts]).toEqual([new URL(world.origin).host])
    expect(errors).toEqual([])
    await context.close()
  }, 120_000)

  it('whatever address somebody without a session was sent to', async () => {
    const addresses = [
      '//evil.example/o/x',
      '///evil.example/o',
      '/\\evil.example/o',
      '/%5cevil.example/o',
      '/o//evil.example/..',
      '/@evil.example/o',
      '/o/x?next=//evil.example',
      '/o/x#//evil.example',
    ]
    const context = await browser.newContext({ baseURL: world.origin })
    const hosts = new Set<string>()
    context.on('request', (request) => hosts.add(new URL(request.url()).host))
    for (const address of addresses) {
      await context.clearCookies()
      const page = await context.newPage()
      await page.goto(world.origin + address)
      await page.waitForURL(/\/sign-in/)
      await page.route('**/api/sign-in', async (route) => {
        await context.addCookies([cookieOf(ada, world.origin)])
        await route.fulfill({ json: { verified: true, secondStep: null } })
      })
      await page.getByLabel(/address/i).fill(ada.address)
      await page.getByLabel(/^password/i).fill('whatever it may be')
      await page.keyboard.press('Enter')
      await page.waitForURL((url) => url.pathname !== '/sign-in')
      expect(new URL(page.url()).origin, address).toBe(world.origin)
      await page.close()
    }
    expect([...hosts]).toEqual([new URL(world.origin).host])
    await context.close()
  }, 60_000)
})
