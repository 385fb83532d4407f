import type { PromiseId } from './promises.ts'

/** `folder/what-is-true`: the folder is the control, and the id is the same in page, finding, test and commit. */
export type ClaimId = `${string}/${string}`

/** A sentence that is true or false of the running system. Data only: nothing here can make it true. */
export interface Claim {
  /** The sentence, as a reviewer would read it. */
  readonly sentence: string
  /** The rows that this claim helps to keep. A row holds only when all its claims do. */
  readonly promises: readonly PromiseId[]
  /** How long one observation counts, in minutes. After that the finding is stale, and stale is not green. */
  readonly ttlMinutes: number
}

/** The claims of one control, by id. The type parameter keeps the ids literal, so that probes can be matched to them. */
export type Claims<Id extends ClaimId = ClaimId> = Readonly<Record<Id, Claim>>
