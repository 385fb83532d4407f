import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { crm } from '../../examples/crm/crm.ts'
import { createFoundation, type Foundation } from '../../src/server/foundation.ts'
import { prepareDatabase } from '../../src/server/migrations.ts'
import type { Bar } from '../../src/server/terminal.ts'
import { asSuperuser } from '../isolation/dataset.ts'
import { median } from '../measure.ts'
import { openPlace, type Place } from '../place.ts'
import { fillOrganisation } from './people.ts'

/** The most milliseconds that a page or a route may take on the server, however large its organisation is. */
export const aimMilliseconds = 100

export interface Plan {
  readonly members: number
  readonly roles: number
  readonly rounds: number
}

/** Milliseconds on the server, from the request to the last byte of the answer, in an organisation of one and in the large one. */
export interface Timed {
  readonly what: string
  readonly small: number
  readonly large: number
  /** The slowest of all in the large one. */
  readonly worst: number
}

export interface Results {
  readonly postgres: string
  readonly plan: Plan
  readonly timed: readonly Timed[]
}

interface Asked {
  readonly quick: boolean
  readonly binFolder?: string
  readonly bar: Bar
}

/** What it costs to be in a large organisation: each route of it, in turn with the same of an organisation of one. */
export async function measureOrganisation({ quick, binFolder, bar }: Asked): Promise<Results> {
  const plan: Plan = { members: 10_000, roles: 200, rounds: quick ? 20 : 200 }
  const place = await openPlace({ say: bar.say, ...(binFolder === undefined ? {} : { binFolder }) })
  try {
    const served = await serve(place)
    const owner = await signUp(served)
    bar.say(`filling ${plan.members.toLocaleString('en')} members and ${plan.roles} roles`)
    const small = await found(served, owner)
    const large = await found(served, owner)
    await fillOrganisation(place.cluster, served.database, large, plan)
    const acts = await actsOf(served, owner, [small, large])
    const timed: Timed[] = []
    for (const [done, act] of acts.entries()) {
      bar.progress(act.what, done, acts.length)
      timed.push(await time(served, owner, act, [small, large], plan.rounds))
    }
    bar.clear()
    return { postgres: await versionOf(place), plan, timed }
  } finally {
    await place.close()
  }
}

// --- a foundation that is asked without a network -------------------------------------------------------------------

interface Served {
  readonly foundation: Foundation
  readonly database: string
  readonly mails: { to: string; text: string }[]
}

const origin = 'http://localhost:8701'
const host = '127.0.0.1'

async function serve(place: Place): Promise<Served> {
  const { superuser } = place.cluster
  const database = { host: superuser.host, port: superuser.port, database: 'bench_organisation' }
  const passwords = place.passwords as Parameters<typeof prepareDatabase>[0]['passwords']
  await prepareDatabase({ superuser, database, passwords, product: crm })
  const mails: Served['mails'] = []
  const foundation = await createFoundation({
    product: crm,
    origin,
    database,
    passwords,
    sessionKey: place.sessionKey,
    pepper: randomBytes(32),
    sealingKey: randomBytes(32),
    trustedProxies: [],
    mailer: { send: async (mail) => mails.push(mail) },
    log: { request: () => {}, failure: ({ error }) => console.error(error) },
    commit: 'bench',
    acceptedRisks: [],
    consoleFolder: path.join(import.meta.dirname, '../../test/world/bare-console'),
    // One person asks for more than any quota grants.
    replaceStages: (stages) => ({
      ...stages,
      spendOverall: () => ({}),
      spendByAddress: () => ({}),
      spendBySession: () => undefined,
      decide: async () => {},
    }),
  })
  place.onClose(() => foundation.stop())
  return { foundation, database: database.database, mails }
}

type Body = Readonly<Record<string, unknown>>

