import { Refusal } from '../../kernel/refusal.ts'
import { pointerTo } from './pointer.ts'
import { invalidFields, malformedJson } from './refusals.ts'
import { inspectTexts } from './text.ts'

export const deepest = 32

/**
 * JSON (RFC 8259) in UTF-8, more strictly than JSON.parse: no name twice in one object (parsers disagree on which counts),
 * at most 32 levels, no NUL, no lone surrogate, no `__proto__`. Throws a 400 `Refusal` that never repeats the text.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  const written = countNames(text)
  const value = parse(text)
  const kept = inspectTexts(value, 'body')
  if (typeof kept !== 'number') throw new Refusal(invalidFields, { fields: [kept] })
  // JSON.parse keeps the last of two equal names, so that fewer are left than were written.
  if (kept !== written) throw malformed('names a field twice', findRepeated(text))
  return value
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw malformed('must be UTF-8', [], cause)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw malformed('must be well-formed JSON', [], cause)
  }
}

function malformed(reason: string, path: readonly PropertyKey[] = [], cause?: unknown): Refusal {
  return new Refusal(malformedJson, { fields: [{ pointer: pointerTo('body', path), reason }], cause })
}

/** How many names stand in the text, told by their colons, if it is JSON. Refuses what is nested too deep, JSON or not. */
function countNames(text: string): number {
  let names = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (code === colon) names += 1
    else if (code === openBrace || code === openBracket) depth += 1
    else if (code === closeBrace || code === closeBracket) depth -= 1
    if (depth > deepest) throw malformed(`must not be nested deeper than ${deepest} levels`)
  }
  return names
}

/** Where the string that starts at `start` ends: at a quote after an even number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1
    while (text.charCodeAt(before) === backslash) before -= 1
    if ((end - before) % 2 === 1) return end
  }
  return text.length
}

const quote = 34
const colon = 58
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125

/** The path of the first name that stands twice in its object. Takes well-formed JSON. */
function findRepeated(text: string): string[] {
  const open: { names?: Set<string>; name: string }[] = []
  for (const [token, colonAfter] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/g)) {
    const inside = open.at(-1)
    if (token === '{') open.push({ names: new Set(), name: '' })
    else if (token === '[') open.push({ name: '(item)' })
    else if (token === '}' || token === ']') open.pop()
    else if (colonAfter !== undefined && inside?.names !== undefined) {
      inside.name = JSON.parse(token.slice(0, -colonAfter.length)) as string
      if (inside.names.has(inside.name)) return open.map(({ name }) => name)
      inside.names.add(inside.name)
    }
  }
  return []
}
