import type { Answer, Canary } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import { codeAt, type Enrolled, fillPath, post, sessionOf, signIn, withEnrolled } from '../../kernel/visitor.ts'
import type { claims } from './claims.ts'

const passwordAlone: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  run: (bench) => withEnrolled(bench, tryHalfASession),
}

const codeWorksOnce: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  run: (bench) => withEnrolled(bench, useCodesTwice),
}

export const probes = {
  'two-factor/password-alone-opens-nothing': passwordAlone,
  'two-factor/code-works-once': codeWorksOnce,
} satisfies Record<keyof typeof claims, Probe>

// --- half a session ----------------------------------------------------------------------------------------------------

async function tryHalfASession(person: Enrolled): Promise<Outcome> {
  const { bench, organisation, session } = person
  const routes = (await bench.routes()).filter(({ method }) => method === 'GET')
  const inside = routes.filter(({ path }) => path.startsWith('/api/o/{organisation}'))
  const paths = [...inside.map((route) => fillPath(route.path, organisation) + route.sampleQuery), '/api/me']
  const whole = await bench.http(paths.at(-1)!, { as: session })
  const entered = await bench.sql('app', 'select 1 as entered', [], { as: session, organisation })
  if (whole.status !== 200 || entered.error) return inconclusive(`with both factors the answer was ${whole.status}`)

  const half = await signIn(person)
  let examined = 0
  for (const path of paths) {
    const answer = await bench.http(path, { as: half })
    if (answer.status === 429) return inconclusive(`${path} was limited`, examined)
    examined++
    if (answer.status !== 428) return broken(`by the password alone ${path} was answered ${answer.status}`, examined)
  }
  const database = await bench.sql('app', 'select 1 as entered', [], { as: half, organisation })
  if (database.error?.code !== 'HF427')
    return broken(`the database let half a session in (${database.error?.code ?? 'no error'})`, examined + 1)
  const changing = await bench.http('/api/account/factors/totp', { method: 'DELETE', as: half })
  if (changing.status !== 428)
    return broken(`half a session may remove the factor that it lacks: ${changing.status}`, examined + 2)

  const shown = await show(half, person, await codeAt(person.key, 0))
  if (shown.status !== 204) return inconclusive(`the right code was answered ${shown.status}`, examined + 2)
  const after = await bench.http('/api/me', { as: await sessionOf(shown, person.address) })
  if (after.status !== 200) return inconclusive(`after the second step the answer was ${after.status}`, examined + 2)
  return holds(
    `by the password alone ${examined} routes answered 428 and the database refused entry; after a code of the app the same person was let in`,
    examined + 3,
  )
}

// --- one code, twice ---------------------------------------------------------------------------------------------------

async function useCodesTwice(person: Enrolled): Promise<Outcome> {
  const { recoveryCodes } = person
  const halves = [await signIn(person), await signIn(person), await signIn(person)]
  const code = await codeAt(person.key, 0)
  const together = await Promise.all(halves.map((half) => show(half, person, code)))
  const opened = together.filter(({ status }) => status === 204).length
  if (together.some(({ status }) => status === 429)) return inconclusive('the codes were limited')
  if (opened === 0) return inconclusive(`a code that was never used was answered ${together[0]!.status}`)
  if (opened > 1) return broken(`one code, sent three times at once, opened ${opened} sessions`, 3)

  const later = await signIn(person)
  const again = await show(later, person, code)
  if (again.status < 300) return broken('a code that had been used opened again', 4)
  const earlier = await show(later, person, await codeAt(person.key, -1))
  if (earlier.status < 300) return broken('the code by which the app was enrolled opened again', 5)
  const next = await show(later, person, await codeAt(person.key, 1))
  if (next.status !== 204) return inconclusive(`the next code was answered ${next.status}: is the clock right?`, 5)

  const others = [await signIn(person), await signIn(person)]
  const recovered = await Promise.all(others.map((half) => recover(half, person, recoveryCodes[0]!)))
  const recoveries = recovered.filter(({ status }) => status === 204).length
  if (recoveries === 0) return inconclusive(`a new recovery code was answered ${recovered[0]!.status}`, 6)
  const once = await recover(await signIn(person), person, recoveryCodes[0]!)
  if (recoveries > 1 || once.status < 300) return broken('a recovery code opened twice', 8)
  return holds(
    `one code, sent three times at once, opened one session, and none later; the next one did; a recovery code sent twice at once and once more opened one`,
    9,
  )
}

function show(half: Canary, { bench }: Enrolled, code: string): Promise<Answer> {
  return post(bench, '/api/session/code', { code }, half)
}

function recover(half: Canary, { bench }: Enrolled, code: string): Promise<Answer> {
  return post(bench, '/api/session/recovery-code', { code }, half)
}
