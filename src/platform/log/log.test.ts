import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { hash } from '@node-rs/bcrypt'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openBoundedFile } from './bounded-file.ts'
import { defineEvent, type Log, openLog } from './log.ts'
import { cleanText, redacted } from './redaction.ts'

let folder: string
let file: string
let log: Log

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'hf-log-'))
  file = path.join(folder, 'server.log')
  log = openLog({ level: 'debug', to: { file }, process: 'test' })
})

afterEach(() => {
  log.close()
  rmSync(folder, { recursive: true })
})

const happened = defineEvent('log/happened', { what: 'text', count: 'number', done: 'boolean' })

function lines(): Record<string, unknown>[] {
  log.flush()
  const text = readFileSync(file, 'utf8')
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
}

test('an event is one line of JSON with its declared fields', () => {
  log.info(happened, { what: 'a thing', count: 3, done: false })
  log.error(happened, {})
  expect(lines()).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      process: 'test',
      event: 'log/happened',
      what: 'a thing',
      count: 3,
      done: false,
    },
    { level: 'error', time: expect.any(String), process: 'test', event: 'log/happened' },
  ])
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('lines that tell of nothing wrong leave together soon; a warning takes all before it along at once', async () => {
  const kept = () => readFileSync(file, 'utf8').trimEnd().split('\n').filter(Boolean).length
  log.info(happened, { count: 1 })
  log.debug(happened, { count: 2 })
  expect(kept()).toBe(0)
  await expect.poll(kept).toBe(2)
  log.info(happened, { count: 3 })
  log.warn(happened, { count: 4 })
  expect(kept()).toBe(4)
  for (let count = 0; count < 1_000; count++) log.info(happened, { count })
  expect(kept()).toBeGreaterThan(500)
  log.flush()
  expect(kept()).toBe(1_004)
})

test('a process that exits leaves no line behind', () => {
  const script = `
    import { defineEvent, openLog } from '${path.join(import.meta.dirname, 'log.ts')}'
    openLog({ level: 'info', to: { file: '${file}' }, process: 'child' }).info(defineEvent('a/b', { n: 'number' }), { n: 1 })
    process.exit(0)`
  spawnSync(process.execPath, ['--input-type=module', '-e', script])
  expect(lines()).toMatchObject([{ process: 'child', n: 1 }])
})

test('below its level nothing is written', () => {
  const quiet = openLog({ level: 'warn', to: { file: path.join(folder, 'quiet.log') }, process: 'test' })
  quiet.info(happened, {})
  quiet.debug(happened, {})
  quiet.warn(happened, {})
  quiet.close()
  expect(readFileSync(path.join(folder, 'quiet.log'), 'utf8').split('\n')).toHaveLength(2)
})

test('on stdout, too', () => {
  const script = `
    import { defineEvent, openLog } from '${path.join(import.meta.dirname, 'log.ts')}'
    openLog({ level: 'info', to: 'stdout', process: 'child' }).info(defineEvent('a/b', { n: 'number' }), { n: 1 })
    process.kill(process.pid, 'SIGKILL')`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(JSON.parse(stdout)).toMatchObject({ process: 'child', event: 'a/b', n: 1 })
})

test('what is not declared, or not of its kind, does not reach the log', () => {
  const canary = 'canary-in-a-free-object'
  const request = {
    what: { headers: canary },
    count: canary,
    done: [canary],
    headers: { cookie: canary },
    body: canary,
  }
  log.info(happened, request as never)
  log.info(happened, { what: new Uint8Array(32), count: Number.NaN, done: canary } as never)
  expect(readFileSync(file, 'utf8')).not.toContain(canary)
  expect(lines()[0]).toMatchObject({
    what: '[not a text]',
    count: '[not a number]',
    done: '[not a boolean]',
    undeclared: 'headers body',
  })
})

test.each([
  'cookie',
  'setCookie',
  'authorization',
  'password',
  'newPassword',
  'token',
  'resetToken',
  'secret',
  'entry',
  'apiKey',
  'pepper',
  'sessionCookie',
  'credentials',
  'clientSecret',
])('no event can have a field named %s', (field) => {
  expect(() => defineEvent('log/leak', { [field]: 'text' })).toThrow('would hold a secret')
})

