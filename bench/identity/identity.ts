import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { createTurns } from '../../src/controls/accounts/accounts.ts'
import type { Bar } from '../../src/server/terminal.ts'
import { type Child, startChild } from '../child.ts'
import type { DelayMessage } from '../delay-process.ts'
import { type Running, type Setup, startContestant } from '../isolation/contestant.ts'
import { asSuperuser, issueSessions, makeDataset } from '../isolation/dataset.ts'
import { refuseDifferentAnswers } from '../isolation/same-answers.ts'
import { type Shape, shapes, type Traffic } from '../isolation/traffic.ts'
import type { LoadJob, LoadResult } from '../load-process.ts'
import { askAsBrowser, type Measured, measure, median, medians, rotate, warmUp, watchOthers } from '../measure.ts'
import { installPeers } from '../peers.ts'
import { freePort, type Load, openPlace, type Place } from '../place.ts'
import { addAccounts, addBetterAuthAccounts, cost, signInRequests } from './accounts.ts'
import type { BcryptJob, BcryptResult } from './bcrypt-process.ts'
import { type Before, unpackBefore } from './before.ts'

export interface Options {
  readonly quick: boolean
  /** The commit that stands for the time before. */
  readonly before: string
  /** The folder of another `postgres` than the embedded one, such as /usr/lib/postgresql/15/bin. */
  readonly binFolder?: string
  readonly bar: Bar
}

/** The last one before sessions rotated, limits were counted in the database and there were second factors. */
export const lastBefore = '35cb73b92a225f89ab23d43be2877dfbeb99c978'

/** Who answers the two protected requests. */
export type ReaderName = 'bare' | 'protected' | 'before' | 'without-limiter' | 'better-auth' | 'better-auth-shortcut'
/** Who signs people in; the first two are bcrypt alone, with as many hashes at once as Holdfast, and with all at once. */
export type SignInName = 'bcrypt' | 'bcrypt-all' | 'sign-in' | 'better-auth-in-turns' | 'better-auth-sign-in'

export interface Plan {
  readonly tenants: number
  readonly rows: number
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  readonly latencyRounds: number
  /** Under way at the same time. */
  readonly signIns: number
  /** In one round of signing in. */
  readonly signInsInAll: number
  readonly signInRounds: number
  /** Of reads while people sign in, and without. */
  readonly crowdRounds: number
  readonly crowdSeconds: number
  readonly readsPerSecond: number
}

const fullPlan: Plan = {
  tenants: 1_000,
  rows: 1_000_000,
  connections: 16,
  rounds: 11,
  seconds: 1,
  latencyRounds: 5,
  signIns: 64,
  signInsInAll: 96,
  signInRounds: 5,
  crowdRounds: 5,
  crowdSeconds: 8,
  readsPerSecond: 200,
}

const quickPlan: Plan = {
  ...fullPlan,
  tenants: 100,
  rows: 100_000,
  rounds: 3,
  latencyRounds: 2,
  signIns: 16,
  signInsInAll: 16,
  signInRounds: 1,
  crowdRounds: 1,
  crowdSeconds: 4,
}

/** How far the database seems for one request at a time. Milliseconds, medians. */
export interface Distance {
  readonly near: number
  /** With the database half a millisecond away in each direction. */
  readonly at1ms: number
  /** What the millisecond made of it: how often the request waits for the database. */
  readonly roundTrips: number
}

/** Reads at a fixed rate, alone and while people sign in. Milliseconds, medians over rounds. */
export interface Crowd {
  readonly alone: { readonly p50: number; readonly p99: number }
  readonly crowded: { readonly p50: number; readonly p99: number }
  /** Of p99, in one round. */
  readonly growth: number
}

