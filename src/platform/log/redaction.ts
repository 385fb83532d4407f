/** What stands in the place of what was taken out. */
export const redacted = '[redacted]'

/**
 * Values that are secret by their shape, wherever they stand. Rather too much than too little: a digest of 32 bytes
 * goes too, because the bytes that entry takes look like one.
 */
const secretShapes: readonly (readonly [shape: RegExp, instead: string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|$)/g, redacted],
  // A header or field with its value; a cookie header to the end of its line.
  [/\b((?:set-)?cookie)["']?\s*[:=][^\r\n]*/gi, `$1: ${redacted}`],
  [
    /\b(authori[sz]ation|pass(?:word|phrase|wd)?|secret|token|pepper|(?:api|private|session)[-_]?key)["']?\s*[:=]\s*(?:"[^"]*"|'[^']*'|(?:(?:bearer|basic)\s+)?[^\s,;&]+)/gi,
    `$1: ${redacted}`,
  ],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${redacted}`],
  [/(?<![\w-])[\w-]*session=[^\s;,]+/gi, redacted],
  [/\/\/[^\s/:@]*:[^\s/@]+@/g, `//${redacted}@`],
  // JSON Web Tokens; our own tokens; password hashes of bcrypt and of PostgreSQL.
  [/eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)*/g, redacted],
  [/hf_[\w-]{4,}/g, redacted],
  // API keys of any product, whole or cut.
  [/[a-z0-9]{2,20}_key_(?=[a-z]*[0-9A-Z])[0-9A-Za-z]{8,}/g, redacted],
  [/\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{10,}/g, redacted],
  [/SCRAM-SHA-256\$\S+/g, redacted],
  // Bytes, as JavaScript and PostgreSQL print them, in hexadecimal and in base64.
  [/<Buffer [^>]*>/g, redacted],
  [/(?:\d{1,3},\s?){15,}\d{1,3}/g, redacted],
  [/(?<![0-9a-f])[0-9a-f]{64,}/gi, redacted],
  [/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{38,}={1,2}/g, redacted],
  [/(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{43,}/g, redacted],
]

const secretWords = new Set([
  'authorisation',
  'authorization',
  'bearer',
  'cookie',
  'cookies',
  'credential',
  'credentials',
  'entry',
  'jwt',
  'key',
  'keys',
  'otp',
  'passphrase',
  'passwd',
  'password',
  'passwords',
  'pepper',
  'secret',
  'secrets',
  'token',
  'tokens',
])

/** Whether a field of this name, in camel case, would hold a secret. */
export function namesSecret(field: string): boolean {
  return field.split(/(?=[A-Z])|[^A-Za-z]+/).some((word) => secretWords.has(word.toLowerCase()))
}

/** What no shape matches and no escape changes, whatever it says: an id of ours. */
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

// Routes, methods and addresses come again and again. Only what came out as it went in is kept, so no secret is.
const knownClean = new Set<string>()
const mostKnown = 1_000
const longestKnown = 200

const mostLooked = 4_000
const mostKept = 1_000

/**
 * Text fit for one line of a log: without what is secret by its shape, without anything that ends a line, moves a
 * cursor or turns the direction of writing (escaped visibly instead), and at most 1,000 characters.
 */
export function cleanText(text: string): string {
  if (text.length <= longestKnown && (uuid.test(text) || knownClean.has(text))) return text
  const clean = cleanAnew(text)
  if (clean === text && text.length <= longestKnown) {
    if (knownClean.size >= mostKnown) knownClean.clear()
    knownClean.add(text)
  }
  return clean
}

function cleanAnew(text: string): string {
  // A secret that is cut in two may not be known by its shape any more, so its first half goes as well.
  let clean = text.length > mostLooked ? `${text.slice(0, mostLooked).replace(/\S{0,1000}$/, '')}…` : text
  for (const [shape, instead] of secretShapes) clean = clean.replace(shape, instead)
  if (clean.length > mostKept) clean = `${clean.slice(0, mostKept)}…`
  return clean.replace(/[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, escapeVisibly)
}

function escapeVisibly(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
