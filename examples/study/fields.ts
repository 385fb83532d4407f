import { id, integer, text } from 'holdfast'

export const rowId = id()
export const name = text({ max: 120 })
export const side = text({ max: 2000, multiline: true })
export const version = integer({ min: 1, max: 2 ** 31 - 1 })
export const count = integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