export interface Results {
  readonly postgres: string
  readonly plan: Plan
  /** What the commit is called that was measured as the time before; null where there was none. */
  readonly before: string | null
  readonly skipped: Readonly<Record<string, string>>
  readonly readers: Readonly<Partial<Record<ReaderName, Readonly<Record<Shape, Measured>>>>>
  /** The throughput of Holdfast over another's. */
  readonly ratios: Readonly<
    Record<
      Shape,
      Readonly<Record<'vsBefore' | 'vsWithoutLimiter' | 'vsBetterAuth' | 'vsBetterAuthShortcut', number | null>>
    >
  >
  readonly distance: {
    readonly bare: Distance
    readonly protected: Distance
    /** The request that replaces its session's secret, and the one that first shows the new secret. */
    readonly rotating: Distance
    readonly settling: Distance
    /** protected over bare, at 1 ms, in one round; the median. */
    readonly ratio: number
    /** How many requests replaced a secret, of those that were sent while all were old enough. */
    readonly rotations: { readonly requests: number; readonly rotated: number }
  }
  readonly crowd: { readonly holdfast: Crowd; readonly betterAuth: Crowd | null }
  /** The most that something else took of the machine in any round of these; null where the system does not tell. */
  readonly disturbed: Readonly<Record<'readers' | 'distance' | 'crowd' | 'signIn', number | null>>
  readonly signIn: {
    readonly cost: number
    /** How many hashes Holdfast computes at the same time. */
    readonly atOnce: number
    /** With `plan.signIns` under way; medians. */
    readonly perSecond: Readonly<Partial<Record<SignInName, number>>>
    /** Holdfast over the others, in one round; medians. */
    readonly ratios: Readonly<
      Record<'vsBcrypt' | 'vsBcryptAll' | 'vsBetterAuthInTurns' | 'vsBetterAuth', number | null>
    >
    /** One at a time: milliseconds, and better-auth's over Holdfast's. */
    readonly alone: { readonly holdfast: number; readonly betterAuth: number | null; readonly ratio: number | null }
  }
}

/** All that are started, of either kind. */
type Name = ReaderName | Exclude<SignInName, 'bcrypt' | 'bcrypt-all'>

interface Bench extends Place {
  readonly plan: Plan
  readonly tenants: number
  readonly ports: ReadonlyMap<Name, number>
  readonly databases: ReadonlyMap<Name, Setup['database']>
  readonly traffic: ReadonlyMap<Name, Traffic>
  readonly before: Before | undefined
  readonly names: readonly Name[]
  readonly progress: (what: string) => void
}

/** Measures what identity costs, in a temporary folder that is gone afterwards. */
export async function measureIdentity(options: Options): Promise<Results> {
  const { bar } = options
  const plan = options.quick ? quickPlan : fullPlan
  const skipped: Record<string, string> = {}
  const leaveOut = (what: string, why: string) => {
    skipped[what] = why
    bar.say(`${what}: left out: ${why}`)
  }
  const noPeers = await installPeers(bar.say)
  if (noPeers !== undefined) leaveOut('better-auth', noPeers)
  const before = await unpackBefore(options.before)
  if (typeof before === 'string') leaveOut('before', before)
  const remove = typeof before === 'string' ? () => {} : before.remove
  const place = await openPlace({ ...options, say: bar.say }).catch((error) => {
    remove()
    throw error
  })
  try {
    place.onClose(remove)
    const bench = await fill(place, {
      plan,
      bar,
      before: typeof before === 'string' ? undefined : before,
      hasPeers: noPeers === undefined,
    })
    bar.say('protected requests: measuring')
    const compared = await compareReaders(bench)
    bar.say('round trips: measuring')
    const { distance, disturbed: ofDistance } = await measureDistance(bench)
    bar.say('signing in: measuring')
    const { crowd, signIn, disturbed } = await measureSignIn(bench)
    return {
      postgres: place.cluster.version,
      plan,
      before: typeof before === 'string' ? null : before.commit,
      skipped,
      ...compared,
      distance,
      crowd,
      signIn,
      disturbed: {
        readers: mostOf(Object.values(compared.readers).flatMap((one) => shapes.map((shape) => one[shape].disturbed))),
        distance: ofDistance,
        ...disturbed,
      },
    }
  } finally {
    bar.clear()
    await place.close()
  }
}