test.each(['level', 'time', 'event', 'error', 'Upper', 'with space', '', '__proto__', 'a.b'])(
  'no event can have a field named %j',
  (field) => {
    expect(() => defineEvent('log/odd', Object.fromEntries([[field, 'text']]))).toThrow('no field can be named')
  },
)

test('fields that only sound like it may be declared', () => {
  defineEvent('log/fine', { keyboard: 'text', entries: 'number', monkey: 'text', tokenise: 'text' })
})

/** Secrets of every shape that this program handles, made anew. */
async function makeSecrets(): Promise<Record<string, string>> {
  const bytes = randomBytes(32)
  const random = randomBytes(32)
  return {
    jwt: await new SignJWT({ sid: 'x' }).setProtectedHeader({ alg: 'HS256' }).sign(random),
    token: `hf_${randomBytes(24).toString('base64url')}`,
    shortToken: 'hf_k1_9fQ2',
    bcrypt: await hash('password', 4),
    scram: `SCRAM-SHA-256$4096:${random.toString('base64')}$${random.toString('base64')}:${bytes.toString('base64')}`,
    hex: bytes.toString('hex'),
    bytea: `\\x${bytes.toString('hex')}`,
    base64: bytes.toString('base64'),
    base64url: `A1b${bytes.toString('base64url')}`,
    apiKey: `bight_key_A1${randomBytes(60)
      .toString('base64')
      .replace(/[^0-9A-Za-z]/g, '')
      .slice(0, 47)}`,
    list: String(new Uint8Array(bytes)),
    pem: `-----BEGIN PRIVATE KEY-----\n${random.toString('base64')}\n-----END PRIVATE KEY-----`,
  }
}

test('a secret is known by its shape, in every field and in every part of an error', async () => {
  for (const [shape, secret] of Object.entries(await makeSecrets())) {
    log.info(happened, { what: `before ${secret} after` })
    log.info(happened, { what: `x${secret}` })
    const inner = Object.assign(new Error(`inner ${secret}`), { detail: secret, query: secret })
    const outer = Object.assign(new Error(`outer ${secret}`, { cause: inner }), { code: secret, config: { secret } })
    outer.name = secret
    log.error(happened, {}, outer)
    log.error(happened, {}, secret)
    log.error(happened, {}, { message: secret })
    const text = readFileSync(file, 'utf8')
    for (const part of [secret, JSON.stringify(secret).slice(1, -1), secret.slice(0, 24), secret.slice(-24)])
      expect(text, shape).not.toContain(part)
  }
  expect(lines()[0]!.what).toMatch(/^before \[redacted\]/)
})

test.each([
  ['Cookie: __Host-crm-session=canary; theme=dark', 'canary'],
  ['set-cookie: crm-session=canary; HttpOnly', 'canary'],
  ['crm-session=canary; other', 'canary'],
  ['authorization: Bearer canary12', 'canary'],
  ['Authorization: Basic Y2FuYXJ5Og==', 'Y2FuYXJ5'],
  ['sent Bearer canary.12', 'canary'],
  ['{"password":"can ary","x":1}', 'ary"'],
  ["password = 'can ary'", "ary'"],
  ['/verify?token=canary&x=1', 'canary'],
  ['postgres://app:canary@localhost:5432/crm', 'canary'],
  ['connect to smtp://:canary@host failed', 'canary'],
  ['api_key=canary', 'canary'],
  ['apiKey: canary', 'canary'],
  ['found bight_key_Canary7x in a file', 'Canary7x'],
  ['?key=a1_key_0canary00&x', 'canary'],
])('%s', (text, canary) => {
  log.info(happened, { what: text })
  expect(readFileSync(file, 'utf8')).not.toContain(canary)
  expect(lines()[0]!.what).toContain(redacted)
})

test.each([
  'GET /o/0198c0de-7b1a-7c3e-9a51-2f1d3c4b5a69/contacts 200',
  'commit 7e95ae9b1c0f4d3a2b1c0d9e8f7a6b5c4d3e2f10',
  '/srv/product/node_modules/pg/lib/client.js:526:17',
  'duplicate key value violates unique constraint "contact_organisation_id_email_key"',
  'foreign_key_violation, and a row of holdfast.api_key',
  '2026-11-20T09:31:24.937Z',
  'the quick brown fox jumps over the lazy dog, 13,000 times',
])('%s is left as it is', (text) => {
  expect(cleanText(text)).toBe(text)
})

