import type { Environment } from './env.ts'

/** What the environment holds that must not be logged: apart from `Config`, so that the config may be. */
export interface EnvironmentSecrets {
  /** Present exactly where `config.database.kind` is `server`. */
  readonly databaseUrl?: string
  /** Present where `config.mail.kind` is `smtp` and the server asks for a sign-in. */
  readonly smtpPassword?: string
  /** Present where `config.counter.kind` is `redis` and the server asks for a password. */
  readonly redisPassword?: string
  /** Of HOLDFAST_PEPPERS, the newest first; 32 bytes or more each. */
  readonly peppers: readonly Uint8Array[]
}

/** Call it after `readConfig`, which refuses what is not well-formed. */
export function readEnvironmentSecrets(env: Environment): EnvironmentSecrets {
  const smtpPassword = passwordIn(env.SMTP_URL)
  const redisPassword = passwordIn(env.REDIS_URL)
  return {
    ...(env.DATABASE_URL !== undefined && { databaseUrl: env.DATABASE_URL }),
    ...(smtpPassword !== '' && { smtpPassword }),
    ...(redisPassword !== '' && { redisPassword }),
    peppers: env.HOLDFAST_PEPPERS === undefined ? [] : readPeppers(env.HOLDFAST_PEPPERS),
  }
}

function passwordIn(url: string | undefined): string {
  return url === undefined ? '' : decodeURIComponent(new URL(url).password)
}

/** Throws a `RangeError` whose message says what is wrong, and quotes nothing. */
export function readPeppers(text: string): Uint8Array[] {
  const peppers = text.split(',').map((one, index) => {
    const bytes = Buffer.from(one.trim(), 'base64')
    // Of 32 random bytes some 30 are different: fewer than 16 is a placeholder.
    if (!/^[\w+/-]+={0,2}$/.test(one.trim()) || bytes.length < 32 || new Set(bytes).size < 16)
      throw new RangeError(`number ${index + 1} is not 32 random bytes in base64`)
    return bytes
  })
  if (new Set(peppers.map((bytes) => bytes.toString('hex'))).size < peppers.length)
    throw new RangeError('one is there twice')
  return peppers
}
