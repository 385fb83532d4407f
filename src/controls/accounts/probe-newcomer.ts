import type { Answer, Ask, Bench } from '../../kernel/bench.ts'

/** Somebody new, made for one probe: what it does to them disturbs no other probe. */
export interface Newcomer {
  readonly address: string
  readonly password: string
  /** What the link in the mail carries. */
  readonly token: string
  /** The client that they come from: one of their own, so that no quota of the prover's is in the way. */
  readonly from: string
}

/** Signs somebody up by the front door. Throws where that does not work: then nothing can be said. */
export async function newcomer(bench: Bench): Promise<Newcomer> {
  const address = `visitor-${crypto.randomUUID()}@canary.invalid`
  const password = newPassword()
  const from = newClient()
  const answer = await post(bench, '/api/sign-up', { name: 'Newcomer', address, password }, { from })
  if (answer.status !== 202) throw new Error(`sign-up answered ${answer.status}`)
  return { address, password, from, token: await mailedToken(bench, address, 'verify') }
}

/** A loopback address that nobody else calls from. */
export function newClient(): string {
  const part = () => 1 + Math.floor(Math.random() * 250)
  return `127.90.${part()}.${part()}`
}

export function newPassword(): string {
  return `probe ${crypto.randomUUID()}`
}

/** The token of the newest link to that page; the mail is decided on after the answer. */
export async function mailedToken(bench: Bench, address: string, page: string): Promise<string> {
  for (let attempt = 0; attempt < 60; attempt++) {
    for (const { text } of await bench.mail(address)) {
      const token = new RegExp(`/${page}#([\\w-]{43})`).exec(text)?.[1]
      if (token !== undefined) return token
    }
    await new Promise((go) => setTimeout(go, 100))
  }
  throw new Error(`no mail with a link to /${page} came`)
}

export async function post(
  bench: Bench,
  path: string,
  body: unknown,
  more: Pick<Ask, 'from' | 'headers'> = {},
): Promise<Answer> {
  const { from, ...rest } = more
  const ask = { method: 'POST', body: JSON.stringify(body), ...rest }
  if (from === undefined) return bench.http(path, ask)
  return bench.http(path, { ...ask, from }).catch((error) => {
    // Only Linux has all of 127.0.0.0/8 to call from.
    if ((error as { code?: unknown }).code !== 'EADDRNOTAVAIL') throw error
    return bench.http(path, ask)
  })
}

export function signIn(bench: Bench, address: string, password: string, from: string): Promise<Answer> {
  return post(bench, '/api/sign-in', { address, password }, { from })
}

/** All of an answer but what must differ: the request's id, the quotas that are left, and the values of cookies. */
export function shapeOf(answer: Answer): string {
  const { requestId: _, ...body } = JSON.parse(answer.text || '{}') as Record<string, unknown>
  const names = [...answer.headers.keys()].filter((name) => name !== 'retry-after').sort()
  const cookie = (answer.headers.get('set-cookie') ?? '').replace(/=[\w-]{43}(?=;)/, '=…')
  return JSON.stringify([answer.status, body, names, cookie])
}
