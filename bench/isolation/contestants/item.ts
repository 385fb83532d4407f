import pg from 'pg'

export const columns = 'id, name, note, quantity, created_at as "createdAt"'

/** The same cheap reading of times that Holdfast has, so that no contestant is slower for building `Date`s. */
export function readTimesAsText(): void {
  pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => `${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
}
