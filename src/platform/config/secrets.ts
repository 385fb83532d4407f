import type { Environment } from './env.ts'

/** What the environment holds that must not be logged: apart from `Config`, so that the config may be. */
export interface EnvironmentSecrets {
  /** Present exactly where `config.database.kind` is `server`. */
  readonly databaseUrl?: string
  /** Present where `config.mail.kind` is `smtp` and the server asks for a sign-in. */
  readonly smtpPassword?: string
}

/** Call it after `readConfig`, which refuses what is not well-formed. */
export function readEnvironmentSecrets(env: Environment): EnvironmentSecrets {
  const smtpPassword = env.SMTP_URL === undefined ? '' : decodeURIComponent(new URL(env.SMTP_URL).password)
  return {
    ...(env.DATABASE_URL !== undefined && { databaseUrl: env.DATABASE_URL }),
    ...(smtpPassword !== '' && { smtpPassword }),
  }
}
