import pg from 'pg'

/**
 * How values come out of PostgreSQL. Times stay text, in RFC 3339 and with all their microseconds, so that a cursor made
 * from one finds its row again; bigint is a number where that is exact.
 */
export function parserOf(oid: number): ((text: string) => unknown) | undefined {
  switch (oid) {
    case 25: // text
    case 1043: // varchar
    case 1042: // char(n)
    case 2950: // uuid
    case 1700: // numeric: exact as text
    case 1082: // date
    case 19: // name
      return undefined
    case 20:
      return toInteger
    case 1184:
      return toTime
    default: {
      const parser = pg.types.getTypeParser(oid, 'text') as (text: string) => unknown
      return parser
    }
  }
}

function toInteger(text: string): number | string {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : text
}

/** `2026-11-20 08:00:00.123456+00` → `2026-11-20T08:00:00.123456Z`: TimeZone and DateStyle are pinned. */
function toTime(text: string): string {
  return text.endsWith('+00') ? `${text.slice(0, 10)}T${text.slice(11, -3)}Z` : text
}
