import { createContext, type ReactNode, useContext, useEffect, useRef } from 'react'
import './page-title.css'

interface TitlePlace {
  /** Stands behind every title of the document. */
  readonly product: string
  /** Has the first page been drawn? Only later ones take the focus: the first has it from the browser. */
  readonly visited: { current: boolean }
}

const TitleContext = createContext<TitlePlace>({ product: '', visited: { current: false } })
export const TitleProvider = TitleContext.Provider

/**
 * The heading of a page: sets the title of the document, and takes the focus after a navigation, so that a screen
 * reader says where one is. Every page has exactly one.
 */
export function PageTitle(props: {
  readonly title: string
  /** A line below it. */
  readonly children?: ReactNode
  /** Buttons beside it. */
  readonly actions?: ReactNode
}) {
  const { title, children, actions } = props
  const heading = useRef<HTMLHeadingElement>(null)
  const { product, visited } = useContext(TitleContext)

  useEffect(() => {
    document.title = product ? `${title} · ${product}` : title
  }, [title, product])

  useEffect(() => {
    if (visited.current && !document.querySelector('dialog[open]')) heading.current?.focus({ preventScroll: true })
    visited.current = true
  }, [visited])

  return (
    <header className="page-title">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {actions && <div className="page-actions">{actions}</div>}
      {children && (
        <div className="page-lead">
          <div>{children}</div>
        </div>
      )}
    </header>
  )
}
