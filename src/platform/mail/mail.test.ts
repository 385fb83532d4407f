import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isAddress } from './address.ts'
import { type Mailbox, startMailbox } from './mailbox.ts'
import { type Mailer, MailNotSent, MailRefused, openSmtp, type SmtpOptions } from './smtp.ts'

let folder: string
let mailbox: Mailbox
let mailer: Mailer
const servers: Server[] = []

const from = { name: 'Holdfast', address: 'no-reply@holdfast.invalid' }

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'hf-mail-'))
  mailbox = await startMailbox({ folder: path.join(folder, 'mailbox') })
  mailer = open()
})

afterEach(async () => {
  mailer.close()
  await mailbox.stop()
  for (const server of servers.splice(0)) server.close()
  rmSync(folder, { recursive: true })
})

function open(options: Partial<SmtpOptions> = {}): Mailer {
  return openSmtp({ host: mailbox.host, port: mailbox.port, tls: 'off', from, ...options })
}

const message = { to: 'ann@example.com', subject: 'Hello', text: 'Dear Ann' }

test('a mail goes out over SMTP and arrives in the mailbox', async () => {
  const subject = `Grüße — ✓ ${'long '.repeat(30)}end`
  await mailer.send({
    to: 'jürgen@example.com',
    subject,
    text: `Zeile 1\n.\nhttps://crm.localhost/verify?token=hf_abc=def\n${'x'.repeat(2_000)}`,
    html: '<p>Grüße</p>',
    fromName: 'Crm, "the" product',
    id: '0198c0de-7b1a',
  })
  const [summary, ...rest] = mailbox.list()
  expect(rest).toEqual([])
  expect(summary).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    from: 'Crm, "the" product <no-reply@holdfast.invalid>',
    to: ['jürgen@example.com'],
    subject,
  })
  expect(Math.abs(Date.parse(summary!.receivedAt) - Date.now())).toBeLessThan(60_000)
  const mail = mailbox.get(summary!.id)!
  expect(mail.text.replaceAll('\r\n', '\n').trimEnd()).toBe(
    `Zeile 1\n.\nhttps://crm.localhost/verify?token=hf_abc=def\n${'x'.repeat(2_000)}`,
  )
  expect(mail.html).toContain('<p>Grüße</p>')
  expect(mail.headers).toContainEqual({ name: 'Message-ID', value: '<0198c0de-7b1a@holdfast.invalid>' })
  expect(mail.headers).toContainEqual({ name: 'Auto-Submitted', value: 'auto-generated' })
  expect(mailbox.get('../../etc/passwd')).toBeUndefined()
})

test.each([
  'a@b.example\r\nBcc: eve@evil.example',
  'a@b.example\nBcc: eve@evil.example',
  'a@b.example\r',
  'a@b.example, eve@evil.example',
  'a@b.example; eve@evil.example',
  'a@b.example eve@evil.example',
  'Ann <a@b.example>',
  '<a@b.example>',
  '"a\r\nb"@b.example',
  'a@b@c.example',
  'group: a@b.example;',
  'a(comment)@b.example',
  '@b.example',
  'a@',
  '',
  'a@b.example\u0000',
  'a@b.example\u2028x',
  `a@${'b'.repeat(254)}`,
  `${'a'.repeat(65)}@b.example`,
])('the recipient %j is refused', async (to) => {
  expect(isAddress(to)).toBe(false)
  await expect(mailer.send({ ...message, to })).rejects.toThrow(MailRefused)
  expect(mailbox.list()).toEqual([])
})

test.each([
  'Hello\r\nBcc: eve@evil.example',
  'Hello\nX: y',
  'Hello\r',
  'a\u2028b',
  'a\u0000b',
  '\ud800',
  '',
  'x'.repeat(201),
])('the subject %j is refused', async (subject) => {
  await expect(mailer.send({ ...message, subject })).rejects.toThrow(MailRefused)
  expect(mailbox.list()).toEqual([])
})

test.each([{ fromName: 'A\r\nBcc: eve@evil.example' }, { id: 'a>\r\nBcc: eve@evil.example' }, { id: 'a b' }])(
  '%j is refused',
  async (more) => {
    await expect(mailer.send({ ...message, ...more })).rejects.toThrow(MailRefused)
    expect(mailbox.list()).toEqual([])
  },
)

test('text that looks like headers or files stays text', async () => {
  const text = 'Bcc: eve@evil.example\r\n\r\n.\r\nQUIT\r\n{"path":"/etc/passwd"}'
  await mailer.send({ ...message, subject: '=?utf-8?B?YQ==?= <script>', text })
  const [{ id, subject, to }] = mailbox.list() as [ReturnType<Mailbox['list']>[0]]
  expect(to).toEqual(['ann@example.com'])
  expect(subject).toContain('<script>')
  expect(mailbox.get(id)!.text.trimEnd().replaceAll('\r\n', '\n')).toBe(text.replaceAll('\r\n', '\n'))
})

