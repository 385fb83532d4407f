import { createHmac } from 'node:crypto'

/**
 * What a pepper is called in hashes, logs and `holdfast info`: 8 hexadecimal digits of an HMAC under it. It gives nothing away of
 * 32 random bytes, and no other pepper can be taken for it by mistake.
 */
export function pepperId(pepper: Uint8Array): string {
  return createHmac('sha256', pepper).update('holdfast-pepper-id-1').digest('hex').slice(0, 8)
}

/** Throws where one is shorter than 32 bytes. */
export function peppersById(peppers: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  if (peppers.some((pepper) => pepper.length < 32)) throw new Error('a pepper must be 32 bytes or longer')
  return new Map(peppers.map((pepper) => [pepperId(pepper), pepper]))
}

/** Some hashes are under peppers that were not given: nobody whose password it is could sign in. */
export class PeppersMissing extends Error {
  readonly ids: readonly string[]

  constructor(ids: readonly string[]) {
    super(
      `the database has passwords under peppers that are not here: ${ids.join(', ')}. Add them to HOLDFAST_PEPPERS, or restore ` +
        'secrets.json; those that are lost for good name in HOLDFAST_RETIRED_PEPPERS: their people reset their passwords by mail',
    )
    this.name = 'PeppersMissing'
    this.ids = ids
  }
}
