import { useCallback } from 'react'
import { useSay } from './messages.ts'
import { Problem } from './problem.ts'
import { explain } from './ui/problem-notice.tsx'
import { useToast } from './ui/toast.tsx'

/**
 * For an act without a form: waits for it, then says the problem in a toast, or goes on with `done`.
 *
 *     await report(remove.send({ params }), () => toast(say('contacts.deleted')))
 */
export function useReport(): <Result>(act: Promise<Result>, done: (result: Result) => unknown) => Promise<void> {
  const say = useSay()
  const toast = useToast()
  return useCallback(
    async (act, done) => {
      try {
        await done(await act)
        keepFocus()
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        const { title, remedy } = explain(say, error)
        toast([title, remedy].filter(Boolean).join('. '), 'broken')
      }
    },
    [say, toast],
  )
}

/** The row whose button was pressed may be gone, and the focus with it: it goes on at the heading, where the page begins. */
function keepFocus(): void {
  requestAnimationFrame(() => {
    if (document.activeElement !== document.body) return
    document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true })
  })
}