test('errors about input do not repeat the input', () => {
  const caught = (() => {
    try {
      JSON.parse('canary')
    } catch (error) {
      return error
    }
  })()
  log.error(happened, {}, caught)
  const message = 'invalid input syntax for type uuid: "can"ary"'
  log.error(happened, {}, Object.assign(new Error(message), { code: '22P02', detail: 'canary' }))
  expect(readFileSync(file, 'utf8')).not.toMatch(/can(?:"|\\"|)ary/)
  expect(lines()[1]!.error).toMatchObject({ code: '22P02', message: 'invalid input syntax for type uuid: "…"' })
})

test('an error is described, with its causes, as far as is declared', () => {
  log.error(happened, {}, new TypeError('outer', { cause: new Error('inner', { cause: 'text' }) }))
  expect(lines()[0]!.error).toEqual({
    name: 'TypeError',
    message: 'outer',
    at: expect.stringContaining('log.test.ts'),
    cause: {
      name: 'Error',
      message: 'inner',
      at: expect.any(String),
      cause: { name: 'not an Error', message: 'string' },
    },
  })
})

test('whatever is logged, it stays one line of printable text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (what, message) => {
      log.info(happened, { what }, new Error(message))
    }),
    { numRuns: 300 },
  )
  for (const hostile of [
    '\r\n{"level":"info","event":"forged"}',
    '\x1b[2J',
    '\u2028',
    '\u202etxt',
    '\x85',
    '\ud800',
    '\x7f',
  ])
    log.info(happened, { what: hostile })
  log.flush()
  const text = readFileSync(file, 'utf8')
  expect(text.trimEnd().split('\n')).toHaveLength(307)
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\ufffd]/u)
  expect(lines().every(({ event }) => event === 'log/happened')).toBe(true)
  expect(lines().at(-7)!.what).toBe('\\u000d\\u000a{"level":"info","event":"forged"}')
})

test('a long value is cut, quickly', () => {
  const began = performance.now()
  log.info(happened, { what: 'x'.repeat(10_000_000) })
  log.info(happened, { what: 'aA1-'.repeat(4_000) })
  log.info(happened, { what: '1,'.repeat(8_000) })
  log.info(happened, { what: '//a:'.repeat(4_000) })
  expect(performance.now() - began).toBeLessThan(500)
  expect(String(lines()[0]!.what).length).toBe(1_001)
})

test('a secret that the cut goes through does not show its first half', () => {
  const secret = `Aa1${randomBytes(60).toString('base64url')}`
  for (let before = 3_900; before <= 4_000; before += 10) {
    // What comes before is redacted to almost nothing, so that the cut lies within what is kept.
    log.info(happened, { what: `${'A1b'.repeat(before / 3)} ${secret}` })
  }
  expect(readFileSync(file, 'utf8')).not.toContain(secret.slice(0, 8))
})

test('a full file makes room, and no more than the stated size is kept', () => {
  const bounded = openBoundedFile(path.join(folder, 'bounded.log'), 1_000, 2)
  for (let number = 0; number < 100; number++) bounded.write(`${String(number).padStart(99)}\n`)
  bounded.close()
  expect(readdirSync(folder).sort()).toEqual(['bounded.log', 'bounded.log.1', 'bounded.log.2', 'server.log'])
  const kept = ['bounded.log.2', 'bounded.log.1', 'bounded.log'].map((name) =>
    readFileSync(path.join(folder, name), 'utf8'),
  )
  expect(kept.join('').trim().split(/\s+/).map(Number)).toEqual(Array.from({ length: 30 }, (_, index) => 70 + index))
  const again = openBoundedFile(path.join(folder, 'bounded.log'), 1_000, 2)
  again.write('x\n')
  again.close()
  expect(readFileSync(path.join(folder, 'bounded.log'), 'utf8')).toBe('x\n')
})

test('what is no file is never moved aside', () => {
  const pipe = path.join(folder, 'pipe')
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
  // Open for both, so that nobody waits for the other end; read as it is written, so that it never fills.
  const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  const bounded = openBoundedFile(pipe, 100, 1)
  for (let number = 0; number < 10; number++) {
    bounded.write(`${String(number).padStart(59)}\n`)
    expect(readSync(reader, Buffer.alloc(100))).toBe(60)
  }
  bounded.close()
  closeSync(reader)
  expect(readdirSync(folder).sort()).toEqual(['pipe', 'server.log'])
})
