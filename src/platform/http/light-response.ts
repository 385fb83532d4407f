import { getRequestListener } from '@hono/node-server'

/**
 * A `Response` that stays a status, plain headers and a body until somebody asks it for more, so that the listener writes
 * it without making streams first. In every other way, and for whoever mounts us elsewhere, it is a `Response`.
 *
 * `@hono/node-server` hands its own out only by putting it in the place of the global one, which is put back at once.
 * Plain headers are written as they stand: whoever cannot vouch for names and values gives a `Headers`, which checks.
 */
export const LightResponse: typeof Response = takeLightResponse()

function takeLightResponse(): typeof Response {
  const names = ['Request', 'Response'] as const
  const kept = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name)!)
  getRequestListener(() => new Response())
  const light = globalThis.Response
  for (const [index, name] of names.entries()) Object.defineProperty(globalThis, name, kept[index]!)
  return light
}
