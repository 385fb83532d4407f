import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useCallback } from 'react'
import { foundation } from './foundation.ts'
import { useSay } from './messages.ts'
import { paths } from './paths.ts'
import { Problem } from './problem.ts'
import { explain } from './ui/problem-notice.tsx'
import { useToast } from './ui/toast.tsx'

/** Ends the session on the server, then forgets everything that was read. A session that is already gone is no problem. */
export function useSignOut(): () => Promise<void> {
  const router = useRouter()
  const answers = useQueryClient()
  const toast = useToast()
  const say = useSay()
  return useCallback(async () => {
    try {
      await foundation.signOut({ body: {} })
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (error.status !== 401) {
        const { title, remedy } = explain(say, error)
        return toast(`${title}. ${remedy}`, 'broken')
      }
    }
    await router.navigate({ to: paths.signIn })
    answers.clear()
  }, [router, answers, toast, say])
}
