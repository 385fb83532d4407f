/**
 * The server writes what the browser's own `navigator.credentials` takes, in JSON; its record says no more than that. The
 * browser checks it all.
 */
export function passkeyOptions<Options>(answer: Readonly<Record<string, unknown>>): Options {
  return answer as Options
}
