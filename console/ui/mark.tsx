import { useId } from 'react'
import { markPaths } from '../../src/proving/mark.ts'

/** The mark in the colour of the text around it; decoration, so without a name. `size` in pixels. */
export function Mark({ size = 30 }: { readonly size?: number }) {
  const { ring, rock, roots, rootWidth, fronds } = markPaths
  const mask = useId()
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 48 48" fill="currentColor" aria-hidden="true">
      <mask id={mask}>
        <path fill="#fff" d="M0 0H48V48H0Z" />
        <path fill="none" stroke="#000" strokeWidth={rootWidth} strokeLinecap="round" d={roots} />
      </mask>
      <circle cx={ring.cx} cy={ring.cy} r={ring.r} fill="none" stroke="currentColor" strokeWidth={ring.width} />
      <path mask={`url(#${mask})`} d={rock} />
      <path d={fronds} />
    </svg>
  )
}
