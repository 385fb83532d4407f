import type { ReactNode } from 'react'
import { useSay } from './messages.ts'
import type { Problem } from './problem.ts'
import { ProblemPage } from './problem-page.tsx'
import { Button } from './ui/button.tsx'
import { ProblemNotice } from './ui/problem-notice.tsx'
import { Skeleton } from './ui/skeleton.tsx'

interface Reading<Data> {
  readonly data: Data | undefined
  readonly error: Problem | null
  refetch(): unknown
}

/**
 * Draws what was read: a skeleton while it is on its way, the problem with a remedy where it was refused, else the
 * children. `page` lets a problem fill the page, for the reading that the page is about.
 */
export function Loaded<Data>(props: {
  readonly of: Reading<Data>
  readonly page?: boolean
  readonly lines?: number
  readonly children: (data: Data) => ReactNode
}) {
  const { of, page = false, lines = 4, children } = props
  const say = useSay()
  if (of.data !== undefined && !isGone(of.error)) return children(of.data)
  if (!of.error) return <Skeleton lines={lines} />
  const retry = <Button onClick={() => of.refetch()}>{say('word.retry')}</Button>
  if (page) return <ProblemPage problem={of.error} />
  return <ProblemNotice problem={of.error} actions={retry} />
}

/**
 * What may no longer be seen is not shown any more, even if it once was read. The end of a session is not decided here:
 * the frame around every page hides all of it, and keeps what somebody was writing.
 */
function isGone(error: Problem | null): boolean {
  return error !== null && [403, 404, 410, 428].includes(error.status)
}
