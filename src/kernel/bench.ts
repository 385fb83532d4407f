/** A login role that the bench can attack as, on a connection of its own, through the same pool code as the server. */
export type LoginName = 'app' | 'worker' | 'auditor' | 'prover'

/** A person who exists only for the prover: quotas, mail, statistics and people never meet one. */
export interface Canary {
  readonly name: string
  readonly address: string
  /**
   * For probes that sign in anew. Longer than 72 bytes, so that a probe can change what plain bcrypt would cut off. A
   * bench without sign-in has none, and those probes are inconclusive.
   */
  readonly password?: string
  readonly person: string
  readonly organisation: string
  /** The second organisation of the same person, where the product lets a person have one. */
  readonly secondOrganisation?: string
  /** The value of the session cookie, and the secret derived from it that entry takes (32 bytes). */
  readonly cookie: string
  readonly entry: Uint8Array
  /** Marks planted in this canary's rows. Whoever is not this canary must never see one. */
  readonly marks: readonly string[]
}

/** Everything that came back from one statement: rows, notices, errors and plans, as text to be searched. */
export interface Seen {
  readonly rows: readonly Record<string, unknown>[]
  readonly rowCount: number
  readonly notices: readonly string[]
  readonly error?: { readonly code: string; readonly message: string; readonly detail?: string; readonly hint?: string }
  /** All of the above as one string. */
  readonly text: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly milliseconds: number
}

/** A request. `origin` and `sec-fetch-site` are always sent as by a page of ours; an empty value in `headers` leaves one out. */
export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Sends this canary's session cookie, and same-origin headers unless `headers` says otherwise. */
  readonly as?: Canary
  /** The loopback address to call from, such as 127.0.0.66: a client of its own for the limiter. Linux only. Left out: one of this bench. */
  readonly from?: string
}

/** One route as the server describes it, taken from its own OpenAPI document. */
export interface RouteSeen {
  readonly method: string
  /** With `{organisation}` and such in braces. */
  readonly path: string
  readonly needs: string
  readonly limit: string
  readonly changes: boolean
  readonly hasSchemas: boolean
  /** Why other sites may call it, `because …`, where the route says so. */
  readonly crossSite?: string
  /** A query that its schema accepts, `?day=…`, made from the document; empty where none is needed. */
  readonly sampleQuery: string
}

/** A statement that is run under entry, or a transaction of several. */
export interface Entered {
  readonly as: Canary
  /** The organisation asked for; the canary's own when left out. */
  readonly organisation?: string
}

/**
 * What a probe is handed. It works from outside, like anybody: HTTP to the running server, SQL through the real login
 * roles, whole-table counts through functions that report numbers only. Nothing here leads to a tenant's rows.
 */
export interface Bench {
  readonly product: string
  readonly origin: string
  /** True where the prover may do what a live system must not suffer: locks, floods, planted flaws. CI and drills. */
  readonly mayDisturb: boolean
  /**
   * True where sign-in runs in a process of its own, so that the server's process holds no credential that can open a
   * session for somebody. Left out: it runs in the same process.
   */
  readonly signInApart?: boolean
  readonly now: () => Date
  /** Two canaries in two organisations; a third that never verified its address. */
  readonly canaries: { readonly a: Canary; readonly b: Canary; readonly unverified: Canary }
  http(path: string, ask?: Ask): Promise<Answer>
  /** The routes of the running server. */
  routes(): Promise<readonly RouteSeen[]>
  /** A mail to a canary address, newest first. Canary mail is never sent out. */
  mail(address: string): Promise<readonly { subject: string; text: string }[]>
  /** One statement as `login`, outside of any entry, unless `entered` says otherwise. Never throws for a database error. */
  sql(login: LoginName, text: string, values?: readonly unknown[], entered?: Entered): Promise<Seen>
  /** Several statements in one transaction, entered or outside of any organisation, rolled back at the end. */
  transaction(
    login: LoginName,
    entered: Entered | undefined,
    statements: readonly { text: string; values?: readonly unknown[] }[],
  ): Promise<Seen[]>
  /** A statement sent over the simple protocol on a raw connection: what a stacked injection would need. */
  stacked(login: LoginName, text: string, entered?: Entered): Promise<Seen>
  /** A catalogue query as the auditor: no tenant's rows. Throws when it fails, so that the probe is inconclusive. */
  catalogue<Row extends Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>
}
