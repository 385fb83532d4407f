import { createHmac } from 'node:crypto'
import { verify } from '@node-rs/bcrypt'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../kernel/refusal.ts'
import { addressKey } from './accounts.ts'
import { whyGuessable } from './guessable.ts'
import { knownAddressMail, verificationMail } from './mails.ts'
import { createPasswords, passwordField } from './passwords.ts'
import { pepperId } from './passwords-peppers.ts'
import { createTurns } from './passwords-turns.ts'

const pepper = Buffer.alloc(32, 7)
const passwords = createPasswords({ pepper, cost: 12, service: ['Tideline', 'crm'] })
const sentence = 'three blue whales dance'

describe('a password', () => {
  test('becomes bcrypt over HMAC-SHA-384 under the pepper, with a salt of its own', async () => {
    const [one, two] = await Promise.all([passwords.hash(sentence), passwords.hash(sentence)])
    expect(one).toMatch(/^[0-9a-f]{8}\$2[aby]\$12\$[./A-Za-z0-9]{53}$/)
    expect(one.slice(0, 8)).toBe(pepperId(pepper))
    expect(one).not.toBe(two)
    // By hand, as another implementation would.
    expect(await verify(createHmac('sha384', pepper).update(sentence).digest('base64'), one.slice(8))).toBe(true)
    expect(await verify(sentence, one.slice(8))).toBe(false)
  })

  test('counts to its last byte, before and after a NUL, and beyond the 72nd', async () => {
    const long = 'a'.repeat(80)
    const hashed = await passwords.hash(long)
    expect(await passwords.matches(long, hashed)).toBe(true)
    expect(await passwords.matches(`${long.slice(0, -1)}b`, hashed)).toBe(false)
    expect(await passwords.matches(long.slice(0, 72), hashed)).toBe(false)
    expect(await passwords.matches('before\0after and more', await passwords.hash('before\0other and more'))).toBe(
      false,
    )
  })

  test('is the same however its letters are composed, and not the same in capitals', async () => {
    const hashed = await passwords.hash('dix-sept élèves chantent')
    expect(await passwords.matches('dix-sept e\u0301le\u0300ves chantent', hashed)).toBe(true)
    expect(await passwords.matches('Dix-sept élèves chantent', hashed)).toBe(false)
  })

  test('is nothing without the pepper', async () => {
    const other = createPasswords({ pepper: Buffer.alloc(32, 8), cost: 12, service: [] })
    await expect(other.matches(sentence, await passwords.hash(sentence))).rejects.toThrow(pepperId(pepper))
  })

  test('costs as much to refuse for nobody as for somebody', async () => {
    const hashed = await passwords.hash(sentence)
    // Work of the processor, not time on the wall: other programs run on this machine too.
    const cost = async (known: string | undefined) => {
      const before = process.cpuUsage()
      expect(await passwords.matches('not the password', known)).toBe(false)
      return process.cpuUsage(before).user / 1000
    }
    const least = { somebody: Number.POSITIVE_INFINITY, nobody: Number.POSITIVE_INFINITY }
    for (let round = 0; round < 4; round++) {
      least.somebody = Math.min(least.somebody, await cost(hashed))
      least.nobody = Math.min(least.nobody, await cost(undefined))
    }
    expect(least.nobody / least.somebody).toBeGreaterThan(0.7)
    expect(least.nobody / least.somebody).toBeLessThan(1.4)
  })

  test.each([
    [Buffer.alloc(31), 12],
    [pepper, 11],
    [pepper, 12.5],
    [pepper, 32],
  ])('is not hashed under a weak pepper or cost', (weak, cost) => {
    expect(() => createPasswords({ pepper: weak, cost, service: [] })).toThrow()
  })
})

describe('hashing', () => {
  test('is done in turn: no more at once than said, no more in line than said, and the rest is refused', async () => {
    const narrow = createPasswords({ pepper, cost: 12, service: [], turns: createTurns(1, 2) })
    const settled = await Promise.allSettled(Array.from({ length: 6 }, () => narrow.hash(sentence)))
    const refused = settled.filter((one) => one.status === 'rejected').map((one) => one.reason as Refusal)
    expect(refused).toHaveLength(3)
    for (const reason of refused) {
      expect(reason).toBeInstanceOf(Refusal)
      expect(reason.kind).toMatchObject({ code: 'accounts/hashing-busy', status: 503 })
      expect(reason.headers['retry-after']).toBe('5')
    }
    expect(await narrow.hash(sentence)).toMatch(/^[0-9a-f]{8}\$2/)
  })

  test('takes turns between clients, and no client with many keeps another out', async () => {
    const narrow = createPasswords({ pepper, cost: 12, service: [], turns: createTurns(1, 4) })
    let over = 0
    const count = (hashed: Promise<string>) => hashed.finally(() => over++)
    const crowd = Promise.allSettled(Array.from({ length: 5 }, () => count(narrow.hash(sentence, 'crowd'))))
    // All places are taken: the last of the crowd gives way, and the crowd's own next one is refused.
    const stranger = count(narrow.hash(sentence, 'stranger'))
    await expect(narrow.hash(sentence, 'crowd')).rejects.toMatchObject({ kind: { status: 503 } })
    expect(await stranger).toMatch(/^[0-9a-f]{8}\$2/)
    // The one that was refused, the one under way, one of the crowd's turns, and the stranger's own.
    expect(over).toBeLessThanOrEqual(4)
    const settled = await crowd
    expect(settled.map(({ status }) => status)).toEqual([...Array(4).fill('fulfilled'), 'rejected'])
  })

  test('gives its turn back when it fails', async () => {
    const narrow = createPasswords({ pepper, cost: 12, service: [], turns: createTurns(1, 1) })
    await expect(narrow.matches(sentence, 12 as unknown as string)).rejects.toThrow()
    expect(await narrow.hash(sentence)).toMatch(/^[0-9a-f]{8}\$2/)
  })
})

