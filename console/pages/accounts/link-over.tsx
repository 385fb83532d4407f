import { Link } from '@tanstack/react-router'
import { useSay } from '../../messages.ts'
import type { Problem } from '../../problem.ts'
import { PageTitle } from '../../ui/page-title.tsx'

/** Where one goes from a link that leads nowhere: the first is the likeliest. */
export interface WayOn {
  readonly to: string
  readonly title: string
}

/** In place of a page whose link is cut off (`problem` is undefined), used or too old. Never without a way on. */
export function LinkOver(props: {
  readonly problem?: Problem | undefined
  readonly text?: string
  readonly ways: readonly WayOn[]
}) {
  const { problem, text, ways } = props
  const say = useSay()
  return (
    <>
      <PageTitle key="over" title={say(problem ? 'linkOver.title' : 'verify.noToken')}>
        {problem ? problem.title : say('verify.noTokenText')} {text}
      </PageTitle>
      <div className="form-actions">
        {ways.map(({ to, title }, place) => (
          <Link key={to} to={to} className={`button ${place === 0 ? 'primary' : 'plain'} usual`}>
            {title}
          </Link>
        ))}
      </div>
    </>
  )
}
