import type { Answer, Bench, Canary, RouteSeen } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import type { Probe } from '../../kernel/probe.ts'
import type { claims } from './claims.ts'
import { faultOfSignUp, resetEverything } from './probe-links.ts'
import { compareAnswers } from './probe-telling.ts'

const passwordsAreHashed: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 60,
  run: lookAtPasswords,
}

const unverifiedOpensNothing: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 90,
  run: tryEverythingUnverified,
}

const linksWorkOnce: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  run: resetEverything,
}

const addressesNotTold: Probe = {
  where: ['live', 'restored-copy', 'ci'],
  limitSeconds: 120,
  run: compareAnswers,
}

export const probes = {
  'accounts/passwords-are-hashed': passwordsAreHashed,
  'accounts/unverified-opens-nothing': unverifiedOpensNothing,
  'accounts/links-work-once': linksWorkOnce,
  'accounts/addresses-not-told': addressesNotTold,
} satisfies Record<keyof typeof claims, Probe>

// --- passwords -----------------------------------------------------------------------------------------------------

async function lookAtPasswords(bench: Bench): Promise<Outcome> {
  const shapes = await bench.catalogue<{ shape: string; accounts: number; salts: number }>(
    'select shape, accounts, salts from holdfast.password_shapes()',
  )
  const examined = shapes.reduce((sum, { accounts }) => sum + accounts, 0)
  for (const { shape, accounts, salts } of shapes) {
    const cost = Number(/^bcrypt, cost (\d\d)$/.exec(shape)?.[1] ?? 0)
    if (cost < 12) return broken(`${accounts} of ${examined} accounts: ${shape}`, examined)
    if (salts < accounts) return broken(`${accounts} hashes have ${salts} different salts`, examined)
  }
  const peppers = await bench.catalogue<{ pepper: string; accounts: number }>(
    'select pepper, sum(accounts)::bigint as accounts from holdfast.password_peppers() group by 1 order by 1',
  )
  const unnamed = peppers.find(({ pepper }) => !/^[0-9a-f]{8}$/.test(pepper) || pepper === '00000000')
  if (unnamed !== undefined)
    return broken(`${unnamed.accounts} hashes do not say which pepper they are under`, examined)
  const fault = (await faultOfTable(bench)) ?? (await faultOfLongPasswords(bench))
  if (typeof fault === 'string') return broken(fault, examined)
  if (fault !== undefined) return fault
  return holds(
    `${examined} accounts: ${shapes.map(({ shape, accounts }) => `${accounts} × ${shape}`).join(', ')}, each with its own salt; ` +
      `${peppers.map(({ pepper, accounts }) => `${accounts} under pepper ${pepper}`).join(', ')}; ` +
      'a password with another last character, behind the 72nd byte, was refused; no login role can read the column',
    examined,
  )
}

async function faultOfTable(bench: Bench): Promise<string | undefined> {
  const checks = await bench.catalogue<{ text: string }>(
    `select pg_get_constraintdef(oid) as text from pg_constraint
      where conrelid = 'holdfast.account'::regclass and contype = 'c' and convalidated`,
  )
  // The pepper's id, cost 12 or more, and the whole of a hash: written here again, not taken from the migration.
  if (
    !checks.some(
      ({ text }) => text.includes('password_hash ~') && text.includes('(1[2-9]|2[0-9]|3[01])\\$[./A-Za-z0-9]{53}$'),
    )
  )
    return 'no CHECK of the table refuses what is not a bcrypt hash of cost 12 or more'
  const readers = await bench.catalogue<{ role: string }>(
    `select rolname as role from pg_roles where rolcanlogin and not rolsuper
        and has_column_privilege(oid, 'holdfast.account', 'password_hash', 'select')`,
  )
  return readers.length === 0 ? undefined : `${readers.map(({ role }) => role).join(', ')} can read the hashes`
}

/** bcrypt reads 72 bytes. Whoever changes what comes after them must not get in. */
async function faultOfLongPasswords(bench: Bench): Promise<string | Outcome | undefined> {
  const { b } = bench.canaries
  const { password } = b
  if (password === undefined || Buffer.byteLength(password) <= 72)
    return inconclusive('the canary has no password of more than 72 bytes')
  const right = await signIn(bench, b.address, password)
  if (right.status !== 200) return inconclusive(`the canary's own password was answered ${right.status}`)
  const cookie = /=([^;]+)/.exec(right.headers.get('set-cookie') ?? '')?.[1] ?? ''
  await bench.http('/api/sign-out', { method: 'POST', body: '{}', as: { ...b, cookie } })
  const other = password.slice(0, -1) + (password.endsWith('x') ? 'y' : 'x')
  const wrong = await signIn(bench, b.address, other)
  if (wrong.status === 200) return 'a password with another last character, behind the 72nd byte, was accepted'
  return wrong.status === 401 ? undefined : inconclusive(`a wrong password was answered ${wrong.status}`)
}

