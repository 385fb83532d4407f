import { createHash } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { ConfigurationRefused, isLoopback, readConfig } from './config.ts'
import { type Environment, environment, variables } from './env.ts'
import { readEnvironmentSecrets } from './secrets.ts'

function complaints(env: Environment) {
  try {
    readConfig(env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationRefused)
    return (error as ConfigurationRefused).complaints
  }
  return []
}

test('nothing set is the development default', () => {
  expect(readConfig({})).toEqual({
    listen: { host: '127.0.0.1', port: 8700, isLoopback: true },
    dataFolder: '.holdfast',
    database: { kind: 'embedded' },
    mail: { kind: 'mailbox', from: { name: '', address: 'no-reply@holdfast.invalid' } },
    trustedProxies: [],
    counter: { kind: 'database' },
    passwords: { retiredPeppers: [] },
    log: { level: 'info' },
    tests: {},
  })
})

test('everything set', () => {
  const env = {
    PORT: '65533',
    HOST: '::',
    HOLDFAST_DATA_DIR: '/srv/data',
    DATABASE_URL: 'postgresql://boss:p%40ss@db.example:6432/main?sslmode=prefer',
    SMTP_URL: 'smtps://me:s%3Acret@mail.example',
    MAIL_FROM: '"Hold, fast" <no-reply@example.com>',
    TRUSTED_PROXY_CIDRS: '10.0.0.0/8, fd00::/8,192.0.2.1/32',
    REDIS_URL: 'rediss://limits:r%40dis@redis.example/3',
    HOLDFAST_PEPPERS: `${pepper('b')}, ${pepper('a')}`,
    HOLDFAST_RETIRED_PEPPERS: '0123abcd, 89abcdef',
    HOLDFAST_PASSWORD_COST: '13',
    LOG_LEVEL: 'warn',
    HOLDFAST_CHROMIUM: '/usr/bin/chromium',
    UNRELATED: '',
  }
  const config = readConfig(env)
  expect(config).toEqual({
    listen: { host: '::', port: 65533, isLoopback: false },
    dataFolder: '/srv/data',
    database: { kind: 'server', host: 'db.example', port: 6432, database: 'main' },
    mail: {
      kind: 'smtp',
      host: 'mail.example',
      port: 465,
      tls: 'implicit',
      user: 'me',
      from: { name: 'Hold, fast', address: 'no-reply@example.com' },
    },
    trustedProxies: [
      { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
      { address: 'fd00::', prefix: 8, family: 'ipv6' },
      { address: '192.0.2.1', prefix: 32, family: 'ipv4' },
    ],
    counter: { kind: 'redis', host: 'redis.example', port: 6379, tls: true, user: 'limits', database: 3 },
    passwords: { cost: 13, retiredPeppers: ['0123abcd', '89abcdef'] },
    log: { level: 'warn' },
    tests: { chromium: '/usr/bin/chromium' },
  })
  expect(readEnvironmentSecrets(env)).toEqual({
    databaseUrl: env.DATABASE_URL,
    smtpPassword: 's:cret',
    redisPassword: 'r@dis',
    peppers: [createHash('sha256').update('b').digest(), createHash('sha256').update('a').digest()],
  })
  expect(JSON.stringify(config)).not.toMatch(/p@ss|p%40ss|s:cret|s%3Acret|r@dis|r%40dis/)
  expect(JSON.stringify(config)).not.toContain(pepper('a').slice(0, 10))
  expect(readEnvironmentSecrets({})).toEqual({ peppers: [] })
})

/** Random enough, and the same each time. */
function pepper(name: string): string {
  return createHash('sha256').update(name).digest('base64')
}

test.each([
  'secretword',
  `${pepper('a')},${pepper('a')}`,
  `${pepper('a')},`,
  `${pepper('a')};${pepper('b')}`,
  pepper('a').slice(0, 40),
  Buffer.alloc(32, 'x').toString('base64'),
  Buffer.from('change me please change me please').toString('base64'),
])('HOLDFAST_PEPPERS=%s is refused without quoting it', (HOLDFAST_PEPPERS) => {
  const found = complaints({ HOLDFAST_PEPPERS })
  expect(found).toHaveLength(1)
  expect(JSON.stringify(found)).not.toContain(HOLDFAST_PEPPERS.slice(0, 8))
})

test.each(['11', '17', '12.0', 'high', '1e1'])('HOLDFAST_PASSWORD_COST=%s', (HOLDFAST_PASSWORD_COST) => {
  expect(complaints({ HOLDFAST_PASSWORD_COST })).toHaveLength(1)
})

test.each(['0123ABCD', '0123abc', '0123abcd;89abcdef', pepper('a')])(
  'HOLDFAST_RETIRED_PEPPERS=%s',
  (HOLDFAST_RETIRED_PEPPERS) => {
    expect(complaints({ HOLDFAST_RETIRED_PEPPERS })).toHaveLength(1)
  },
)

test('all complaints come at once, each with its variable and a remedy', () => {
  const found = complaints({
    PORT: '65534',
    HOST: 'example.com',
    LOG_LEVEL: 'loud',
    HOLDFAST_DATADIR: 'x',
    SMTP_URL: 'x',
  })
  expect(found.map(({ variable }) => variable).sort()).toEqual([
    'HOLDFAST_DATADIR',
    'HOST',
    'LOG_LEVEL',
    'MAIL_FROM',
    'PORT',
    'SMTP_URL',
  ])
  for (const { remedy } of found) expect(remedy).toMatch(/^[A-Z].+[.?]$/)
  const { message } = new ConfigurationRefused(found)
  expect(message.split('\n')).toHaveLength(6)
  expect(message).toContain('PORT is "65534". Give a number from 1 to 65533: that port and the 2 after it are used.')
})

test.each(['0', '-1', '80.5', '1e3', '0x50', ' 80', '65534', '99999', '123456', 'http', '٣', '08'])(
  'PORT=%s',
  (PORT) => {
    expect(complaints({ PORT })).toHaveLength(1)
  },
)

test.each(['HOST', 'PORT', 'DATABASE_URL', 'SMTP_URL', 'TRUSTED_PROXY_CIDRS', 'LOG_LEVEL', 'HOLDFAST_DATA_DIR'])(
  'an empty %s is refused: a secret that did not arrive is no choice of the default',
  (variable) => {
    for (const value of ['', '  '])
      expect(complaints({ [variable]: value, MAIL_FROM: 'a@b.c' })).toEqual([
        { variable, found: 'is set, but empty', remedy: 'Give it a value, or do not set it.' },
      ])
  },
)

test.each([
  '0.0.0.0/0',
  '::/0',
  '10.0.0.1',
  '10.0.0.0/33',
  'fd00::/129',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '10.0.0.0/08',
  '10.0.0.0/',
  '10.0.0/8',
  'proxy/32',
  'fe80::1%eth0/64',
  '10.0.0.0/8,',
  '*',
])('TRUSTED_PROXY_CIDRS=%s', (TRUSTED_PROXY_CIDRS) => {
  expect(complaints({ TRUSTED_PROXY_CIDRS })).toHaveLength(1)
})

test.each([
  'mysql://u:secretword@h/d',
  'postgres://u:secret%word@h/d',
  'postgres:///d?password=secretword',
  'postgres://:secretword@h/d',
  'secretword',
  'postgres://u:secretword@h:99999/d',
  'postgres://u:secretword@h/d?sslmode=require',
  'postgres://u:secretword@h/d?sslmode=prefer&sslrootcert=/ca.pem',
  'postgres://u:secretword@h/d?ssl=true',
])('DATABASE_URL=%s is refused without quoting it', (DATABASE_URL) => {
  const found = complaints({ DATABASE_URL })
  expect(found).toHaveLength(1)
  expect(JSON.stringify(found)).not.toMatch(/secret%?word/)
})

test('a database behind a Unix socket', () => {
  const { database } = readConfig({ DATABASE_URL: 'postgres:///main?host=/run/postgresql&user=boss' })
  expect(database).toEqual({ kind: 'server', host: '/run/postgresql', port: 5432, database: 'main' })
})

test.each([
  'http://mail.example',
  'smtp://',
  'smtp://me@mail.example',
  'smtp://:secretword@mail.example',
  'smtp://mail.example?ignoreTLS=true',
  'smtp://mail.example/path',
  'smtp://u:secret%word@mail.example',
])('SMTP_URL=%s is refused without quoting it', (SMTP_URL) => {
  const found = complaints({ SMTP_URL, MAIL_FROM: 'a@b.c' })
  expect(found).toHaveLength(1)
  expect(JSON.stringify(found)).not.toMatch(/secret%?word/)
})

test.each([
  'http://redis.example',
  'redis://:secretword@redis.example',
  'redis://192.0.2.1:6379',
  'redis://0.0.0.0:6379',
  'redis://127.0.0.1.example',
  'rediss://',
  'rediss://limits@redis.example',
  'rediss://redis.example?tls=false',
  'rediss://redis.example/name',
  'rediss://u:secret%word@redis.example',
])('REDIS_URL=%s is refused without quoting it', (REDIS_URL) => {
  const found = complaints({ REDIS_URL })
  expect(found).toHaveLength(1)
  expect(JSON.stringify(found)).not.toMatch(/secret%?word/)
})

test.each([
  ['redis://127.0.0.1', { host: '127.0.0.1', port: 6379, tls: false }],
  ['redis://[::1]:7000/', { host: '::1', port: 7000, tls: false }],
  ['redis://:word@localhost/0', { host: 'localhost', port: 6379, tls: false, database: 0 }],
  ['rediss://192.0.2.1:6380', { host: '192.0.2.1', port: 6380, tls: true }],
])('%s', (REDIS_URL, expected) => {
  expect(readConfig({ REDIS_URL }).counter).toEqual({ kind: 'redis', ...expected })
})

test.each([
  ['smtp://mail.example', 587, 'starttls'],
  ['smtp://mail.example:25', 25, 'starttls'],
  ['smtps://127.0.0.1', 465, 'implicit'],
  ['smtp://127.0.0.1:1025', 1025, 'off'],
  ['smtp://[::1]:1025', 1025, 'off'],
  ['smtp://localhost:1025', 1025, 'off'],
  ['smtp://127.0.0.1.example:1025', 1025, 'starttls'],
])('%s: port %i, TLS %s', (SMTP_URL, port, tls) => {
  expect(readConfig({ SMTP_URL, MAIL_FROM: 'a@b.c' }).mail).toMatchObject({ port, tls })
})

test.each([
  'a',
  'a@',
  '@b',
  'a@b, c@d',
  'A <a@b',
  'a@b\r\nBcc: c@d',
  'A\u2028 <a@b.c>',
  'a b@c',
  '<>',
  'A <a@b> <c@d>',
])('MAIL_FROM=%j', (MAIL_FROM) => {
  expect(complaints({ MAIL_FROM })).toHaveLength(1)
})

describe('unknown variables', () => {
  test.each([
    ['HOLDFAST_DATADIR', 'HOLDFAST_DATA_DIR'],
    ['HOLDFAST_CHROME', 'HOLDFAST_CHROMIUM'],
    ['HOLDFAST_PORT', 'PORT'],
    ['HOLDFAST_LOG_LEVEL', 'LOG_LEVEL'],
  ])('%s: did you mean %s?', (name, nearest) => {
    expect(complaints({ [name]: 'x' })).toEqual([
      { variable: name, found: 'is not known', remedy: `Did you mean ${nearest}?` },
    ])
  })

  test('what resembles nothing gets the list, not a guess', () => {
    expect(complaints({ HOLDFAST_FOO: 'x' })).toEqual([
      {
        variable: 'HOLDFAST_FOO',
        found: 'is not known',
        remedy: expect.stringMatching(/^Take it away\. Known are PORT, /),
      },
    ])
  })

  test('those of others are none of our business', () => {
    expect(complaints({ NODE_ENV: 'x', HOLD: 'x', holdfast_x: 'x' })).toEqual([])
  })
})

test('what is quoted cannot write on the terminal', () => {
  const [found] = complaints({ LOG_LEVEL: `\x1b[2J\x9b\n${'x'.repeat(500)}` })
  expect(found!.found).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
  expect(found!.found.length).toBeLessThan(100)
})

test('reading changes nothing, and asks only its argument', () => {
  vi.stubEnv('PORT', '9000')
  expect(readConfig(Object.freeze({})).listen.port).toBe(8700)
  expect(readConfig(environment()).listen.port).toBe(9000)
  vi.unstubAllEnvs()
})

test('every variable says what it means, and what holds without it', () => {
  for (const variable of Object.values(variables)) {
    expect(variable.meaning).toMatch(/\.$|postgres$/)
    expect('default' in variable || 'absent' in variable).toBe(true)
  }
})

test.each([
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['128.0.0.1', false],
  ['localhost.example', false],
])('loopback: %s is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})
