/** The cookie of one product on one origin: its name, and how it is set, cleared and read. */
export interface SessionCookie {
  readonly name: string
  /** A Set-Cookie value. `seconds`: how long the browser keeps it. */
  set(value: string, seconds: number): string
  clear(): string
  /** The value in a Cookie header; undefined where it is missing, or there more than once. */
  read(header: string): string | undefined
}

/**
 * Over HTTPS `__Host-session`, which browsers take only with Secure, without Domain and for all paths, so that no
 * neighbouring name can set it: one product has the host to itself. Over plain HTTP, where the caller has made sure that it
 * is this machine talking to itself, `<product>-session` without Secure: Safari refuses a Secure cookie on http://localhost.
 * There several products share a host, and cookies are not kept apart by port, so the product is in the name.
 */
export function sessionCookie(product: string, https: boolean): SessionCookie {
  const name = https ? '__Host-session' : `${product}-session`
  // Lax, not Strict: a link in a mail leads to a page of ours, and whoever follows it is signed in there.
  const attributes = `Path=/; HttpOnly; SameSite=Lax${https ? '; Secure' : ''}`
  return {
    name,
    set: (value, seconds) => `${name}=${value}; Max-Age=${seconds}; ${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
    read: (header) => readOnce(header, name),
  }
}

/**
 * RFC 6265, section 5.4: pairs joined by `; `. Two of one name mean that somebody else has set one too (a neighbouring
 * subdomain, a wider path), and nothing says which is ours: neither is taken.
 */
function readOnce(header: string, name: string): string | undefined {
  let found: string | undefined
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals < 0 || withoutBlanks(pair.slice(0, equals)) !== name) continue
    if (found !== undefined) return undefined
    found = withoutBlanks(pair.slice(equals + 1))
  }
  return found
}

/**
 * Strips spaces and tabs, and nothing else: `trim()` would also strip what a browser takes for a letter, and so turn another
 * site's cookie `\u2000__Host-…` into ours.
 */
function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
