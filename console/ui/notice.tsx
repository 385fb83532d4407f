import type { ReactNode } from 'react'
import { Sign, type SignKind } from './sign.tsx'
import './notice.css'

/** Something to know, in place. The kind is said by a shape and a word for screen readers, never by colour alone. */
export function Notice(props: {
  readonly kind?: SignKind
  readonly title: string
  readonly children?: ReactNode
  readonly actions?: ReactNode
}) {
  const { kind = 'news', title, children, actions } = props
  return (
    <div className={`notice ${kind}`} role={kind === 'broken' ? 'alert' : 'status'}>
      <Sign kind={kind} />
      <div className="notice-body">
        <p className="notice-title">{title}</p>
        {children}
        {actions && <div className="notice-actions">{actions}</div>}
      </div>
    </div>
  )
}
