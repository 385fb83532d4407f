import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Refusal } from '../../kernel/refusal.ts'
import { isListed } from './common-passwords.ts'
import { whyGuessable } from './guessable.ts'
import { createPasswords, keyed, passwordField } from './passwords.ts'
import { costFor, measureCost } from './passwords-cost.ts'
import { PeppersMissing, pepperId } from './passwords-peppers.ts'

const pepper = createHash('sha256').update('the newest').digest()
const older = createHash('sha256').update('an older one').digest()
const sentence = 'three blue whales dance'
const passwords = createPasswords({ pepper, olderPeppers: [older], cost: 12, service: ['Tideline', 'crm'] })

function whyRefused(password: string, besideSecondFactor = false): string | undefined {
  try {
    passwords.refuseWeak(password, [], { besideSecondFactor })
  } catch (error) {
    return (error as Refusal).fields[0]!.reason
  }
  return undefined
}

/** Milliseconds of the processor, not of the wall: other programs run on this machine too. */
async function work(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  return process.cpuUsage(before).user / 1000
}

describe('a hash of another time', () => {
  test('under an older pepper matches, and comes back under the newest', async () => {
    const old = await createPasswords({ pepper: older, cost: 12, service: [] }).hash(sentence)
    const { matches, renewed } = await passwords.compare(sentence, old)
    expect(matches).toBe(true)
    expect(renewed).toMatch(new RegExp(`^${pepperId(pepper)}\\$2[aby]\\$12\\$`))
    expect(await passwords.compare(sentence, renewed)).toEqual({ matches: true })
    expect(await passwords.compare('three blue whales sing', old)).toEqual({ matches: false })
  })

  test('of a lower cost comes back at the full one, and of a higher cost stays', async () => {
    const dearer = createPasswords({ pepper, cost: 13, service: [] })
    const cheap = await passwords.hash(sentence)
    const { matches, renewed } = await dearer.compare(sentence, cheap)
    expect([matches, renewed?.slice(8, 15)]).toEqual([true, expect.stringMatching(/^\$2[aby]\$13\$$/)])
    expect(await passwords.compare(sentence, renewed)).toEqual({ matches: true })
  })

  test('of a lower cost is refused with as much work as nobody’s', async () => {
    const dearer = createPasswords({ pepper, cost: 13, service: [] })
    const cheap = await passwords.hash(sentence)
    const nobody = await work(() => dearer.compare('not the password', undefined))
    const somebody = await work(() => dearer.compare('not the password', cheap))
    expect(somebody / nobody).toBeGreaterThan(0.75)
    expect(somebody / nobody).toBeLessThan(1.33)
  })

  test('under a pepper that is not here is an error, and under a retired one matches nothing', async () => {
    const old = await createPasswords({ pepper: older, cost: 12, service: [] }).hash(sentence)
    await expect(createPasswords({ pepper, cost: 12, service: [] }).compare(sentence, old)).rejects.toThrow(
      PeppersMissing,
    )
    const retired = createPasswords({ pepper, retiredPeppers: [pepperId(older)], cost: 12, service: [] })
    expect(await retired.compare(sentence, old)).toEqual({ matches: false })
  }, 20_000)

  test('under a pepper that is here, and retired, matches nothing either; the newest cannot be retired', async () => {
    const old = await createPasswords({ pepper: older, cost: 12, service: [] }).hash(sentence)
    const both = { pepper, olderPeppers: [older], cost: 12, service: [] }
    const retired = createPasswords({ ...both, retiredPeppers: [pepperId(older)] })
    expect(await retired.compare(sentence, old)).toEqual({ matches: false })
    expect(() => createPasswords({ ...both, retiredPeppers: [pepperId(pepper)] })).toThrow('is retired')
  }, 20_000)

  test.each(['', sentence, '$2b$12$', `${pepperId(pepper)}$2b$12$${'x'.repeat(52)}`, `$2b$12$${'x'.repeat(53)}`])(
    'that is no hash of ours is an error: %j',
    async (stored) => {
      await expect(passwords.compare(sentence, stored)).rejects.toThrow('no hash of ours')
    },
  )
})

