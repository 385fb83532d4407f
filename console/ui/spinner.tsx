import { useEffect, useState } from 'react'
import { useSay } from '../messages.ts'
import './spinner.css'

/** Turns, but only after 300 ms: what is quick should not flicker. */
export function Spinner({ label }: { readonly label?: string }) {
  const say = useSay()
  const shown = useLater(300)
  return (
    <span className="spinner-place" role="status">
      {shown && (
        <>
          <span className="spinner" aria-hidden="true" />
          <span className="hidden-text">{label ?? say('word.loading')}</span>
        </>
      )}
    </span>
  )
}

/** False at first, true once `milliseconds` have passed. */
export function useLater(milliseconds: number): boolean {
  const [later, setLater] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLater(true), milliseconds)
    return () => clearTimeout(timer)
  }, [milliseconds])
  return later
}
