import type { RefusedField } from '../../kernel/refusal.ts'
import { pointerTo } from './pointer.ts'

/**
 * What is wrong with a text that no schema should have to think of: NUL, which PostgreSQL cannot store, and half of a
 * surrogate pair, which is no character and changes when it is written as UTF-8. Undefined when nothing is.
 */
export function faultOfText(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain the character NUL'
  if (!text.isWellFormed()) return 'must be well-formed Unicode'
  return undefined
}

/** The first fault in any text or name inside of `value`, or the number of names in it. At most 32 deep. */
export function inspectTexts(value: unknown, where: string, path: PropertyKey[] = []): RefusedField | number {
  if (typeof value === 'string') {
    const reason = faultOfText(value)
    return reason === undefined ? 0 : { pointer: pointerTo(where, path), reason }
  }
  if (typeof value !== 'object' || value === null) return 0
  let names = 0
  for (const name of Object.keys(value)) {
    path.push(name)
    const reason = Array.isArray(value) ? undefined : faultOfName(name)
    if (reason !== undefined) return { pointer: pointerTo(where, path), reason }
    const inside = inspectTexts((value as Record<string, unknown>)[name], where, path)
    if (typeof inside !== 'number') return inside
    names += inside + (Array.isArray(value) ? 0 : 1)
    path.pop()
  }
  return names
}

function faultOfName(name: string): string | undefined {
  return name === '__proto__' ? 'is a reserved name' : faultOfText(name)
}
