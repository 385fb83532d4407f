import type { Answer, Bench } from '../../kernel/bench.ts'
import { broken, holds, inconclusive, type Outcome } from '../../kernel/finding.ts'
import { mailedToken, type Newcomer, newcomer, newPassword, post, shapeOf, signIn } from './probe-newcomer.ts'

/** What a sign-up opens before its own link is opened, and what that link opens in whose hands. Undefined: nothing it must not. */
export async function faultOfSignUp(bench: Bench): Promise<{ fault: string } | { person: Newcomer }> {
  const person = await newcomer(bench)
  const { address, password, token, from } = person
  const early = await signIn(bench, address, password, from)
  const nobody = await signIn(bench, `nobody-${crypto.randomUUID()}@canary.invalid`, password, from)
  if (early.status === 200) return { fault: 'a sign-up whose link was not opened got a session' }
  if (shapeOf(early) !== shapeOf(nobody))
    return {
      fault: `the password of a sign-up that waits is told from any other: ${early.status}, not ${nobody.status}`,
    }
  // Without the cookie of the browser that signed up.
  const stranger = await post(bench, '/api/verify', { token }, { from })
  if (stranger.status < 300)
    return { fault: 'the link, opened in another browser, made the account without the password' }
  const guessed = await post(bench, '/api/verify', { token, password: newPassword() }, { from })
  if (guessed.status < 300) return { fault: 'the link, opened in another browser, took another password' }
  const own = await post(bench, '/api/verify', { token, password }, { from })
  if (own.status !== 200) throw new Error(`the link was answered ${own.status}`)
  const again = await post(bench, '/api/verify', { token, password }, { from })
  if (again.status !== 410) return { fault: `the link, opened again, was answered ${again.status}` }
  return { person }
}

/** A reset from end to end: two at once, once more, the old session and the old password, and a second link. */
export async function resetEverything(bench: Bench): Promise<Outcome> {
  const made = await faultOfSignUp(bench)
  if ('fault' in made) return broken(made.fault, 1)
  const { address, password, from } = made.person
  const cookie = cookieOf(await signIn(bench, address, password, from))
  if (!(await lives(bench, cookie))) return inconclusive('the newcomer got no session')

  const first = await askReset(bench, made.person)
  const second = await askReset(bench, made.person, first)
  const wanted = [newPassword(), newPassword()]
  const both = await Promise.all(wanted.map((chosen) => finish(bench, from, first, chosen)))
  const won = both.findIndex(({ status }) => status === 200)
  if (won < 0) return inconclusive(`two resets at once were answered ${both.map(({ status }) => status).join(' and ')}`)
  if (both.filter(({ status }) => status === 200).length > 1)
    return broken('one link reset the password twice at once', 2)
  let examined = 2
  for (const [told, token] of [
    ['a link that was used', first],
    ['a link from before the reset', second],
  ] as const) {
    const { status } = await finish(bench, from, token, newPassword())
    examined += 1
    if (status === 200) return broken(`${told} reset the password once more`, examined)
  }
  if (await lives(bench, cookie)) return broken('a session from before the reset lives on', examined)
  if ((await signIn(bench, address, password, from)).status === 200)
    return broken('the old password still opens', examined)
  const open = await signIn(bench, address, wanted[won]!, from)
  if (open.status !== 200) return inconclusive(`the new password was answered ${open.status}`, examined)
  // Nothing of it stays: the newcomer gives the account up.
  await post(bench, '/api/account/close', {}, { from, headers: { cookie: cookieOf(open) } })
  return holds(
    `of two resets by one link at once one won; used again, and by a link that was sent before, it was refused; the session and the password from before open nothing`,
    examined + 3,
  )
}

async function askReset(bench: Bench, { address, from }: Newcomer, not?: string): Promise<string> {
  const { status } = await post(bench, '/api/reset', { address }, { from })
  if (status !== 202) throw new Error(`asking for a reset was answered ${status}`)
  for (let attempt = 0; attempt < 60; attempt++) {
    const token = await mailedToken(bench, address, 'new-password')
    if (token !== not) return token
    await new Promise((go) => setTimeout(go, 100))
  }
  throw new Error('no second mail came')
}

function finish(bench: Bench, from: string, token: string, password: string): Promise<Answer> {
  return post(bench, '/api/reset/finish', { token, password }, { from })
}

function cookieOf(answer: Answer): string {
  return (answer.headers.get('set-cookie') ?? '').split(';')[0]!
}

async function lives(bench: Bench, cookie: string): Promise<boolean> {
  return (await bench.http('/api/me', { headers: { cookie } })).status === 200
}
