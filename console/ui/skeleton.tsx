import { useSay } from '../messages.ts'
import { useLater } from './spinner.tsx'
import './skeleton.css'

/** Grey bars in the place of text that is on its way; nothing for the first 300 ms. */
export function Skeleton({ lines = 3 }: { readonly lines?: number }) {
  const say = useSay()
  const shown = useLater(300)
  return (
    <div className="skeleton" role="status">
      {shown && (
        <>
          <span className="hidden-text">{say('word.loading')}</span>
          {Array.from({ length: lines }, (_, line) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the bars have no identity
            <span key={line} className="skeleton-line" aria-hidden="true" />
          ))}
        </>
      )}
    </div>
  )
}