function signIn(bench: Bench, address: string, password: string): Promise<Answer> {
  return bench.http('/api/sign-in', { method: 'POST', body: JSON.stringify({ address, password }) })
}

// --- whoever has not confirmed the address -------------------------------------------------------------------------

const refusedCode = 'accounts/address-unverified'

async function tryEverythingUnverified(bench: Bench): Promise<Outcome> {
  const { a, unverified } = bench.canaries
  const me = await bench.http('/api/me', { as: unverified })
  if (me.status !== 200) return inconclusive(`the unverified canary's own account was answered ${me.status}`)
  if (!me.text.includes('"verified":false')) return inconclusive('the unverified canary is verified')
  const routes = await bench.routes()
  const inside = routes.filter((route) => route.path.startsWith('/api/o/{organisation}/'))
  if (inside.length === 0) return inconclusive('the server names no route inside an organisation')
  // With its own cookie it must be this refusal, and not just any: the same requests of a verified person get through.
  const verified = await Promise.all(
    readable(inside).map((route) => bench.http(pathOf(route, a.organisation), { as: a })),
  )
  if (!verified.some(({ status }) => status === 200)) return inconclusive('no route answered a verified canary')

  let refused = 0
  let unread = 0
  for (const organisation of [unverified.organisation || crypto.randomUUID(), a.organisation])
    for (const route of inside) {
      const answer = await ask(bench, route, organisation, unverified)
      if (answer.text.includes(refusedCode)) refused += 1
      else if (answer.status < 300)
        return broken(`${route.method} ${route.path} was answered ${answer.status}`, refused)
      else unread += 1
    }
  for (const { path, body } of doors(routes)) {
    const answer = await bench.http(path, { method: 'POST', body, as: unverified })
    if (!answer.text.includes(refusedCode)) return broken(`POST ${path} was answered ${answer.status}`, refused)
    refused += 1
  }
  const open = await firstOpenVerb(bench, unverified, a)
  if (open !== undefined) return broken(open, refused)
  if (refused === 0) return inconclusive('no request of the unverified canary reached the database')
  const signUp = await faultOfSignUp(bench)
  if ('fault' in signUp) return broken(signUp.fault, refused)
  const rest = unread === 0 ? '' : ` (${unread} more were refused before that, for what they lacked)`
  return holds(
    `${refused} requests of an unverified person were refused as such, and so was each door of the database${rest}; a sign-up got no session before its link was opened, and no account by it in another browser without its password`,
    refused,
  )
}

function readable(routes: readonly RouteSeen[]): RouteSeen[] {
  return routes.filter(({ method, path }) => method === 'GET' && !path.replace('{organisation}', '').includes('{'))
}

/** Ways into an organisation that lie before it. */
function doors(routes: readonly RouteSeen[]): { path: string; body: string }[] {
  return [
    { path: '/api/organisations', body: '{"name":"Nobody’s"}' },
    { path: '/api/invitations/accept', body: JSON.stringify({ token: crypto.randomUUID() }) },
  ].filter(({ path }) => routes.some((route) => route.path === path))
}

/** The same at the database, as the application itself would ask. */
async function firstOpenVerb(bench: Bench, unverified: Canary, a: Canary): Promise<string | undefined> {
  const inside = await bench.sql('app', 'select 1 as entered', [], { as: unverified, organisation: a.organisation })
  if (inside.error?.code !== 'HF412') return `entry: ${inside.error?.code ?? 'let in'}`
  for (const [verb, values] of [
    ['holdfast.own_organisation($1)', [unverified.entry]],
    ['holdfast.found_organisation($1, $2)', [unverified.entry, 'Nobody’s']],
    ['holdfast.accept($1, $2)', [unverified.entry, new Uint8Array(32)]],
  ] as const) {
    const { error } = await bench.sql('app', `select ${verb}`, values)
    if (error?.code !== 'HF412') return `${verb}: ${error?.code ?? 'done'}`
  }
  return undefined
}

function ask(bench: Bench, route: RouteSeen, organisation: string, as: Canary): Promise<Answer> {
  const takesBody = route.method !== 'GET' && route.method !== 'DELETE'
  return bench.http(pathOf(route, organisation), { method: route.method, as, ...(takesBody ? { body: '{}' } : {}) })
}

function pathOf(route: RouteSeen, organisation: string): string {
  const path = route.path.replace('{organisation}', organisation).replace(/\{[^}]+\}/g, () => crypto.randomUUID())
  return path + route.sampleQuery
}
