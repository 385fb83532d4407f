import { Link, useLocation } from '@tanstack/react-router'
import { useSay } from './messages.ts'
import { paths } from './paths.ts'
import { Problem } from './problem.ts'
import { useProduct } from './product.ts'
import { PageTitle } from './ui/page-title.tsx'
import { explain } from './ui/problem-notice.tsx'
import './problem-page.css'

/** A problem that leaves nothing to show: what happened, what to do, and a way back. */
export function ProblemPage({ problem }: { readonly problem: Problem }) {
  const say = useSay()
  const { people } = useProduct()
  const { pathname, searchStr } = useLocation()
  const { title, remedy, reference } = explain(say, problem)
  const lacksFactor = problem.code === 'tenant-isolation/second-factor-not-enrolled'
  const alone = problem.status === 403 && people === 'individuals'
  return (
    <section className="problem-page">
      {problem.status > 0 && !lacksFactor && <p className="problem-status figures">{problem.status}</p>}
      <PageTitle title={title} />
      <p className="problem-remedy">{alone ? say('problem.forbiddenRemedyAlone') : remedy}</p>
      <p>
        {lacksFactor ? (
          <Link to={paths.factors} hash={pathname + searchStr} className="button primary usual">
            {say('problem.setUpFactor')}
          </Link>
        ) : (
          <Link to={paths.home} className="button plain usual">
            {say('word.back')}
          </Link>
        )}
      </p>
      {reference && <p className="notice-reference">{reference}</p>}
    </section>
  )
}

/** The one page for what does not exist and for what one may not know of. */
export function NotFoundPage() {
  return <ProblemPage problem={notFound} />
}

const notFound = new Problem({ status: 404, code: 'console/not-found', title: 'There is nothing here' })

/** For a mistake of ours inside a page: the shell stays, the page says so. */
export function BrokenPage() {
  return <ProblemPage problem={broken} />
}

const broken = new Problem({ status: 500, code: 'console/page-failed', title: 'The page failed' })