async function ask(
  { foundation }: Served,
  method: string,
  target: string,
  { cookie, body }: { readonly cookie?: string; readonly body?: Body } = {},
): Promise<{ readonly response: Response; readonly text: string; readonly milliseconds: number }> {
  const request = new Request(origin + target, {
    method,
    headers: {
      origin,
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const started = performance.now()
  const response = await foundation.handle(request, host)
  const text = await response.text()
  const milliseconds = performance.now() - started
  if (!response.ok) throw new Error(`${method} ${target} was answered ${response.status}: ${text}`)
  return { response, text, milliseconds }
}

/** Returns the cookie of somebody who has just signed in. */
async function signUp(served: Served): Promise<string> {
  const [address, password] = ['owner@example.com', 'three blue whales dance at dawn']
  await ask(served, 'POST', '/api/sign-up', { body: { name: 'Owner', address, password } })
  for (let waited = 0; served.mails.length === 0 && waited < 100; waited++)
    await new Promise((resolve) => setTimeout(resolve, 100))
  const token = /\/verify#([\w-]+)/.exec(served.mails[0]?.text ?? '')?.[1]
  await ask(served, 'POST', '/api/verify', { body: { token, password } })
  const { response } = await ask(served, 'POST', '/api/sign-in', { body: { address, password } })
  return response.headers.getSetCookie()[0]!.split(';')[0]!
}

async function found(served: Served, cookie: string): Promise<string> {
  const { text } = await ask(served, 'POST', '/api/organisations', { cookie, body: { name: 'Bench' } })
  return (JSON.parse(text) as { id: string }).id
}

// --- what is asked --------------------------------------------------------------------------------------------------

interface Act {
  readonly what: string
  /** `round` counts: what changes something shall change it each time. */
  call(organisation: string, round: number): readonly [method: string, path: string, body?: Body | undefined]
}

async function actsOf(served: Served, cookie: string, places: readonly string[]): Promise<Act[]> {
  const held = new Map<string, string>()
  for (const place of places) {
    const body = { name: 'Crew', permissions: ['members.read'], secondFactor: false }
    await ask(served, 'POST', `/api/o/${place}/roles`, { cookie, body })
    const { text } = await ask(served, 'GET', `/api/o/${place}/roles`, { cookie })
    const { roles } = JSON.parse(text) as { roles: { key: string; custom: boolean; members: number }[] }
    // In the small one nobody has any.
    held.set(place, roles.filter(({ custom }) => custom).toSorted((one, other) => other.members - one.members)[0]!.key)
  }
  const middle = Buffer.from(JSON.stringify(['Member 5000', '00000000-0000-4000-8000-000000000000'])).toString(
    'base64url',
  )
  const inside = (what: string, method: string, at: string, body?: (round: number) => Body): Act => ({
    what,
    call: (organisation, round) => [method, `/api/o/${organisation}${at}`, body?.(round)],
  })
  return [
    { what: 'one’s own place', call: (organisation) => ['GET', `/api/organisations/${organisation}`] },
    inside('members, the first page', 'GET', '/members'),
    inside('members, from the middle', 'GET', `/members?after=${middle}`),
    inside('members, a search that finds one', 'GET', '/members?search=m9876@'),
    inside('members, a search that finds nobody', 'GET', '/members?search=nobody+of+that+name'),
    inside('roles', 'GET', '/roles'),
    inside('second factors', 'GET', '/second-factor'),
    inside('API keys', 'GET', '/keys'),
    inside('contacts', 'GET', '/contacts'),
    inside('invite', 'POST', '/invitations', () => ({ address: 'same@example.com', role: 'viewer' })),
    {
      what: 'change a role of 25 members',
      call: (organisation, round) => [
        'PUT',
        `/api/o/${organisation}/roles/${held.get(organisation)!}`,
        { name: 'Changed', permissions: round % 2 ? ['members.read'] : ['contacts.read'], secondFactor: false },
      ],
    },
  ]
}

async function time(
  served: Served,
  cookie: string,
  act: Act,
  places: readonly [small: string, large: string],
  rounds: number,
): Promise<Timed> {
  const taken: [number[], number[]] = [[], []]
  // The first ones find nothing in any cache.
  for (let round = -3; round < rounds; round++)
    for (const [index, place] of places.entries()) {
      const [method, target, body] = act.call(place, round)
      const { milliseconds } = await ask(served, method, target, { cookie, ...(body === undefined ? {} : { body }) })
      if (round >= 0) taken[index]!.push(milliseconds)
    }
  return { what: act.what, small: median(taken[0]), large: median(taken[1]), worst: Math.max(...taken[1]) }
}

function versionOf(place: Place): Promise<string> {
  return asSuperuser(place.cluster, 'postgres', async (client) => {
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]!.server_version.split(' ')[0]!
  })
}