// --- who takes part ------------------------------------------------------------------------------------------------

async function fill(
  place: Place,
  given: { plan: Plan; bar: Bar; before: Before | undefined; hasPeers: boolean },
): Promise<Bench> {
  const { plan, bar, before, hasPeers } = given
  const names: Name[] = ['bare', 'protected', 'without-limiter', 'sign-in']
  if (before !== undefined) names.push('before')
  if (hasPeers) names.push('better-auth', 'better-auth-shortcut', 'better-auth-in-turns', 'better-auth-sign-in')
  const ports = new Map<Name, number>()
  for (const name of names) ports.set(name, await freePort())
  const originOf = (name: Name) => `http://localhost:${ports.get(name)}`

  bar.say(`database: filling ${plan.rows.toLocaleString('en')} rows of ${plan.tenants.toLocaleString('en')} tenants`)
  // The older code first: both then run with what the newer one makes of the cluster's roles.
  const old = before && (await fillBefore(place, plan, before, originOf('before')))
  const dataset = await makeDataset({
    ...place,
    ...plan,
    origin: originOf('protected'),
    contestants: hasPeers ? ['better-auth'] : [],
  })
  await addAccounts(place.cluster, dataset)
  if (hasPeers) await addBetterAuthAccounts(place.cluster, dataset)
  const guarded = dataset.databaseOf('protected')
  const plain = dataset.databaseOf('bare')
  const isOurs = (name: Name) => name === 'protected' || name === 'without-limiter' || name === 'sign-in'
  const traffic = new Map<Name, Traffic>()
  for (const name of ['bare', 'protected', 'better-auth', 'better-auth-shortcut'] as const)
    if (names.includes(name)) traffic.set(name, dataset.trafficOf(name))
  // A session belongs to one origin.
  for (const name of ['without-limiter', 'sign-in'] as const)
    traffic.set(name, {
      ...dataset.trafficOf('bare'),
      cookies: await issueSessions({ ...place, ...plan, origin: originOf(name) }, guarded),
    })
  if (old !== undefined) traffic.set('before', old.traffic)
  return {
    ...place,
    plan,
    tenants: plan.tenants,
    ports,
    databases: new Map(names.map((name) => [name, name === 'before' ? old!.address : isOurs(name) ? guarded : plain])),
    traffic,
    before,
    names,
    progress: countSteps(bar, stepsOf(plan, names)),
  }
}

/** A database of its own, under another name: the newer dataset takes the one that it is given. */
async function fillBefore({ cluster, ...place }: Place, plan: Plan, code: Before, origin: string) {
  const dataset = await code.makeDataset({ ...place, ...plan, cluster, origin, contestants: [] })
  const guarded = dataset.databaseOf('protected')
  const address = { ...guarded, database: 'bench_before' }
  await asSuperuser(cluster, 'postgres', async (client) => {
    await client.query(`drop database ${dataset.databaseOf('bare').database} with (force)`)
    await client.query(`alter database ${guarded.database} rename to ${address.database}`)
  })
  return { address, traffic: dataset.trafficOf('protected') }
}

/** Where the contestants of isolation have no module for it, there is one here. */
const modulesHere: readonly Name[] = ['without-limiter', 'sign-in', 'better-auth-in-turns', 'better-auth-sign-in']

async function startAll<Some extends Name>(
  bench: Bench,
  names: readonly Some[],
  host?: string,
): Promise<Running<Some>[]> {
  const running: Running<Some>[] = []
  try {
    for (const name of names) {
      const database = bench.databases.get(name)!
      const setup = {
        name,
        port: bench.ports.get(name)!,
        database: host === undefined ? database : { ...database, host },
        passwords: bench.passwords,
        sessionKey: bench.sessionKey,
        folder: bench.folder,
        ...(modulesHere.includes(name) ? { module: new URL(`contestants/${name}.ts`, import.meta.url).href } : {}),
      }
      const one = name === 'before' ? await bench.before!.start(setup) : await startContestant(setup)
      running.push({ ...one, name })
    }
    return running
  } catch (error) {
    await stopAll(running)
    throw error
  }
}

