import { Link } from '@tanstack/react-router'
import { PageTitle } from '../../ui/page-title.tsx'

/** What came of a link, and the one way on from there. */
export function Done(props: {
  readonly title: string
  readonly text: string
  readonly to?: string
  readonly next?: string
}) {
  const { title, text, to, next } = props
  return (
    <>
      <PageTitle key="done" title={title}>
        {text}
      </PageTitle>
      {to && (
        <div className="form-actions">
          <Link to={to} className="button primary usual">
            {next}
          </Link>
        </div>
      )}
    </>
  )
}
