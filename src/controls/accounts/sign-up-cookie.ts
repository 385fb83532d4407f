/** The cookie that binds a sign-up to the browser it was made in, for as long as its link works. */
export interface SignUpCookie {
  set(value: string): string
  /** The value in a Cookie header; undefined where it is missing, there more than once, or no token of ours. */
  read(header: string): string | undefined
}

const seconds = 24 * 60 * 60

/**
 * `__Host-<product>-sign-up` over HTTPS, so that no neighbouring name can plant one; without the prefix over plain HTTP on
 * this machine. Strict: only a page of ours ever has to send it.
 */
export function signUpCookie(product: string, https: boolean): SignUpCookie {
  const name = https ? `__Host-${product}-sign-up` : `${product}-sign-up`
  return {
    set: (value) => `${name}=${value}; Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Strict${https ? '; Secure' : ''}`,
    read: (header) => {
      const values = header
        .split(';')
        .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
        .filter((pair) => pair.startsWith(`${name}=`))
        .map((pair) => pair.slice(name.length + 1))
      return values.length === 1 && /^[\w-]{43}$/.test(values[0]!) ? values[0] : undefined
    },
  }
}
