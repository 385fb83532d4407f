import { newId } from 'holdfast'
import { type ImportedContact, type Target, toContact } from './mapping.ts'
import { fold } from './words.ts'

export interface StagedRow {
  readonly line: number
  readonly cells: readonly string[]
}

/** A contact as it is to be written. `company` is a name; empty: the company that the contact has, if any. */
export interface Draft extends ImportedContact {
  readonly id: string
}

/** What becomes of a row whose email address is there already, among the contacts or further up in the file. */
export type Duplicates = 'skip' | 'update' | 'create'

export interface Rejected {
  readonly line: number
  readonly state: 'failed' | 'skipped'
  readonly reason: string
}

export interface ChunkPlan {
  readonly created: readonly Draft[]
  readonly updated: readonly Draft[]
  readonly rejected: readonly Rejected[]
  /** Rows that changed a contact, in the database or in this chunk; several may have changed the same one. */
  readonly updatingRows: number
}

/** Decides what to do with each row. `existing`: the contacts whose addresses stand in these rows. */
export function planChunk(
  rows: readonly StagedRow[],
  mapping: readonly Target[],
  duplicates: Duplicates,
  existing: readonly Draft[],
): ChunkPlan {
  const created = new Map<string, Draft>()
  const updated = new Map<string, Draft>()
  const rejected: Rejected[] = []
  let updatingRows = 0
  const idOf = new Map(existing.toReversed().map((draft) => [fold(draft.email), draft.id]))
  const current = new Map(existing.map((draft) => [draft.id, draft]))

  for (const { line, cells } of rows) {
    const read = toContact(cells, mapping)
    if ('fault' in read) {
      rejected.push({ line, state: 'failed', reason: read.fault })
      continue
    }
    const address = fold(read.contact.email)
    const known = address === '' || duplicates === 'create' ? undefined : idOf.get(address)
    if (known === undefined) {
      const draft = { id: newId(), ...read.contact }
      created.set(draft.id, draft)
      current.set(draft.id, draft)
      if (!idOf.has(address)) idOf.set(address, draft.id)
    } else if (duplicates === 'skip')
      rejected.push({ line, state: 'skipped', reason: `${read.contact.email} is there already.` })
    else {
      const merged = merge(current.get(known)!, read.contact)
      current.set(known, merged)
      ;(created.has(known) ? created : updated).set(known, merged)
      updatingRows++
    }
  }
  return { created: [...created.values()], updated: [...updated.values()], rejected, updatingRows }
}

/** What the row says replaces what was known; what it leaves empty stays. */
function merge(known: Draft, row: ImportedContact): Draft {
  const said = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== ''))
  // Without a name of its own, a row is named after its address.
  return { ...known, ...said, name: row.name === row.email ? known.name : row.name }
}
