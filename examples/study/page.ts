import { Refusal } from 'holdfast'
import { z } from 'zod'
import { cursorOfAnotherList } from './refusals.ts'

export const pageSize = 50

/** Where a list goes on: `<list>.<id of the last row>`. */
export const cursor = z.string().max(200).optional()

/** Lists are newest first, and ids grow with time: a page begins below this id. */
export function idBefore(list: string, after: string | undefined): string {
  if (after === undefined) return 'ffffffff-ffff-ffff-ffff-ffffffffffff'
  const id = after.startsWith(`${list}.`) ? after.slice(list.length + 1) : ''
  if (z.uuid().safeParse(id).success) return id
  throw new Refusal(cursorOfAnotherList, { fields: [{ pointer: '/query/after', reason: 'is not from this list' }] })
}

/** Splits the one row that was read too many from a page. `next` is null on the last one. */
export function pageOf<Row extends { id: string }>(list: string, rows: Row[]): { rows: Row[]; next: string | null } {
  const shown = rows.slice(0, pageSize)
  return { rows: shown, next: rows.length > pageSize ? `${list}.${shown.at(-1)!.id}` : null }
}
