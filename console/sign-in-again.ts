import { useRouter } from '@tanstack/react-router'
import { useCallback } from 'react'
import { signInAddress } from './paths.ts'

/** Leads to sign-in, and from there back to this very place. */
export function useSignInAgain(): () => void {
  const router = useRouter()
  return useCallback(() => {
    const { pathname, searchStr, hash } = router.state.location
    router.history.replace(signInAddress(pathname + searchStr + (hash ? `#${hash}` : '')))
  }, [router])
}
