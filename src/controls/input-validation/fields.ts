import { domainToASCII } from 'node:url'
import { z } from 'zod'

/*
 * The kinds of field that routes are made of. They normalise before they check, and say what is wrong in words that may be
 * read after the field's name. They stay strings and numbers in the OpenAPI document.
 */

/**
 * Text: trimmed, in NFC, without control characters; a multi-line one may have tabs and line feeds, and CR LF becomes LF.
 * `max` and `min` (1 when left out) count UTF-16 code units after that.
 */
export function text(options: { readonly max: number; readonly min?: number; readonly multiline?: boolean }) {
  const { max, min = 1, multiline = false } = options
  return z
    .string()
    .overwrite(multiline ? normaliseLines : normaliseText)
    .min(min)
    .max(max)
    .regex(multiline ? plainLines : plainText, { error: 'must not contain control characters' })
}

function normaliseText(value: string): string {
  return value.trim().normalize('NFC')
}

function normaliseLines(value: string): string {
  return normaliseText(value.replace(/\r\n?/g, '\n'))
}

const plainText = /^[^\p{Cc}\u2028\u2029]*$/u
const plainLines = /^(?:[^\p{Cc}\u2028\u2029]|[\n\t])*$/u

/**
 * An email address of at most 254 bytes, trimmed, its domain in small letters and, where it is international, in its ASCII form
 * (`xn--…`). The part before the @ keeps its case and is ASCII. Characters that only look like others (`＠`, `ａ`) are refused
 * before anything is read into the address. No quoted local parts, no address literals, no names without a dot.
 */
export function address() {
  return z
    .string()
    .max(320)
    .overwrite(asAddress)
    .refine(isAddress, { error: 'must be an email address such as name@example.org' })
}

/** The canonical form, or what came in, where it has none: that is then refused. */
function asAddress(value: string): string {
  const trimmed = value.trim().normalize('NFC')
  if (trimmed.normalize('NFKC') !== trimmed) return value
  const at = trimmed.lastIndexOf('@')
  const domain = trimmed.slice(at + 1)
  // Only letters, digits, marks, dots and hyphens reach the converter: it understands more than addresses may hold.
  if (at < 1 || !/^[\p{L}\p{N}\p{M}.-]+$/u.test(domain)) return value
  return `${trimmed.slice(0, at)}@${domainToASCII(domain)}`
}

function isAddress(value: string): boolean {
  const [local = '', domain = '', ...rest] = value.split('@')
  return (
    rest.length === 0 &&
    value.length <= 254 &&
    local.length <= 64 &&
    domain.length <= 253 &&
    /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/.test(local) &&
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,58}[a-z0-9])$/.test(domain)
  )
}

/** A UUID (RFC 9562), in small letters. */
export function id() {
  return z.uuid().toLowerCase()
}

/** A whole number in JSON; never a text of digits. */
export function integer(options: { readonly min: number; readonly max: number }) {
  return z.int().min(options.min).max(options.max)
}

/** A whole number as it stands in a query or a path: `0`, `42`, `-7`; no sign, space, exponent or zero before it. */
export function integerText(options: { readonly min: number; readonly max: number }) {
  return z
    .string()
    .regex(/^(?:0|-?[1-9]\d{0,14})$/, { error: 'must be a whole number' })
    .transform(Number)
    .pipe(integer(options))
}
