import { commonPasswords, foldCommon, isListed } from './common-passwords.ts'

/**
 * Why a password of full length would still be guessed early, in words to be read after “password”; undefined where nothing is known
 * against it. The whole password is looked at (NIST SP 800-63B-4, section 3.1.1.2); a rule that asks for digits or signs
 * there is not. `own`: words that belong to the person or the service.
 */
export function whyGuessable(password: string, own: readonly string[]): string | undefined {
  const folded = fold(password)
  if (new Set(folded).size < 5) return 'is made of fewer than five different characters'
  if (isRepeated(folded)) return 'says the same thing again and again'
  if (isSequence(folded)) return 'follows the alphabet, the digits or the keys'
  if (isCommon(folded)) return 'is among the passwords that are tried first'
  if (isWord(folded.join(''))) return 'is on the public lists of passwords, names and words'
  if (mostlyOwn(folded, own)) return 'is mostly your own name, your address or the name of this service'
  return undefined
}

function fold(text: string): string[] {
  return [...foldCommon(text)]
}

/** A unit of at most half the length, over and over, the last time perhaps cut short. */
function isRepeated(characters: readonly string[]): boolean {
  for (let unit = 1; unit * 2 <= characters.length; unit++)
    if (characters.every((character, index) => character === characters[index % unit])) return true
  return false
}

/** In runs along one of these, forwards or backwards, of four characters on the average. */
const orders = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  'qazwsxedcrfvtgbyhnujmikolp',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
].flatMap((order) => [order, [...order].reverse().join('')])

function isSequence(characters: readonly string[]): boolean {
  const text = characters.filter((character) => !/[\s._-]/.test(character)).join('')
  let runs = 0
  for (let start = 0; start < text.length; start += longestRun(text, start)) runs++
  return text.length / runs >= 4
}

function longestRun(text: string, start: number): number {
  let length = 1
  while (start + length < text.length && orders.some((order) => order.includes(text.slice(start, start + length + 1))))
    length++
  return length
}

/** A common password: as it stands, with digits and signs around it or in it, with stand-ins, or several times over. */
function isCommon(characters: readonly string[]): boolean {
  const text = characters.join('')
  const core = text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '')
  return [text, core, withoutStandIns(core), lettersOnly(text), lettersOnly(withoutStandIns(core))].some(
    (form) => form.length >= 4 && (commonPasswords.has(form) || commonPasswords.has(unitOf(form))),
  )
}

/** The whole of it, and no part: on a public list, with or without stand-ins, or with an ending of English. */
function isWord(text: string): boolean {
  const plain = withoutStandIns(text)
  const bare = endings.filter((ending) => plain.endsWith(ending)).map((ending) => plain.slice(0, -ending.length))
  return [text, plain, ...bare, ...bare.map((stem) => `${stem}e`)].some(isListed)
}

const endings = [
  "'s",
  '’s',
  's',
  'es',
  'd',
  'ed',
  'ing',
  'ings',
  'ly',
  'er',
  'ers',
  'or',
  'ors',
  'ness',
  'able',
  'ment',
  'ments',
]

const standIns: Readonly<Record<string, string>> = {
  '@': 'a',
  $: 's',
  '!': 'i',
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
}

/** `p4$$w0rd` is `password` to a guesser. */
function withoutStandIns(text: string): string {
  return [...text].map((character) => standIns[character] ?? character).join('')
}

function lettersOnly(text: string): string {
  return text.replace(/[^\p{L}]+/gu, '')
}

/** The shortest unit that the text repeats; the text itself where there is none. */
function unitOf(text: string): string {
  for (let unit = 1; unit * 2 <= text.length; unit++)
    if (
      text
        .slice(0, unit)
        .repeat(Math.ceil(text.length / unit))
        .startsWith(text)
    )
      return text.slice(0, unit)
  return text
}

/** What is left without one's own words is shorter than a password of its own would have to be; a digit counts half. */
function mostlyOwn(characters: readonly string[], own: readonly string[]): boolean {
  const words = own.flatMap(wordsOf).sort((a, b) => b.length - a.length)
  const text = characters.join('')
  const left = words.reduce((rest, word) => rest.replaceAll(word, ''), text)
  const letters = left.match(/\p{L}/gu)?.length ?? 0
  const digits = left.match(/\p{N}/gu)?.length ?? 0
  return left !== text && letters + digits / 2 < 8
}

function wordsOf(text: string): string[] {
  return text
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => fold(word).join(''))
    .filter((word) => word.length >= 3)
}
