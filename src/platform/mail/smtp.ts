import { createTransport } from 'nodemailer'
import { isLoopback, type MailConfig, type Sender } from '../config/config.ts'
import { isAddress, isOneLine } from './address.ts'

/** A mail to one person. */
export interface Message {
  readonly to: string
  /** At most 200 characters. */
  readonly subject: string
  readonly text: string
  readonly html?: string
  /** Another sender's name, such as the product's; the address stays. */
  readonly fromName?: string
  /** The left part of the Message-ID: the same for every attempt, so that a mail sent twice can be told. */
  readonly id?: string
}

/** Sends mail. `send` throws `MailRefused` or `MailNotSent`; the caller tries again later, or gives up. */
export interface Mailer {
  /** Resolves when the server has taken the mail on. */
  send(message: Message): Promise<void>
  close(): void
}

/** What was to be sent is no mail: sending it again is of no use. */
export class MailRefused extends Error {
  constructor(found: string) {
    super(found)
    this.name = 'MailRefused'
  }
}

/** The server did not take the mail. */
export class MailNotSent extends Error {
  /** True when the server said that it never will (5xx); false when a later attempt may succeed. */
  readonly isFinal: boolean

  constructor(cause: unknown) {
    const { responseCode, message } = cause as { responseCode?: number; message: string }
    super(`the mail was not sent: ${message}`, { cause })
    this.name = 'MailNotSent'
    this.isFinal = responseCode !== undefined && responseCode >= 500
  }
}

export type SmtpOptions = Omit<Extract<MailConfig, { kind: 'smtp' }>, 'kind'> & {
  readonly password?: string
  readonly from: Sender
}

const seconds = 1_000

/** A way to a mail server, connections kept. Throws where mail would cross a network in the clear. */
export function openSmtp({ host, port, tls, user, password, from }: SmtpOptions): Mailer {
  if (tls === 'off' && !isLoopback(host)) throw new Error(`mail to ${host} must be encrypted`)
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'off',
    tls: { minVersion: 'TLSv1.2' },
    ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
    pool: true,
    maxConnections: 2,
    dnsTimeout: 10 * seconds,
    connectionTimeout: 10 * seconds,
    greetingTimeout: 10 * seconds,
    socketTimeout: 30 * seconds,
    // What is in a message is text: it names no files and no pages to be fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send(message) {
      refuseUnlessFit(message)
      await transport.sendMail(compose(message, from)).catch((error) => {
        throw new MailNotSent(error)
      })
    },
    close: () => transport.close(),
  }
}

/** The library encodes what it is given; a list of addresses or a second header is refused before it gets there. */
function refuseUnlessFit({ to, subject, fromName = '', id = '' }: Message): void {
  if (!isAddress(to)) throw new MailRefused('the recipient is not one mail address')
  if (subject === '' || subject.length > 200)
    throw new MailRefused('the subject is empty, or longer than 200 characters')
  if (!isOneLine(subject)) throw new MailRefused('the subject is not one line of text')
  if (fromName.length > 100 || !isOneLine(fromName)) throw new MailRefused("the sender's name is not one short line")
  if (!/^[\w.-]{0,100}$/.test(id)) throw new MailRefused('the id has other characters than letters, digits, _ . -')
}

function compose({ to, subject, text, html, fromName, id }: Message, from: Sender) {
  return {
    from: { name: fromName ?? from.name, address: from.address },
    to: { name: '', address: to },
    envelope: { from: from.address, to: [to] },
    subject,
    text,
    ...(html !== undefined && { html }),
    ...(id !== undefined && { messageId: `<${id}@${from.address.split('@')[1]}>` }),
    // Answering machines leave it alone (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}
