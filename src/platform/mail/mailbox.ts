import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import PostalMime, { type Address } from 'postal-mime'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import { newId } from '../../kernel/id.ts'
import { writeAtomically } from '../data-folder.ts'

export interface MailSummary {
  readonly id: string
  /** RFC 3339, UTC. */
  readonly receivedAt: string
  readonly from: string
  /** Those that it was delivered to, whatever its headers say. */
  readonly to: readonly string[]
  readonly subject: string
}

export interface ReceivedMail extends MailSummary {
  readonly text: string
  /** As sent, by whomever: to be shown in a sandbox alone. */
  readonly html?: string
  /** As lines, names as sent, folded lines joined. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
}

/** Takes the mail that would leave this machine, and shows it to the developer. */
export interface Mailbox {
  readonly host: string
  readonly port: number
  /** Newest first, at most 200. */
  list(): readonly MailSummary[]
  get(id: string): ReceivedMail | undefined
  stop(): Promise<void>
}

const mostMails = 200
const mostBytes = 5_000_000

/**
 * Starts an SMTP server on a free port of the loopback address, for everybody on this machine: development only. A mail
 * is taken on when it is a file in `folder`, one for each; what is there from earlier is read.
 */
export async function startMailbox({ folder }: { readonly folder: string }): Promise<Mailbox> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const kept = await readMails(folder)
  const server = new SMTPServer({
    name: 'localhost',
    banner: 'Holdfast development mailbox',
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    size: mostBytes,
    maxClients: 20,
    socketTimeout: 30_000,
    closeTimeout: 1_000,
    onData: (stream, session, done) => {
      receive(stream, session, kept).then(() => done(), done)
    },
  })
  // A client that hangs up or breaks the protocol concerns that client alone.
  server.on('error', () => {})
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return {
    host: '127.0.0.1',
    port: (listening.address() as AddressInfo).port,
    list: () => [...kept.mails.values()].reverse().map(summarise),
    get: (id) => kept.mails.get(id),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

interface Kept {
  readonly folder: string
  /** In the order of arrival. */
  readonly mails: Map<string, ReceivedMail>
  /** Ids are times. One that is later than the last keeps the order when the files are read again. */
  lastTime: number
}

async function readMails(folder: string): Promise<Kept> {
  const kept: Kept = { folder, mails: new Map(), lastTime: 0 }
  const names = readdirSync(folder).filter((name) => /^[0-9a-f-]{36}\.eml$/.test(name))
  for (const name of names.sort()) {
    const id = name.slice(0, 36)
    kept.mails.set(id, await parse(id, readFileSync(path.join(folder, name))))
    kept.lastTime = timeOf(id)
  }
  forgetOldest(kept)
  return kept
}

async function receive(stream: SMTPServerDataStream, { envelope }: SMTPServerSession, kept: Kept): Promise<void> {
  const content = await buffer(stream)
  if (stream.sizeExceeded) throw Object.assign(new Error('the mail is too large'), { responseCode: 552 })
  const recipients = envelope.rcptTo.map(({ address }) => address)
  const file = Buffer.concat([Buffer.from(describeRecipients(recipients)), content])
  kept.lastTime = Math.max(Date.now(), kept.lastTime + 1)
  const id = newId(kept.lastTime)
  const mail = await parse(id, file)
  writeAtomically(path.join(kept.folder, `${id}.eml`), file)
  kept.mails.set(id, mail)
  forgetOldest(kept)
}

function forgetOldest({ mails, folder }: Kept): void {
  for (const old of [...mails.keys()].slice(0, -mostMails)) {
    mails.delete(old)
    rmSync(path.join(folder, `${old}.eml`), { force: true })
  }
}

/** The first headers of a file. Their number is stated, because the sender may have written more of the same name. */
function describeRecipients(recipients: readonly string[]): string {
  return [`X-Recipients: ${recipients.length}`, ...recipients.map((address) => `Delivered-To: ${address}`), ''].join(
    '\r\n',
  )
}

async function parse(id: string, file: Uint8Array): Promise<ReceivedMail> {
  const mail = await PostalMime.parse(file)
  const { text = '', html, subject = '', headers } = mail
  const recipientCount = Number(headers[0]?.value)
  return {
    id,
    receivedAt: new Date(timeOf(id)).toISOString(),
    from: nameAddress(mail.from),
    to: headers.slice(1, 1 + recipientCount).map(({ value }) => value),
    subject,
    text,
    ...(html !== undefined && { html }),
    headers: headers.slice(1 + recipientCount).map(({ originalKey: name, value }) => ({ name, value })),
  }
}

function nameAddress(address: Address | undefined): string {
  if (!address) return ''
  return address.name === '' ? (address.address ?? '') : `${address.name} <${address.address ?? ''}>`
}

/** The first 48 bits of a UUID of version 7, in milliseconds. */
function timeOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}

function summarise({ id, receivedAt, from, to, subject }: ReceivedMail): MailSummary {
  return { id, receivedAt, from, to, subject }
}
