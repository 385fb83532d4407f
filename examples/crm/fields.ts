import { id as idSchema, integer, text } from 'holdfast'
import { z } from 'zod'

export const id = idSchema()
export const count = integer({ min: 0, max: 2_147_483_647 })
/** Of a row that was opened: an edit of another version is refused. */
export const version = integer({ min: 1, max: 2_147_483_647 })
/** The same for a DELETE, which has no body. */
export const versionInQuery = z.strictObject({ version: z.coerce.number().int().min(1).max(2_147_483_647) })

export const name = text({ max: 200 })
export const line = (max: number) => text({ min: 0, max })
export const note = text({ min: 0, max: 10_000, multiline: true })

/** An address as people note it down: it is shown, never written to by this product. */
export const email = line(254).refine((given) => given === '' || /^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>".]+$/.test(given), {
  error: 'must be an email address such as ada@example.org',
})
