/** A JSON pointer (RFC 6901) into the input: `/body/items/0/name`. `where` is its first step. */
export function pointerTo(where: string, path: readonly PropertyKey[]): string {
  return `/${[where, ...path].map(publicStep).join('/')}`
}

/**
 * A name that the caller chose may stand in an answer only if it is short and plain: an answer does not carry a stranger's
 * text, nor 100 kB of it. Plain names need no escaping in a pointer.
 */
function publicStep(step: PropertyKey): string {
  const text = String(step)
  return /^[A-Za-z0-9_.-]{1,64}$/.test(text) ? text : '(name)'
}
