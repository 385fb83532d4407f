/**
 * A sensitive act asks the person to show again who they are. The client of routes waits for it here, and sends its request
 * once more; the dialog that asks stands at the root of the page. Several requests at once wait for one dialog.
 */
let ask: (() => Promise<boolean>) | undefined
let asking: Promise<boolean> | undefined

/** Resolves to true when the person has shown who they are; false where they would not, or nobody can ask. */
export function askToShowAgain(): Promise<boolean> {
  if (ask === undefined) return Promise.resolve(false)
  asking ??= ask().finally(() => {
    asking = undefined
  })
  return asking
}

/** For the dialog: from now on it is the one that asks. Returns how to stop. */
export function answerShowAgain(how: () => Promise<boolean>): () => void {
  ask = how
  return () => {
    if (ask === how) ask = undefined
  }
}
