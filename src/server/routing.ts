import { RegExpRouter } from 'hono/router/reg-exp-router'
import { SmartRouter } from 'hono/router/smart-router'
import { TrieRouter } from 'hono/router/trie-router'
import { Refusal } from '../kernel/refusal.ts'
import { kinds, notFound } from '../platform/http/refusals.ts'
import type { Route, Routes } from '../platform/http/route.ts'

export interface Matched {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** Hono's routers over the table of routes. */
export function createRouting(routes: Routes): (method: string, path: string) => Matched {
  const find = createFinder(routes)
  const methods = new Set(Object.values(routes).map((route) => route.method))
  return (method, path) => {
    const found = find(method, path)
    if (found !== undefined) return found
    const allowed = [...methods].filter((other) => find(other, path) !== undefined)
    if (allowed.length > 0) throw new Refusal(kinds.methodNotAllowed, { headers: { allow: allowed.join(', ') } })
    throw notFound()
  }
}

/** Whether the route that will answer lets other sites call it. */
export function createOptOuts(routes: Routes): (method: string, path: string) => boolean {
  const opted = (route: Route) => route.kind === 'open' && route.crossSite !== undefined
  if (!Object.values(routes).some(opted)) return () => false
  // All of them are looked through: a pattern that opts out must not take with it what another route answers.
  const find = createFinder(routes)
  return (method, path) => {
    const found = find(method, path)
    return found !== undefined && opted(found.route)
  }
}

function createFinder(routes: Routes): (method: string, path: string) => Matched | undefined {
  const router = new SmartRouter<Route>({ routers: [new RegExpRouter(), new TrieRouter()] })
  for (const route of Object.values(routes)) router.add(route.method, route.path, route)
  // The first match builds the matcher: at start, so that no request waits for it.
  if (Object.keys(routes).length > 0) router.match('GET', '/')

  return (method, path) => {
    const [found, values] = router.match(method, path)
    const first = found[0]
    if (first === undefined) return undefined
    const params: Record<string, string> = {}
    for (const [name, at] of Object.entries(first[1]))
      params[name] = values ? (values[at as number] ?? '') : (at as unknown as string)
    return { route: first[0], params }
  }
}
