import { isDeepStrictEqual } from 'node:util'
import type { Running } from './contestant.ts'
import { organisationId, rowId, type Traffic } from './traffic.ts'

/** All do the same work, or nothing is compared: the same rows in the same shape, and nothing without a session. */
export async function refuseDifferentAnswers<Name extends string>(
  dataset: { readonly tenants: number; trafficOf(name: Name): Traffic },
  running: readonly Running<Name>[],
): Promise<void> {
  const tenant = Math.floor(dataset.tenants / 2)
  const paths = [`/items/${rowId(dataset.tenants + tenant)}`, '/items'].map(
    (rest) => `/api/o/${organisationId(tenant)}${rest}`,
  )
  for (const target of paths) {
    let expected: unknown
    for (const { name, port } of running) {
      const cookie = dataset.trafficOf(name).cookies?.[tenant]
      const ask = (headers: Record<string, string>) => fetch(`http://localhost:${port}${target}`, { headers })
      const answer = await ask(cookie === undefined ? {} : { cookie })
      const body: unknown = await answer.json()
      if (answer.status !== 200)
        throw new Error(`${name} answered ${answer.status} to ${target}: ${JSON.stringify(body)}`)
      expected ??= body
      if (!isDeepStrictEqual(body, expected)) throw new Error(`${name} answered ${target} otherwise than the first`)
      const stranger = await ask({})
      await stranger.arrayBuffer()
      if (cookie !== undefined && stranger.status !== 401)
        throw new Error(`${name} answered ${stranger.status} to a stranger at ${target}`)
    }
  }
}