async function stopAll(running: readonly Running<Name>[]): Promise<void> {
  for (const one of running) await one.stop()
}

// --- protected requests --------------------------------------------------------------------------------------------

async function compareReaders(bench: Bench): Promise<Pick<Results, 'readers' | 'ratios'>> {
  const { plan } = bench
  const all: readonly ReaderName[] = [
    'bare',
    'protected',
    'before',
    'without-limiter',
    'better-auth',
    'better-auth-shortcut',
  ]
  const names = all.filter((name) => bench.names.includes(name))
  const running = await startAll(bench, names)
  try {
    const trafficOf = (name: ReaderName) => bench.traffic.get(name)!
    await refuseDifferentAnswers({ tenants: bench.tenants, trafficOf }, running)
    for (const { name, port } of running) {
      bench.progress(`warming ${name}`)
      const seconds = plan.rounds > 5 ? 3 : 1.5
      await warmUp(bench.load, port, { traffic: trafficOf(name), connections: plan.connections, seconds })
    }
    const rounds = mapShapes((): Map<ReaderName, Measured>[] => [])
    for (let number = 0; number < plan.rounds; number++)
      for (const shape of shapes) {
        const round = new Map<ReaderName, Measured>()
        for (const { name, port, processId } of rotate(running, number)) {
          bench.progress(`${shape} ${name}, round ${number + 1} of ${plan.rounds}`)
          const job = { port, connections: plan.connections, traffic: trafficOf(name), shape }
          const measured = await measure(
            { ...bench, server: processId },
            { ...job, seconds: plan.seconds, leadIn: 300 },
          )
          round.set(name, measured)
        }
        rounds[shape].push(round)
      }
    const vs = (shape: Shape, over: ReaderName) =>
      medianRatio(
        rounds[shape].map((round) => [round.get('protected')!.perSecond, round.get(over)?.perSecond] as const),
      )
    return {
      readers: Object.fromEntries(
        names.map((name) => [name, mapShapes((shape) => medians(rounds[shape].map((round) => round.get(name)!)))]),
      ),
      ratios: mapShapes((shape) => ({
        vsBefore: vs(shape, 'before'),
        vsWithoutLimiter: vs(shape, 'without-limiter'),
        vsBetterAuth: vs(shape, 'better-auth'),
        vsBetterAuthShortcut: vs(shape, 'better-auth-shortcut'),
      })),
    }
  } finally {
    await stopAll(running)
  }
}

// --- round trips ---------------------------------------------------------------------------------------------------

const kinds = ['bare', 'protected', 'rotating', 'settling'] as const
type Kind = (typeof kinds)[number]

