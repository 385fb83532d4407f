import type { z } from 'zod'

/**
 * A public reason for what a schema found, to be read after the field's name: "is required". It tells of the schema, never
 * of the value. A schema's own message takes its place.
 */
export function publicReason(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${nameOfType(issue.expected)}`
    case 'too_small':
      return tooSmall(issue)
    case 'too_big':
      return `must ${issue.inclusive ? 'not be' : 'be'} ${issue.inclusive ? 'more than' : 'less than'} ${size(issue.maximum, issue.origin)}`
    case 'invalid_format':
      return formats[issue.format] ?? 'has the wrong form'
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'unrecognized_keys':
      return 'is not a known field'
    case 'invalid_value':
      return issue.values.length > 20
        ? 'is not one of the accepted values'
        : `must be one of: ${issue.values.join(', ')}`
    case 'invalid_union':
      return 'is in none of the accepted forms'
    case 'invalid_key':
      return 'has a name that is not accepted'
    default:
      return 'is not accepted'
  }
}

function tooSmall(issue: { minimum: number | bigint; origin: string; inclusive?: boolean }): string {
  if (issue.origin === 'string' && issue.minimum === 1) return 'must not be empty'
  return `must be ${issue.inclusive ? 'at least' : 'more than'} ${size(issue.minimum, issue.origin)}`
}

function size(count: number | bigint, origin: string): string {
  const unit = units[origin]
  return unit === undefined ? String(count) : `${count} ${unit}${count === 1 ? '' : 's'} long`
}

const units: Readonly<Record<string, string>> = { string: 'character', array: 'item', set: 'item', map: 'item' }

function nameOfType(type: string): string {
  return types[type] ?? 'of another type'
}

const types: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  tuple: 'a list',
  null: 'null',
  never: 'left out',
}

const formats: Readonly<Record<string, string>> = {
  uuid: 'must be an id',
  email: 'must be an email address',
  url: 'must be a web address',
  date: 'must be a date such as 2026-01-31',
  time: 'must be a time such as 09:30:00',
  datetime: 'must be a time such as 2026-01-31T09:30:00Z',
}