describe('a new password', () => {
  const own = ['Ada Lovelace', 'ada.lovelace@example.org']
  const refusal = (password: string) => {
    try {
      passwords.refuseWeak(password, own)
    } catch (error) {
      return (error as Refusal).fields[0]!.reason
    }
    return undefined
  }

  test.each([
    ['', 'has 0 characters'],
    ['short', 'has 5 characters'],
    ['fourteen chars', 'has 14 characters'],
    ['👩‍🚀👩‍🚀👩‍🚀👩‍🚀', 'has 12 characters'],
    ['aaaaaaaaaaaaaaaaaaaa', 'fewer than five'],
    ['ababababababababab', 'fewer than five'],
    ['whales!whales!whales!', 'again and again'],
    ['qwertyuiopasdfghjkl', 'follows'],
    ['abcdefghijklmnopqrst', 'follows'],
    ['zyxwvutsrqponmlkji', 'follows'],
    ['1234567890123456789', 'follows'],
    ['1qaz2wsx3edc4rfv5tgb', 'follows'],
    ['passwordpassword1', 'tried first'],
    ['P@ssw0rd!!!!!!!!!!', 'tried first'],
    ['ｐａｓｓｗｏｒｄ2026202620262026', 'tried first'],
    ['iloveyou1234567890', 'tried first'],
    ['CorrectHorseBatteryStaple', 'tried first'],
    ['ada lovelace 1815-1852', 'your own name'],
    ['ada.lovelace@example.org', 'your own name'],
    ['tideline-tideline-24', 'your own name'],
  ])('%j is refused: %s', (password, reason) => {
    expect(refusal(password)).toContain(reason)
  })

  test.each([
    'three blue whales dance',
    'D6BhUq8k3q2mXw9TzLr4',
    'correct horse and a whale',
    'Ada Lovelace counts stars',
    '日本語のパスワードは長いほど良い',
    'пять синих китов танцуют',
    'a9b8-c7d6-e5f4-a3b2-c1d0',
    `${'long '.repeat(24)}and then some`,
  ])('%j is taken', (password) => {
    expect(refusal(password)).toBeUndefined()
  })

  test('has 1,024 bytes at most, and 128 characters of any script fit', () => {
    expect(passwordField.safeParse('界'.repeat(341)).success).toBe(true)
    expect(passwordField.safeParse('界'.repeat(342)).success).toBe(false)
    expect(passwordField.safeParse('𝔸'.repeat(128)).success).toBe(true)
    for (const value of ['', 0, 1, -1, true, null, [], {}, undefined])
      expect(passwordField.safeParse(value).success).toBe(false)
  })

  test('is judged in no time, however it is built to be slow', () => {
    const started = performance.now()
    for (const nasty of [
      'a'.repeat(1024),
      'ab'.repeat(512),
      `${'!'.repeat(1023)}a`,
      '1'.repeat(512) + 'x'.repeat(512),
      `${'abcd'.repeat(255)}x`,
    ])
      whyGuessable(nasty, own)
    expect(performance.now() - started).toBeLessThan(500)
  })
})

test('an address is known by its small letters, and by nothing less', () => {
  expect(addressKey('Ada@example.org')).toBe('ada@example.org')
  expect(addressKey('ada+x@example.org')).not.toBe(addressKey('ada@example.org'))
  expect(addressKey('a.da@example.org')).not.toBe(addressKey('ada@example.org'))
})

test('the mails name the product and the link, and nothing that somebody typed', () => {
  const site = { title: 'Tideline', origin: 'https://crm.example' }
  expect(verificationMail(site, 'tok')).toEqual({
    subject: 'Confirm your email address for Tideline',
    text: expect.stringContaining('\nhttps://crm.example/verify#tok\n'),
  })
  expect(knownAddressMail(site).text).toContain('\nhttps://crm.example/sign-in\n')
  expect(knownAddressMail(site).text).not.toContain('#')
})
