import type { ClaimId, Claims } from './claim.ts'
import type { Probes, Sabotage } from './probe.ts'

/** One control, as `controls.ts` lists it: its claims, the probe of each, and how to break them on purpose. */
export interface Control<Id extends ClaimId = ClaimId> {
  /** The name of its folder. */
  readonly name: string
  readonly claims: Claims<Id>
  readonly probes: Probes<Id>
  /** At least one sabotage for every claim. */
  readonly sabotages: readonly Sabotage[]
}

/** Does not compile when a claim has no probe, or a probe no claim. Throws when a claim has no sabotage. */
export function defineControl<const Id extends ClaimId>(control: {
  readonly name: string
  readonly claims: Claims<Id>
  readonly probes: Probes<NoInfer<Id>>
  readonly sabotages: readonly Sabotage[]
}): Control<Id> {
  for (const id of Object.keys(control.claims)) {
    if (!id.startsWith(`${control.name}/`)) throw new Error(`claim ${id} does not belong to the folder ${control.name}`)
    if (!control.sabotages.some((sabotage) => sabotage.turnsRed.includes(id as ClaimId)))
      throw new Error(`claim ${id} has no sabotage: nothing shows that its probe can go red`)
  }
  for (const id of Object.keys(control.probes)) if (!(id in control.claims)) throw new Error(`probe ${id} has no claim`)
  return control
}
