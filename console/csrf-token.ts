/**
 * What a state-changing request carries where the browser sends neither Fetch Metadata nor an Origin: a token bound to the
 * session. Browsers since 2023 need none, so none is fetched until the server refuses for the lack of one; from then on
 * every change of this page carries it. It opens nothing without the session's cookie, which no script can read.
 */
let token: string | undefined

const address = '/api/csrf-token'

/** The code of the refusal that a token can heal. The request was refused before anything was done. */
export const crossSiteRequest = 'browser-defences/cross-site-request'

export function tokenHeaders(method: string): Readonly<Record<string, string>> {
  return token === undefined || method === 'GET' ? {} : { 'x-csrf-token': token }
}

/** Fetches the token of the session as it is now. False where there is none, such as without a session. */
export async function renewToken(signal: AbortSignal | undefined): Promise<boolean> {
  token = undefined
  try {
    const response = await fetch(address, {
      headers: { accept: 'application/json' },
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
      ...(signal ? { signal } : {}),
    })
    if (!response.ok) return false
    const body = (await response.json()) as { readonly token?: unknown }
    token = typeof body.token === 'string' ? body.token : undefined
    return token !== undefined
  } catch {
    // The refusal that asked for it says more than how it could not be had.
    return false
  }
}