test('a pepper is known by its id: the same each time, another for each, and nothing of the pepper in it', () => {
  expect(pepperId(pepper)).toBe(pepperId(Buffer.from(pepper)))
  const many = Array.from({ length: 1000 }, (_, count) => createHash('sha256').update(`${count}`).digest())
  expect(new Set(many.map(pepperId)).size).toBe(1000)
  expect(pepper.toString('hex')).not.toContain(pepperId(pepper))
})

describe('the cost', () => {
  test.each([
    [60, 12, 240],
    [400, 12, 1600],
    [31, 13, 248],
    [32, 12, 128],
    [15, 14, 240],
    [1, 14, 16],
  ])('where cost 10 takes %i ms it is %i', (milliseconds, cost, at) => {
    expect(costFor(milliseconds)).toEqual({ cost, milliseconds: at })
  })

  test('is measured with less than a second of work', async () => {
    let measured = { cost: 0, milliseconds: 0 }
    const spent = await work(async () => {
      measured = await measureCost()
    })
    expect(spent).toBeLessThan(1000)
    expect([12, 13, 14]).toContain(measured.cost)
    expect(measured.milliseconds).toBeGreaterThan(0)
  })
})

describe('other programs agree', () => {
  const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
  const byOpenssl = (password: string) =>
    execFileSync(
      'openssl',
      ['dgst', '-sha384', '-mac', 'HMAC', '-macopt', `hexkey:${pepper.toString('hex')}`, '-binary'],
      {
        input: password.normalize('NFC'),
      },
    ).toString('base64')

  test.skipIf(!has('openssl') || !has('htpasswd'))(
    'OpenSSL on the HMAC, and Apache’s htpasswd on bcrypt, in both directions',
    async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'hf-htpasswd-'))
      try {
        const file = path.join(folder, 'users')
        for (const password of ['dix-sept élèves chantent', 'before\0after and more', '界'.repeat(128)]) {
          const ours = await passwords.hash(password)
          writeFileSync(file, `ada:${ours.slice(8).replace('$2b$', '$2y$')}\n`)
          expect(spawnSync('htpasswd', ['-vb', file, 'ada', byOpenssl(password)]).status).toBe(0)
          expect(spawnSync('htpasswd', ['-vb', file, 'ada', byOpenssl(`${password}.`)]).status).toBe(3)
          const theirs = execFileSync('htpasswd', ['-nbB', '-C', '12', 'ada', byOpenssl(password)], {
            encoding: 'utf8',
          })
          const stored = pepperId(pepper) + theirs.trim().slice('ada:'.length)
          expect(await passwords.compare(password, stored)).toEqual({ matches: true })
          expect(await passwords.matches(`${password}.`, stored)).toBe(false)
        }
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
    60_000,
  )

  test('RFC 4231, test case 6, where the key is longer than a block', () => {
    const key = Buffer.alloc(131, 0xaa)
    expect(
      Buffer.from(keyed(key, 'Test Using Larger Than Block-Size Key - Hash Key First'), 'base64').toString('hex'),
    ).toBe('4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952')
  })
})

describe('whatever is typed', () => {
  const whole = fc.string({ unit: 'binary', maxLength: 300 })

  test('reaches bcrypt as 64 characters without a NUL', () => {
    fc.assert(
      fc.property(whole, (text) => {
        expect(keyed(pepper, text)).toMatch(/^[A-Za-z0-9+/]{64}$/)
      }),
      { numRuns: 1000 },
    )
  })

  test('is one with its other compositions, and with no other text', () => {
    fc.assert(
      fc.property(whole, whole, (text, other) => {
        expect(keyed(pepper, text.normalize('NFD'))).toBe(keyed(pepper, text))
        expect(keyed(pepper, other) === keyed(pepper, text)).toBe(other.normalize('NFC') === text.normalize('NFC'))
        for (const near of [`${text}x`, `${text}\0`, `\0${text}`, `${text} `])
          expect(keyed(pepper, near)).not.toBe(keyed(pepper, text))
      }),
      { numRuns: 1000 },
    )
  })

  test('in letters that only look alike is another password', () => {
    const latin = 'passage of a ship'
    for (const [letter, alike] of [
      ['a', 'а'],
      ['o', 'ο'],
      ['p', 'ｐ'],
      ['i', 'ı'],
      ['s', 'ѕ'],
    ] as const)
      expect(keyed(pepper, latin.replaceAll(letter, alike))).not.toBe(keyed(pepper, latin))
  })

  test('and is no text, or too long, is refused at the field', () => {
    for (const value of [
      '\ud800 and fifteen more',
      'fifteen more and \udfff',
      'a\udc00\ud800b and fifteen',
      'x'.repeat(1e6),
    ])
      expect(passwordField.safeParse(value).success).toBe(false)
    expect(passwordField.safeParse('𝔸 and fifteen more').success).toBe(true)
    expect(passwordField.safeParse('before\0after and more').success).toBe(true)
  })
})

