import { type ReactNode, useId } from 'react'
import './progress-bar.css'

/** How far something long has come. Without `value` it only says that work is under way. */
export function ProgressBar(props: {
  readonly label: string
  /** Between 0 and `max`. */
  readonly value?: number
  readonly max?: number
  /** The same in words, such as "4,000 of 10,000 rows". */
  readonly children?: ReactNode
}) {
  const id = useId()
  return (
    <div className="progress">
      <label htmlFor={id} className="progress-label">
        {props.label}
      </label>
      <progress id={id} value={props.value} max={props.max ?? 1} />
      {props.children && <p className="progress-words figures">{props.children}</p>}
    </div>
  )
}
