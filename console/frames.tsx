import { Navigate, Outlet, useParams, useRouter } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'
import type { Me } from './foundation.ts'
import { useSay } from './messages.ts'
import { SessionEndedPage } from './pages/sessions/session-ended.tsx'
import { pageAddress, paths, secondStepAddress } from './paths.ts'
import { useFirstPage, useMay, useMe, usePlace } from './person.ts'
import type { Problem } from './problem.ts'
import { NotFoundPage, ProblemPage } from './problem-page.tsx'
import { useProduct } from './product.ts'
import { OrganisationProvider, useOrganisationId } from './queries.ts'
import { Shell } from './shell/shell.tsx'
import { useSignInAgain } from './sign-in-again.ts'
import { PageTitle } from './ui/page-title.tsx'
import { Skeleton } from './ui/skeleton.tsx'

/**
 * Around what only somebody signed in sees. Nobody: to sign-in and back. When the
 * session ends under somebody's hands, all of it is hidden, not thrown away: it comes back to the same person.
 */
function SignedIn({ children }: { readonly children: (me: Me) => ReactNode }) {
  const { data: me, error } = useMe()
  const ended = error?.status === 401
  if (error?.code === 'tenant-isolation/second-factor-not-shown') return <ToSecondStep />
  if (!me) return ended ? <ToSignIn /> : <Unknown problem={error} />
  return (
    <>
      {ended && <SessionEndedPage />}
      <div key={me.person.id} hidden={ended}>
        {children(me)}
      </div>
    </>
  )
}

function ToSignIn() {
  const signIn = useSignInAgain()
  useEffect(signIn, [signIn])
  return null
}

/** Signed in by half: the rest, and then back to this very place. */
function ToSecondStep() {
  const router = useRouter()
  useEffect(() => {
    const { pathname, searchStr, hash } = router.state.location
    router.history.replace(secondStepAddress(pathname + searchStr + (hash ? `#${hash}` : '')))
  }, [router])
  return null
}

function Unknown({ problem }: { readonly problem: Problem | null }) {
  return problem ? <ProblemPage problem={problem} /> : <Skeleton lines={1} />
}

/** The account's own pages, outside of any organisation; individuals keep their navigation. */
export function AccountFrame() {
  return (
    <Framed>
      <Outlet />
    </Framed>
  )
}

/** For an address that does not exist. */
export function LostFrame() {
  return (
    <Framed>
      <NotFoundPage />
    </Framed>
  )
}

function Framed({ children }: { readonly children: ReactNode }) {
  const { people } = useProduct()
  return (
    <SignedIn>
      {(me) => (
        <OrganisationProvider value={people === 'individuals' ? me.organisations[0]?.id : undefined}>
          <Shell me={me}>{children}</Shell>
        </OrganisationProvider>
      )}
    </SignedIn>
  )
}

/**
 * The pages inside the organisation that the address names. Another organisation is another tree: nothing that a page
 * remembers passes from one to the other.
 */
export function OrganisationFrame() {
  const { organisation } = useParams({ strict: false }) as { organisation: string }
  return (
    <SignedIn>
      {(me) => {
        const member = me.organisations.some(({ id }) => id === organisation)
        return (
          <OrganisationProvider key={organisation} value={member ? organisation : undefined}>
            <Shell me={me}>{member ? <Inside /> : <NotFoundPage />}</Shell>
          </OrganisationProvider>
        )
      }}
    </SignedIn>
  )
}

/** An organisation may demand what one has not set up yet. Then no page of it opens, and this one says how they will. */
function Inside() {
  const { error } = usePlace()
  return error?.code === 'tenant-isolation/second-factor-not-enrolled' ? <ProblemPage problem={error} /> : <Outlet />
}

/** Where one begins in an organisation: the first page in the navigation that one's role opens. */
export function OrganisationHome() {
  const say = useSay()
  const { pages } = useProduct()
  const { known, may } = useMay()
  const { error } = usePlace()
  const organisation = useOrganisationId() ?? ''
  if (error) return <ProblemPage problem={error} />
  if (!known) return <Skeleton />
  const first = pages.find((page) => page.nav && may(page.needs))
  if (!first) return <PageTitle title={say('problem.nothingOpen')}>{say('problem.forbiddenRemedy')}</PageTitle>
  return <Navigate to={pageAddress('organisations', organisation, first.path)} replace />
}

/** Where one begins: the first page, the choice of an organisation, or the creation of the first. */
export function Home() {
  const { people } = useProduct()
  const firstPage = useFirstPage()
  const organisations = useMe().data?.organisations ?? []
  const [only] = organisations
  if (people === 'organisations' && !only) return <Navigate to={paths.newOrganisation} replace />
  if (people === 'organisations' && organisations.length > 1) return <Navigate to={paths.organisations} replace />
  return <Navigate to={pageAddress(people, only?.id ?? '', firstPage)} replace />
}
