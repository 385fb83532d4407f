import { type ComponentProps, type ReactNode, useId } from 'react'
import './button.css'
import { Spinner } from './spinner.tsx'

export interface ButtonProps extends Omit<ComponentProps<'button'>, 'disabled' | 'className' | 'style'> {
  readonly children: ReactNode
  /** `primary` once per view; `danger` only for what destroys; `quiet` has no border. */
  readonly look?: 'primary' | 'plain' | 'quiet' | 'danger'
  readonly size?: 'usual' | 'small'
  /** Why it cannot be pressed now. The button stays reachable by keyboard, so that the reason can be read. */
  readonly disabledReason?: string | false | undefined
  /** Work is under way: a second press does nothing. */
  readonly busy?: boolean
}

export function Button(props: ButtonProps) {
  const {
    look = 'plain',
    size = 'usual',
    disabledReason,
    busy = false,
    children,
    onClick,
    type = 'button',
    ...rest
  } = props
  const reasonId = useId()
  const off = Boolean(disabledReason) || busy
  return (
    <span className="button-frame">
      <button
        {...rest}
        type={type}
        className={`button ${look} ${size}`}
        aria-disabled={off || undefined}
        aria-busy={busy || undefined}
        aria-describedby={disabledReason ? reasonId : rest['aria-describedby']}
        onClick={(event) => {
          if (off) event.preventDefault()
          else onClick?.(event)
        }}
      >
        {children}
        {busy && <Spinner />}
      </button>
      {disabledReason && (
        <span className="button-reason" role="tooltip" id={reasonId}>
          {disabledReason}
        </span>
      )}
    </span>
  )
}
