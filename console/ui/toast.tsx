import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react'
import { useSay } from '../messages.ts'
import { Sign, type SignKind } from './sign.tsx'
import './toast.css'

/** Says something that happened, without taking the focus. What needs a decision belongs in a Notice or a Dialog. */
export type Toast = (text: string, kind?: SignKind) => void

const ToastContext = createContext<Toast>(() => {
  throw new Error('useToast works below startConsole only')
})

export function useToast(): Toast {
  return useContext(ToastContext)
}

const shownMilliseconds = 6_000

/** Toasts stay for six seconds, longer while the pointer or the focus is on them. */
export function ToastRegion({ children }: { readonly children: ReactNode }) {
  const say = useSay()
  const [toasts, setToasts] = useState<readonly { id: number; text: string; kind: SignKind }[]>([])
  const last = useRef(0)
  const held = useRef(false)
  const dismiss = useCallback((id: number) => setToasts((now) => now.filter((toast) => toast.id !== id)), [])
  const toast = useCallback<Toast>(
    (text, kind = 'done') => {
      const id = ++last.current
      setToasts((now) => [...now.slice(-2), { id, text, kind }])
      const leave = () => (held.current ? setTimeout(leave, 1_000) : dismiss(id))
      setTimeout(leave, shownMilliseconds)
    },
    [dismiss],
  )
  const hold = (on: boolean) => () => {
    held.current = on
  }
  return (
    <ToastContext value={toast}>
      {children}
      <div
        className="toasts"
        role="status"
        aria-live="polite"
        onMouseEnter={hold(true)}
        onMouseLeave={hold(false)}
        onFocus={hold(true)}
        onBlur={hold(false)}
      >
        {toasts.map(({ id, text, kind }) => (
          <div key={id} className={`toast ${kind}`}>
            <Sign kind={kind} />
            <p>{text}</p>
            <button type="button" className="toast-close" aria-label={say('word.dismiss')} onClick={() => dismiss(id)}>
              <svg viewBox="0 0 20 20" aria-hidden="true">
                <path d="M5 5l10 10M15 5L5 15" />
              </svg>
            </button>
          </div>
        ))}
      </div>
    </ToastContext>
  )
}
