/** One environment variable: what it means, and what holds where it is absent. */
export interface Variable {
  readonly meaning: string
  readonly default?: string
  /** What holds where there is no default to name. */
  readonly absent?: string
  /** The value carries a password: it is never quoted, and never part of `Config`. */
  readonly secret?: boolean
}

/** Every variable that Holdfast reads, once. An unknown `HOLDFAST_…` is refused. */
export const variables = {
  PORT: {
    meaning: 'The port of the landing page. The two products listen on the two ports after it.',
    default: '8700',
  },
  HOST: { meaning: 'The address to listen on: an IP address, or localhost.', default: '127.0.0.1' },
  HOLDFAST_DATA_DIR: {
    meaning: 'The data folder: secrets, mailbox, and the embedded database. Mode 0700.',
    default: '.holdfast',
  },
  DATABASE_URL: {
    meaning: 'A PostgreSQL server, 15 or newer: postgres://user:password@host:5432/postgres',
    absent: 'the embedded PostgreSQL',
    secret: true,
  },
  SMTP_URL: {
    meaning: 'The server that sends mail: smtps://user:password@host, or smtp:// for STARTTLS.',
    absent: 'the development mailbox: no mail leaves this machine',
    secret: true,
  },
  MAIL_FROM: {
    meaning: 'The sender of every mail: an address, or Name <address>. Needed with SMTP_URL.',
    default: 'no-reply@holdfast.invalid',
  },
  TRUSTED_PROXY_CIDRS: {
    meaning: 'The proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8, fd00::/8.',
    absent: 'none is believed',
  },
  REDIS_URL: {
    meaning:
      'Redis 7 or Valkey, where quotas are counted: rediss://user:password@host:6379/0, or redis:// on loopback.',
    absent: 'they are counted in PostgreSQL',
    secret: true,
  },
  HOLDFAST_PEPPERS: {
    meaning:
      'What is mixed into passwords before they are hashed: one or more of 32 random bytes in base64, the newest first, with commas.',
    absent: 'the pepper of secrets.json, which otherwise counts as the oldest',
    secret: true,
  },
  HOLDFAST_RETIRED_PEPPERS: {
    meaning: 'Ids of peppers that are gone for good, with commas: passwords under them match no longer.',
    absent: 'none: a start without a pepper that is in use is refused',
  },
  HOLDFAST_PASSWORD_COST: {
    meaning: 'The cost of bcrypt, 12 to 16.',
    absent: 'what a hash takes a quarter of a second for, from 12 to 14, measured at the start',
  },
  LOG_LEVEL: { meaning: 'The least that is logged: trace, debug, info, warn, error or fatal.', default: 'info' },
  HOLDFAST_CHROMIUM: {
    meaning: 'The browser for the browser tests: the absolute path of a Chromium.',
    absent: 'one is looked for, and installed where there is none',
  },
} as const satisfies Readonly<Record<string, Variable>>

export type VariableName = keyof typeof variables

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of this process. Nothing else reads `process.env`. */
export function environment(): Environment {
  return { ...process.env }
}