/** One request at a time, through a process that makes the database seem as far as it is told. */
async function measureDistance(bench: Bench): Promise<{ distance: Results['distance']; disturbed: number | null }> {
  const far = path.join(bench.folder, 'far')
  mkdirSync(far)
  const { host, port } = bench.cluster.superuser as { host: string; port: number }
  const proxy: Child<DelayMessage, string> = startChild('delay-process.ts')
  const running: Running<'bare' | 'protected'>[] = []
  try {
    await proxy.ask({ to: host, at: far, port, oneWay: 0 })
    running.push(...(await startAll(bench, ['bare', 'protected'] as const, far)))
    const seen = { near: newSeries(), at1ms: newSeries() }
    const rotations = { requests: 0, rotated: 0 }
    const disturbed: (number | null)[] = []
    for (let number = 0; number <= bench.plan.latencyRounds; number++)
      for (const [where, oneWay] of [
        ['near', 0],
        ['at1ms', 0.5],
      ] as const) {
        await proxy.ask({ oneWay })
        for (const one of rotate(running, number)) {
          bench.progress(`${one.name}, database at ${oneWay * 2} ms`)
          const others = watchOthers([one.processId, bench.load.processId, proxy.processId], bench.postmaster)
          const round = await measureOnceThrough(bench, one)
          disturbed.push(others())
          rotations.requests += round.requests
          rotations.rotated += round.rotated
          // The first round warms up.
          if (number > 0) for (const [kind, p50] of round.p50) seen[where][kind].push(p50)
        }
      }
    const distanceOf = (kind: Kind): Distance => {
      const [near, at1ms] = [median(seen.near[kind]), median(seen.at1ms[kind])]
      return { near, at1ms, roundTrips: at1ms - near }
    }
    return {
      distance: {
        bare: distanceOf('bare'),
        protected: distanceOf('protected'),
        rotating: distanceOf('rotating'),
        settling: distanceOf('settling'),
        ratio: medianRatio(seen.at1ms.protected.map((own, at) => [own, seen.at1ms.bare[at]] as const))!,
        rotations,
      },
      disturbed: mostOf(disturbed),
    }
  } finally {
    await stopAll(running)
    proxy.stop()
  }
}

interface Through {
  readonly p50: readonly (readonly [Kind, number])[]
  /** Sent when all secrets were old enough to be replaced, and those that then were. */
  readonly requests: number
  readonly rotated: number
}

async function measureOnceThrough(bench: Bench, { name, port }: Running<'bare' | 'protected'>): Promise<Through> {
  const traffic = bench.traffic.get(name)!
  const job = { port, connections: 1, traffic, leadIn: 0 }
  const everybody = () => askAsBrowser(bench.load, { ...job, shape: 'everyTenant', seconds: 0 })
  const usual = () => askAsBrowser(bench.load, { ...job, shape: 'pointRead', seconds: bench.plan.seconds, leadIn: 300 })
  if (name === 'bare') return { p50: [['bare', (await usual()).p50]], requests: 0, rotated: 0 }
  await everybody()
  const settled = await usual()
  await ageSessions(bench)
  const rotating = await everybody()
  const settling = await everybody()
  return {
    p50: [
      ['protected', settled.p50],
      ['rotating', rotating.p50],
      ['settling', settling.p50],
    ],
    requests: rotating.requests + settling.requests,
    rotated: rotating.renewed.length + settling.renewed.length,
  }
}

/** As eleven minutes would: every secret is old enough to be replaced when it is used next. */
async function ageSessions(bench: Bench): Promise<void> {
  await asSuperuser(bench.cluster, bench.databases.get('protected')!.database, (client) =>
    client.query(
      `update holdfast.pass set issued_at = issued_at - interval '11 minutes' where kind = 's' and dead_at is null`,
    ),
  )
}

function newSeries(): Record<Kind, number[]> {
  return { bare: [], protected: [], rotating: [], settling: [] }
}

// --- signing in ----------------------------------------------------------------------------------------------------

