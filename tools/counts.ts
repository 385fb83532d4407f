/** What a run came to. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const none: Counts = { passed: 0, failed: 0, skipped: 0 }
export const oneFailed: Counts = { ...none, failed: 1 }

export function addCounts(...all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    skipped: all.reduce((sum, { skipped }) => sum + skipped, 0),
  }
}

/** The last line of `npm test` and `npm run check`. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** A run in which nothing was run has shown nothing. */
export function isGood({ passed, failed }: Counts): boolean {
  return failed === 0 && passed > 0
}

/** The part of Vitest's JSON report that is read here. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

/**
 * Counts tests. A file that failed without a failed test, because it could not be loaded or a hook of it threw, counts
 * as one failure; so does a run that ended badly although nothing in its report failed.
 */
export function countVitest(report: VitestReport, exitStatus: number | null): Counts {
  const counts = addCounts(...report.testResults.map(countFile))
  return exitStatus !== 0 && counts.failed === 0 ? addCounts(counts, oneFailed) : counts
}

function countFile({ status, assertionResults }: VitestReport['testResults'][number]): Counts {
  const count = (...wanted: readonly string[]) => assertionResults.filter((test) => wanted.includes(test.status)).length
  const passed = count('passed')
  const skipped = count('pending', 'skipped', 'todo', 'disabled')
  // Whatever Vitest may call it: what neither passed nor was left out has failed.
  const failed = assertionResults.length - passed - skipped
  return { passed, skipped, failed: failed === 0 && status !== 'passed' ? 1 : failed }
}
