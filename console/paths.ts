/** Whom the product is for. Individuals never meet an organisation, not even in an address. */
export type People = 'organisations' | 'individuals'

type Names<P extends string> = P extends `${string}$${infer Rest}`
  ? Rest extends `${infer Name}/${infer More}`
    ? Name | Names<More>
    : Rest
  : never

/** What a path such as `/contacts/$contact` wants: `{ contact: string }`. */
export type PathParams<P extends string> = { readonly [Name in Names<P>]: string }

/** Addresses of the console that are not a page of the app. */
export const paths = {
  home: '/',
  signUp: '/sign-up',
  signIn: '/sign-in',
  secondStep: '/second-step',
  checkMail: '/check-mail',
  verify: '/verify',
  forgotten: '/forgotten',
  newPassword: '/new-password',
  confirmAddress: '/confirm-address',
  stopAddress: '/stop-address',
  keepAccount: '/keep-account',
  beginRecovery: '/begin-recovery',
  stopRecovery: '/stop-recovery',
  invitation: '/invitation',
  organisations: '/organisations',
  newOrganisation: '/organisations/new',
  session: '/session',
  account: '/account',
  factors: '/account/security',
  sessions: '/account/sessions',
  members: '/members',
  roles: '/roles',
  keys: '/keys',
  /** Drawn by the server, not by the console. */
  security: '/security',
  securityStatus: '/security.json',
} as const

/** First segments that a page of an app may not take. */
export const reserved: readonly string[] = [
  ...new Set(Object.values(paths).map((path) => path.split('/')[1]!)),
  'o',
  'api',
  'assets',
].filter(Boolean)

/** The pattern of an app's page, as the router wants it. */
export function pagePattern(people: People, path: string): string {
  return people === 'organisations' ? `/o/$organisation${path}` : path
}

/** The address of a page of the app: `/o/<organisation>/contacts/<contact>`, or `/decks/<deck>` for individuals. */
export function pageAddress(
  people: People,
  organisation: string,
  path: string,
  params: Readonly<Record<string, string>> = {},
): string {
  return pagePattern(people, path).replace(/\$(\w+)/g, (_, name: string) => {
    const value = name === 'organisation' ? organisation : params[name]
    if (!value) throw new TypeError(`${path}: no value for ${name}`)
    return encodeURIComponent(value)
  })
}

/** The second step of signing in, which leads back to `from` as sign-in does. */
export function secondStepAddress(from?: string): string {
  return from === undefined || from === '/' ? paths.secondStep : `${paths.secondStep}#${from}`
}

/** Sign-in that leads back to `from`. It stands in the fragment: neither a server's log nor a referrer sees it. */
export function signInAddress(from?: string): string {
  return from === undefined || from === '/' ? paths.signIn : `${paths.signIn}#${from}`
}

/**
 * The path to go back to, from the fragment of the sign-in page; `/` for whatever could lead to another origin.
 * Only a path that begins with exactly one slash, without backslashes and control characters, passes.
 */
export function readReturnPath(fragment: string): string {
  const path = fragment.replace(/^#/, '')
  if (!/^\/(?!\/)[^\\\p{Cc}]*$/u.test(path)) return paths.home
  const origin = 'https://console.invalid'
  if (!URL.canParse(path, origin)) return paths.home
  const url = new URL(path, origin)
  const back = url.pathname + url.search + url.hash
  return url.origin === origin && !back.startsWith('//') && !isWayIn(back) ? back : paths.home
}

/** Leading back to one of these would lead nowhere. */
function isWayIn(path: string): boolean {
  return path.startsWith(paths.signIn) || path.startsWith(paths.secondStep)
}
