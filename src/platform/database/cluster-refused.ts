/** The embedded database cannot run here. `remedy` says what to do about it. */
export class ClusterRefused extends Error {
  readonly remedy: string

  constructor(found: string, remedy: string, cause?: unknown) {
    super(found, cause === undefined ? {} : { cause })
    this.name = 'ClusterRefused'
    this.remedy = remedy
  }
}