async function measureSignIn(
  bench: Bench,
): Promise<Pick<Results, 'crowd' | 'signIn'> & { disturbed: Pick<Results['disturbed'], 'crowd' | 'signIn'> }> {
  const all = ['sign-in', 'better-auth-in-turns', 'better-auth-sign-in'] as const
  const running = await startAll(
    bench,
    all.filter((name) => bench.names.includes(name)),
  )
  const people: Load = startChild('load-process.ts')
  const bcrypt: Child<BcryptJob, BcryptResult> = startChild('identity/bcrypt-process.ts')
  const processes = [people, bcrypt, bench.load, ...running].map(({ processId }) => processId)
  const disturbed = { crowd: [] as (number | null)[], signIn: [] as (number | null)[] }
  const watched = async <T>(what: keyof typeof disturbed, run: () => Promise<T>): Promise<T> => {
    const others = watchOthers(processes, bench.postmaster)
    const result = await run()
    disturbed[what].push(others())
    return result
  }
  try {
    const crowdOf = (one: Running<Name>) => measureCrowd(bench, one, people, (run) => watched('crowd', run))
    const peer = running.find(({ name }) => name === 'better-auth-sign-in')
    const crowd = {
      holdfast: await crowdOf(running[0]!),
      betterAuth: peer === undefined ? null : await crowdOf(peer),
    }
    const signIn = await compareSignIns(bench, running, bcrypt, (run) => watched('signIn', run))
    return { crowd, signIn, disturbed: { crowd: mostOf(disturbed.crowd), signIn: mostOf(disturbed.signIn) } }
  } finally {
    people.stop()
    bcrypt.stop()
    await stopAll(running)
  }
}

type Watched = <T>(run: () => Promise<T>) => Promise<T>

/** Reads at a fixed rate: alone, and while another client keeps so many sign-ins under way. */
async function measureCrowd(bench: Bench, one: Running<Name>, people: Load, watched: Watched): Promise<Crowd> {
  const { plan } = bench
  const traffic = bench.traffic.get(one.name === 'better-auth-sign-in' ? 'better-auth' : one.name)!
  const reads: LoadJob = {
    port: one.port,
    connections: 4,
    traffic,
    shape: 'pointRead',
    perSecond: plan.readsPerSecond,
    seconds: plan.crowdSeconds,
    leadIn: 1000,
  }
  await warmUp(bench.load, one.port, { traffic, connections: plan.connections, seconds: 1 })
  const read = () => askAsBrowser(bench.load, reads)
  const readCrowded = async () => {
    const signingIn = people.ask({
      ...signInJob(bench, one),
      connections: plan.signIns,
      seconds: plan.crowdSeconds + 2,
    })
    const result = await read()
    // The last of them wait for their turn: nothing else is measured until they have had it.
    await signingIn
    return result
  }
  const rounds: { readonly alone: LoadResult; readonly crowded: LoadResult }[] = []
  for (let number = 0; number < plan.crowdRounds; number++) {
    bench.progress(`${one.name}: reads beside ${plan.signIns} sign-ins, round ${number + 1} of ${plan.crowdRounds}`)
    const first = number % 2 === 0 ? await watched(read) : undefined
    const crowded = await watched(readCrowded)
    rounds.push({ alone: first ?? (await watched(read)), crowded })
  }
  const of = (which: 'alone' | 'crowded', key: 'p50' | 'p99') => median(rounds.map((round) => round[which][key]))
  return {
    alone: { p50: of('alone', 'p50'), p99: of('alone', 'p99') },
    crowded: { p50: of('crowded', 'p50'), p99: of('crowded', 'p99') },
    growth: median(rounds.map(({ alone, crowded }) => crowded.p99 - alone.p99)),
  }
}

