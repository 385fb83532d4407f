import type { ReactNode } from 'react'
import { type Catalogue, useSay } from '../messages.ts'
import { paths } from '../paths.ts'
import type { Problem } from '../problem.ts'
import type { Say } from '../text.ts'
import { Notice } from './notice.tsx'

/** A problem in words: what happened, and what can be done about it. */
export interface Explanation {
  readonly title: string
  readonly remedy: string
  readonly reference: string | undefined
}

/** The one place where a status becomes words. The server's own sentence stands wherever it sent one that helps. */
export function explain(say: Say<Catalogue>, problem: Problem): Explanation {
  return { ...explainStatus(say, problem), reference: referenceOf(say, problem) }
}

function explainStatus(say: Say<Catalogue>, problem: Problem): Omit<Explanation, 'reference'> {
  const { status, title, code } = problem
  if (status === 0) return { title: say('problem.unreachable'), remedy: say('problem.unreachableRemedy') }
  if (status === 401) return { title, remedy: say('form.signedOut') }
  if (status === 403) return { title: say('problem.forbidden'), remedy: say('problem.forbiddenRemedy') }
  if (status === 404) return { title: say('problem.notFound'), remedy: say('problem.notFoundRemedy') }
  if (code === 'tenant-isolation/second-factor-not-enrolled')
    return { title: say('problem.factorDemanded'), remedy: say('problem.factorDemandedRemedy') }
  if (code === 'tenant-isolation/show-again')
    return { title: say('problem.notShown'), remedy: say('problem.notShownRemedy') }
  if (status === 428)
    return { title: say('problem.precondition'), remedy: `${title} ${say('problem.preconditionRemedy')}` }
  if (status === 429) return { title: say('problem.tooMany'), remedy: retryText(say, problem.retryAfterSeconds) }
  if (status >= 500) return { title: say('problem.failed'), remedy: say('problem.failedRemedy') }
  return { title, remedy: typeof problem.extra.detail === 'string' ? problem.extra.detail : '' }
}

function retryText(say: Say<Catalogue>, seconds: number | undefined): string {
  if (seconds === undefined) return say('problem.failedRemedy')
  if (seconds === 0) return say('problem.tooManyNow')
  if (seconds < 90) return say('problem.tooManyRemedy', { count: seconds })
  return say('problem.tooManyMinutes', { count: Math.ceil(seconds / 60) })
}

function referenceOf(say: Say<Catalogue>, problem: Problem): string | undefined {
  if (problem.status < 500) return undefined
  const request = problem.extra.requestId ?? problem.extra.instance
  if (typeof request !== 'string') return say('problem.reference', { code: problem.code })
  return say('problem.requestReference', { code: problem.code, request })
}

export function ProblemNotice({ problem, actions }: { readonly problem: Problem; readonly actions?: ReactNode }) {
  const say = useSay()
  const { title, remedy, reference } = explain(say, problem)
  return (
    <Notice kind="broken" title={title} actions={actions}>
      {remedy && <p>{remedy}</p>}
      {problem.status === 401 && (
        <p>
          <a href={paths.signIn} target="_blank" rel="noopener">
            {say('form.signInTab')}
          </a>
        </p>
      )}
      {reference && <p className="notice-reference">{reference}</p>}
    </Notice>
  )
}
