import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createSeal } from './seal.ts'

const key = randomBytes(32)
const bound = { person: '00000000-0000-4000-8000-000000000001', purpose: 'totp' }
const plain = randomBytes(20)

test('what was sealed opens again, never looks alike, and has the form that the CHECK demands', () => {
  const seal = createSeal([key])
  const [one, two] = [seal.seal(plain, bound), seal.seal(plain, bound)]
  expect(one).not.toBe(two)
  expect(one).toMatch(/^hf1\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{48}$/)
  expect(Buffer.from(seal.open(one, bound))).toEqual(plain)
  expect(Buffer.from(one.split('.')[3]!, 'base64url').includes(plain)).toBe(false)
})

test('moved to another person, another purpose, or changed in any letter, it stays shut', () => {
  const seal = createSeal([key])
  const sealed = seal.seal(plain, bound)
  expect(() => seal.open(sealed, { ...bound, person: '00000000-0000-4000-8000-000000000002' })).toThrow()
  expect(() => seal.open(sealed, { ...bound, purpose: 'other' })).toThrow()
  for (let at = 0; at < sealed.length; at++) {
    const other = sealed[at] === 'A' ? 'Q' : 'A'
    expect(() => seal.open(sealed.slice(0, at) + other + sealed.slice(at + 1), bound), `letter ${at}`).toThrow()
  }
  for (const cut of ['', 'hf1', sealed.slice(0, -1), sealed.slice(0, 40), `${sealed}AAAA`])
    expect(() => seal.open(cut, bound)).toThrow()
})

test('an older key opens, and the newest seals', () => {
  const old = createSeal([key])
  const both = createSeal([randomBytes(32), key])
  const sealed = old.seal(plain, bound)
  expect(Buffer.from(both.open(sealed, bound))).toEqual(plain)
  expect(() => old.open(both.seal(plain, bound), bound)).toThrow(/nothing here opens/)
})

test('a key that is none is refused', () => {
  expect(() => createSeal([])).toThrow()
  expect(() => createSeal([randomBytes(31)])).toThrow()
})
