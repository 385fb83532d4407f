import type { Login } from '../database/login.ts'
import { sql } from '../database/statement.ts'
import { type Running, repeat } from '../jobs/worker.ts'

export interface Mailer {
  /** Rejects when the mail was not taken over by the next server. */
  send(mail: { to: string; subject: string; text: string }): Promise<unknown>
}

/** Sends what has been queued. A mail is lost to no failure: it is marked as sent after the server took it, else tried again. */
export function startOutbox(options: {
  readonly login: Login
  readonly mailer: Mailer
  readonly log: (failure: { mail: number; error: unknown }) => void
  readonly pollMillis?: number
}): Running {
  const { login, mailer, log } = options
  return repeat(
    options.pollMillis ?? 300,
    async () => {
      const mails = await login.query(
        sql<{
          id: number
          to_address: string
          subject: string
          body: string
        }>`select id, to_address, subject, body from holdfast.take_mail(10)`,
      )
      for (const mail of mails) {
        try {
          await mailer.send({ to: mail.to_address, subject: mail.subject, text: mail.body })
          await login.query(sql`select holdfast.mail_sent(${mail.id})`)
        } catch (error) {
          log({ mail: mail.id, error })
          await login.query(sql`select holdfast.mail_failed(${mail.id}, ${(error as Error).message})`)
        }
      }
      return mails.length > 0 ? 'busy' : 'idle'
    },
    (error) => log({ mail: 0, error }),
  )
}
