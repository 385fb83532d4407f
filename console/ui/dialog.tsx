import { type ReactNode, useEffect, useId, useLayoutEffect, useRef } from 'react'
import { useSay } from '../messages.ts'
import './dialog.css'

/** A modal dialog of the browser: it traps the focus, begins in the first field (or in what has `data-begin`), closes on Escape and gives the focus back. */
export function Dialog(props: {
  readonly open: boolean
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  /** `alert` for a decision that must be taken, such as a confirmation. */
  readonly kind?: 'usual' | 'alert'
}) {
  const { open, title, onClose, children, kind = 'usual' } = props
  const say = useSay()
  const element = useRef<HTMLDialogElement>(null)
  const titleId = useId()

  useEffect(() => {
    const dialog = element.current
    if (!dialog || dialog.open === open) return
    if (!open) return dialog.close()
    dialog.showModal()
    dialog.querySelector<HTMLElement>('[data-begin], form :is(input, select, textarea):not([type="radio"])')?.focus()
  }, [open])

  // One that is taken out while it is open would take the focus with it. Earlier than the removal: hence the layout effect.
  useLayoutEffect(() => {
    const dialog = element.current
    return () => dialog?.close()
  }, [])

  return (
    <dialog
      ref={element}
      className="dialog"
      role={kind === 'alert' ? 'alertdialog' : undefined}
      aria-labelledby={titleId}
      onClose={onClose}
      onCancel={(event) => event.target === element.current && onClose()}
    >
      {open && (
        <>
          <header className="dialog-header">
            <h2 id={titleId}>{title}</h2>
            <button type="button" className="dialog-close" aria-label={say('word.close')} onClick={onClose}>
              <svg viewBox="0 0 20 20" aria-hidden="true">
                <path d="M5 5l10 10M15 5L5 15" />
              </svg>
            </button>
          </header>
          {children}
        </>
      )}
    </dialog>
  )
}
