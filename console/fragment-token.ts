import { useLocation } from '@tanstack/react-router'
import { useEffect, useState } from 'react'

/**
 * The token behind the # of a link from a mail. It is taken out of the address bar at once, so that neither the
 * history nor a copied address keeps it; a fragment never reaches a server's log.
 */
export function useFragmentToken(): string | undefined {
  const { hash, pathname } = useLocation()
  const [token, setToken] = useState(hash || undefined)
  useEffect(() => {
    if (!hash) return
    // A second link may be opened in the same tab.
    setToken(hash)
    window.history.replaceState(window.history.state, '', pathname)
  }, [hash, pathname])
  return token
}