describe('beside a second factor', () => {
  test('8 characters are enough, and alone they are not', () => {
    expect(whyRefused('kz7-Wq2f', true)).toBeUndefined()
    expect(whyRefused('kz7-Wq2f')).toContain('has 8 characters: 15 or more')
    expect(whyRefused('kz7-Wq2', true)).toContain('has 7 characters: 8 or more')
    // Composed: seven letters with accents are seven, however they were typed.
    expect(whyRefused('éèàùâêî'.normalize('NFD'), true)).toContain('has 7 characters')
  })

  test.each([
    'password',
    'P@ssw0rd!',
    'football1',
    'sunshine',
    'Trustno1',
    'cunningham',
    'abbreviation',
    'ｌｉｖｅｒｐｏｏｌ',
  ])('%s is refused, and the reason said', (password) => {
    expect(whyRefused(password, true)).toMatch(/tried first|public lists/)
  })
})

describe('the public lists', () => {
  const folder = import.meta.dirname
  const bytes = readFileSync(path.join(folder, 'common-passwords.bin'))

  test('are the file that their description names, sorted, each entry once', () => {
    const described = readFileSync(path.join(folder, 'common-passwords.md'), 'utf8')
    expect(described).toContain(createHash('sha256').update(bytes).digest('hex'))
    let unsorted = 0
    for (let at = 5; at < bytes.length; at += 5) unsorted += Number(bytes.compare(bytes, at - 5, at, at, at + 5) !== 1)
    expect([bytes.length % 5, unsorted]).toEqual([0, 0])
  })

  test('know their first and last entry, and hardly anything that is random', () => {
    for (const word of ['password', 'qwerty123456', 'abdominal', 'antidisestablishmentarianism'])
      expect(isListed(word)).toBe(true)
    const random = Array.from({ length: 20_000 }, (_, count) =>
      createHash('sha256').update(`${count}`).digest('base64url').slice(0, 12).toLowerCase(),
    )
    expect(random.filter((one) => isListed(one))).toEqual([])
  })

  test('refuse no sentence of four words of Diceware', () => {
    // What people are advised to take: four words that nobody chose.
    for (const sentence of [
      'abacus-tumbling-gecko-widow',
      'clamshell oasis reunite pasta',
      'unfixed.crayon.humid.trolley',
      'vividly sandbox irk celery',
    ])
      expect(whyRefused(sentence)).toBeUndefined()
  })

  const lines = (file: string) =>
    readFileSync(file, 'latin1')
      .split(/\r?\n/)
      .filter((line) => !line.startsWith('#!') && [...line].length >= 8)

  test.skipIf(!existsSync('/usr/share/john/password.lst'))('refuse all of 8 characters in john-data', () => {
    expect(lines('/usr/share/john/password.lst').filter((word) => whyGuessable(word, []) === undefined)).toEqual([])
  })

  test.skipIf(!existsSync('/usr/share/dict/cracklib-small'))(
    'refuse 93 of 100 words of cracklib: the rest are rare',
    () => {
      const words = lines('/usr/share/dict/cracklib-small')
      const taken = words.filter((word) => whyGuessable(word, []) === undefined)
      expect(taken.length / words.length).toBeLessThan(0.07)
    },
  )
})