test('the mailbox survives a restart, in order, and keeps the newest 200', async () => {
  for (let number = 0; number < 205; number++) await mailer.send({ ...message, subject: `mail ${number}` })
  const before = mailbox.list()
  expect(before.map(({ subject }) => subject)).toEqual(Array.from({ length: 200 }, (_, index) => `mail ${204 - index}`))
  const files = readdirSync(path.join(folder, 'mailbox'))
  expect(files).toHaveLength(200)
  expect(statSync(path.join(folder, 'mailbox', files[0]!)).mode & 0o777).toBe(0o600)
  expect(statSync(path.join(folder, 'mailbox')).mode & 0o777).toBe(0o700)
  const oneBefore = mailbox.get(before[7]!.id)
  mailer.close()
  await mailbox.stop()
  writeFileSync(path.join(folder, 'mailbox', 'notes.txt'), 'not a mail')
  mailbox = await startMailbox({ folder: path.join(folder, 'mailbox') })
  expect(mailbox.list()).toEqual(before)
  expect(mailbox.get(before[7]!.id)).toEqual(oneBefore)
  mailer = open()
  await mailer.send({ ...message, subject: 'after' })
  expect(mailbox.list()[0]!.subject).toBe('after')
})

test('mails that come at once are all kept', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, number) => mailer.send({ ...message, subject: `mail ${number}` })))
  expect(new Set(mailbox.list().map(({ subject }) => subject)).size).toBe(20)
})

/** Speaks SMTP by hand, and returns what the server said. */
async function talk(lines: readonly string[]): Promise<string> {
  const socket = connectTo(mailbox.port, mailbox.host)
  let said = ''
  socket.on('data', (data) => {
    said += data
  })
  for (const line of ['', ...lines]) {
    const before = said.length
    if (line !== '') socket.write(line)
    for (let waited = 0; said.length === before && waited < 100; waited++) await sleep(10)
  }
  socket.destroy()
  return said
}

test('who it was delivered to is what the server was told, not what the headers say', async () => {
  const said = await talk([
    'EHLO x\r\n',
    'MAIL FROM:<eve@example.com>\r\n',
    'RCPT TO:<one@example.com>\r\n',
    'RCPT TO:<two@example.com>\r\n',
    'DATA\r\n',
    'Delivered-To: forged@example.com\r\nTo: forged@example.com\r\nSubject: x\r\n\r\nbody\r\n.\r\n',
  ])
  expect(said).not.toMatch(/AUTH|STARTTLS/)
  expect(mailbox.list()[0]).toMatchObject({ to: ['one@example.com', 'two@example.com'], from: '', subject: 'x' })
})

test('a mail that is too large is refused and not kept', async () => {
  const text = 'x'.repeat(99).concat('\n').repeat(60_000)
  await expect(mailer.send({ ...message, text })).rejects.toThrow(MailNotSent)
  expect(mailbox.list()).toEqual([])
  expect(readdirSync(path.join(folder, 'mailbox'))).toEqual([])
  await mailer.send(message)
})

test('the mailbox listens on loopback alone', () => {
  expect(mailbox.host).toBe('127.0.0.1')
})

/** A server that answers each line from a table, and notes what it was told. */
async function fakeServer(answers: Readonly<Record<string, string>>): Promise<{ port: number; heard: string[] }> {
  const heard: string[] = []
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {})
    if (answers.greeting) socket.write(`${answers.greeting}\r\n`)
    socket.on('data', (data) => {
      heard.push(String(data))
      const answer = answers[String(data).slice(0, 4).toUpperCase()]
      if (answer) socket.write(`${answer}\r\n`)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as { port: number }).port, heard }
}

const greeting = '220 fake'

test('a server without STARTTLS gets no mail where it is demanded, and no password', async () => {
  const { port, heard } = await fakeServer({
    greeting,
    EHLO: '250-fake\r\n250 AUTH PLAIN LOGIN',
    STAR: '454 no',
    QUIT: '221 bye',
  })
  const strict = open({ port, tls: 'starttls', user: 'me', password: 'canary' })
  await expect(strict.send({ ...message, text: 'canary' })).rejects.toThrow(MailNotSent)
  strict.close()
  expect(heard.join('')).not.toMatch(/MAIL FROM|AUTH |canary/)
})

test('a certificate that nobody vouches for is refused', async () => {
  const { SMTPServer } = await import('smtp-server')
  const server = new SMTPServer({ authOptional: true, logger: false })
  server.on('error', () => {})
  const listening = server.listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  const strict = open({ port: (listening.address() as { port: number }).port, tls: 'starttls' })
  await expect(strict.send(message)).rejects.toThrow(/certificate/)
  strict.close()
  await new Promise<void>((resolve) => server.close(() => resolve()))
})

test('mail in the clear across a network cannot even be set up', () => {
  for (const host of ['mail.example', '0.0.0.0', '127.0.0.1.example'])
    expect(() => open({ host })).toThrow('must be encrypted')
})

test.each([
  ['550 no such person', true],
  ['451 try later', false],
])('%s: final is %s', async (answer, isFinal) => {
  const { port } = await fakeServer({
    greeting,
    EHLO: '250 fake',
    MAIL: '250 ok',
    RCPT: answer,
    RSET: '250 ok',
    QUIT: '221',
  })
  const there = open({ port })
  await expect(there.send(message)).rejects.toMatchObject({ name: 'MailNotSent', isFinal })
  there.close()
})

test('a server that is not there, or says nothing, is not final, and is not waited for without end', async () => {
  const { port } = await fakeServer({})
  const silent = open({ port })
  const began = performance.now()
  await expect(silent.send(message)).rejects.toMatchObject({ isFinal: false })
  expect(performance.now() - began).toBeLessThan(15_000)
  silent.close()
  for (const server of servers.splice(0)) server.close()
  const gone = open({ port: 1 })
  await expect(gone.send(message)).rejects.toMatchObject({ isFinal: false })
  gone.close()
})
