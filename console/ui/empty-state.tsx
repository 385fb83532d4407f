import type { ReactNode } from 'react'
import './empty-state.css'

/** A list without rows: why it is empty, and the one thing to do about it. */
export function EmptyState(props: {
  readonly title: string
  readonly children?: ReactNode
  readonly action?: ReactNode
}) {
  return (
    <div className="empty-state">
      <svg className="empty-sign" viewBox="0 0 96 48" aria-hidden="true">
        <path d="M2 40c10 0 10-7 20-7s10 7 20 7 10-7 20-7 10 7 20 7 8-4 12-6" />
        <path d="M48 36c0-12-5-14-5-22M48 36c0-9 6-12 6-19M48 36c-2-7-10-8-12-14" />
      </svg>
      <p className="empty-title">{props.title}</p>
      {props.children && <div className="empty-text">{props.children}</div>}
      {props.action && <div className="empty-action">{props.action}</div>}
    </div>
  )
}
