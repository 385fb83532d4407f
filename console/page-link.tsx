import { Link, useLocation, useNavigate, useParams, useRouter } from '@tanstack/react-router'
import { type ReactNode, useCallback } from 'react'
import { type PathParams, pageAddress } from './paths.ts'
import { useProduct } from './product.ts'
import { useOrganisationId } from './queries.ts'

type Target<P extends string> = {
  /** The path of one of the app's pages, such as `/contacts/$contact`. */
  readonly to: P
  /** What stands behind the question mark. */
  readonly search?: Readonly<Record<string, string | undefined>>
} & (Record<never, never> extends PathParams<P>
  ? { readonly params?: PathParams<P> }
  : { readonly params: PathParams<P> })

/** Makes the address of a page in the organisation of this page. */
export function usePageAddress(): <P extends string>(target: Target<P>) => string {
  const { people } = useProduct()
  const organisation = useOrganisationId() ?? ''
  return useCallback(
    ({ to, params, search }) => {
      const query = toQuery(search ?? {})
      return pageAddress(people, organisation, to, params) + query
    },
    [people, organisation],
  )
}

/** A link to a page of the app, in the organisation of this page. It says `aria-current` where one already is. */
export function PageLink<const P extends string>(
  props: Target<P> & { readonly children: ReactNode; readonly look?: 'text' | 'button' | 'primary' },
) {
  const { children, look = 'text' } = props
  const address = usePageAddress()(props)
  const looks = { text: undefined, button: 'button plain usual', primary: 'button primary usual' }
  const className = looks[look]
  return (
    <Link to={address} {...(className ? { className } : {})}>
      {children}
    </Link>
  )
}

/** Goes to a page of the app: `go({ to: '/contacts/$contact', params: { contact } })`. */
export function useGo(): <const P extends string>(target: Target<P>, options?: { replace?: boolean }) => Promise<void> {
  const address = usePageAddress()
  const navigate = useNavigate()
  return useCallback(
    (target, options) => navigate({ to: address(target), replace: options?.replace ?? false }),
    [address, navigate],
  )
}

/** The parameters of this page: `const { contact } = usePageParams<'/contacts/$contact'>()`. */
export function usePageParams<P extends string>(): PathParams<P> {
  return useParams({ strict: false }) as PathParams<P>
}

/**
 * What stands behind the question mark, as strings, and a way to change it. `undefined` or '' takes a value away.
 * Every list keeps its search and its cursor there, so that the back button and a shared link work.
 */
export function usePageSearch(): readonly [
  Readonly<Record<string, string | undefined>>,
  (change: Readonly<Record<string, string | undefined>>, options?: { replace?: boolean }) => void,
] {
  const router = useRouter()
  const search = useLocation().search as Readonly<Record<string, string | undefined>>
  const change = useCallback(
    (some: Readonly<Record<string, string | undefined>>, options?: { replace?: boolean }) => {
      const { pathname, search: now } = router.state.location
      const address = pathname + toQuery({ ...(now as Record<string, string | undefined>), ...some })
      if (options?.replace ?? true) router.history.replace(address)
      else router.history.push(address)
    },
    [router],
  )
  return [search, change]
}

function toQuery(search: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) if (value) query.set(name, value)
  return query.size > 0 ? `?${query}` : ''
}