async function compareSignIns(
  bench: Bench,
  running: readonly Running<Exclude<SignInName, 'bcrypt' | 'bcrypt-all'>>[],
  bcrypt: Child<BcryptJob, BcryptResult>,
  watched: Watched,
): Promise<Results['signIn']> {
  const { plan } = bench
  const atOnce = await countAtOnce()
  const count = plan.signInsInAll
  const bare = (most: number) => async () => (await bcrypt.ask({ cost, count, atOnce: most })).perSecond
  const parties: { readonly name: SignInName; run(): Promise<number> }[] = [
    { name: 'bcrypt', run: bare(atOnce) },
    { name: 'bcrypt-all', run: bare(plan.signIns) },
    ...running.map((one) => ({
      name: one.name,
      run: async () => (await bench.load.ask({ ...signInJob(bench, one), connections: plan.signIns, count })).perSecond,
    })),
  ]
  const rounds: Map<SignInName, number>[] = []
  const alone: Map<SignInName, number>[] = []
  for (let number = 0; number < plan.signInRounds; number++) {
    const round = new Map<SignInName, number>()
    for (const { name, run } of rotate(parties, number)) {
      bench.progress(`signing in: ${name}, round ${number + 1} of ${plan.signInRounds}`)
      round.set(name, await watched(run))
    }
    rounds.push(round)
    const single = new Map<SignInName, number>()
    for (const one of rotate(running, number))
      single.set(one.name, (await bench.load.ask({ ...signInJob(bench, one), connections: 1, count: 12 })).p50)
    alone.push(single)
  }
  const vs = (over: SignInName) => medianRatio(rounds.map((round) => [round.get('sign-in')!, round.get(over)] as const))
  const betterAuthAlone = alone.map((single) => single.get('better-auth-sign-in')).filter((ms) => ms !== undefined)
  return {
    cost,
    atOnce,
    perSecond: Object.fromEntries(parties.map(({ name }) => [name, median(rounds.map((round) => round.get(name)!))])),
    ratios: {
      vsBcrypt: vs('bcrypt'),
      vsBcryptAll: vs('bcrypt-all'),
      vsBetterAuthInTurns: vs('better-auth-in-turns'),
      vsBetterAuth: vs('better-auth-sign-in'),
    },
    alone: {
      holdfast: median(alone.map((single) => single.get('sign-in')!)),
      betterAuth: betterAuthAlone.length === 0 ? null : median(betterAuthAlone),
      ratio: medianRatio(betterAuthAlone.map((milliseconds, at) => [milliseconds, alone[at]!.get('sign-in')] as const)),
    },
  }
}

function signInJob(bench: Bench, { name, port }: Running<Name>): LoadJob {
  const requests =
    name === 'sign-in'
      ? signInRequests(port, bench.tenants, '/api/sign-in', 'address')
      : signInRequests(port, bench.tenants, '/api/auth/sign-in/email', 'email')
  // What it asks for is in the requests; nobody here has a session.
  return {
    port,
    connections: 1,
    traffic: { tenants: bench.tenants, rows: 0 },
    shape: 'pointRead',
    requests,
    seconds: 0,
    leadIn: 0,
  }
}

/** How many hashes run at the same time, seen from what begins when more are wanted than any machine has cores. */
async function countAtOnce(): Promise<number> {
  const turns = createTurns()
  let begun = 0
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const all = Array.from({ length: 50 }, () =>
    turns('', () => {
      begun++
      return ended
    }),
  )
  await new Promise((go) => setImmediate(go))
  const atOnce = begun
  end()
  await Promise.all(all)
  return atOnce
}

// --- sums ----------------------------------------------------------------------------------------------------------

/** The median of the ratios; null where one of them is not there. */
function medianRatio(pairs: readonly (readonly [number, number | undefined])[]): number | null {
  const ratios = pairs.flatMap(([own, other]) => (other === undefined ? [] : [own / other]))
  return ratios.length === 0 || ratios.length < pairs.length ? null : median(ratios)
}

function mostOf(shares: readonly (number | null)[]): number | null {
  const known = shares.filter((share) => share !== null)
  return known.length === 0 ? null : Math.max(...known)
}

function mapShapes<T>(make: (shape: Shape) => T): Record<Shape, T> {
  return { pointRead: make('pointRead'), list50: make('list50') }
}

function countSteps(bar: Bar, of: number): (what: string) => void {
  let done = 0
  return (what) => bar.progress(what, Math.min(done++, of), of)
}

function stepsOf(plan: Plan, names: readonly Name[]): number {
  const signIns = names.filter((name) => name.includes('sign-in') || name.includes('turns')).length
  const readers = names.length - signIns
  return (
    readers * (1 + 2 * plan.rounds) +
    4 * (plan.latencyRounds + 1) +
    2 * plan.crowdRounds +
    (signIns + 2) * plan.signInRounds
  )
}
