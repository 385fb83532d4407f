import { type QueryClient, useQuery } from '@tanstack/react-query'
import { foundation, type Me, type Membership, type Place } from './foundation.ts'
import type { Problem } from './problem.ts'
import { useProduct } from './product.ts'
import { useOrganisationId } from './queries.ts'

/** Who is signed in. A problem of status 401: nobody. */
export function useMe() {
  return useQuery<Me, Problem>({
    queryKey: ['me', {}],
    queryFn: ({ signal, client }) => askWho(client, signal),
    staleTime: 60_000,
    // Another tab may have signed out, or in as somebody else.
    refetchOnWindowFocus: 'always',
  })
}

/** What one person has read is not there for the next, not even for the blink of an eye. */
async function askWho(answers: QueryClient, signal: AbortSignal): Promise<Me> {
  const before = answers.getQueryData<Me>(['me', {}])
  const now = await foundation.me({ signal })
  if (before && before.person.id !== now.person.id) {
    answers.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' })
  }
  return now
}

/** What you may do in the organisation in the address. It is asked by entering: a problem says what keeps one out. */
export function usePlace(enabled = true) {
  const organisation = useOrganisationId()
  return useQuery<Place, Problem>({
    queryKey: ['place', { organisation }],
    queryFn: ({ signal }) => foundation.place({ params: { id: organisation! }, signal }),
    enabled: enabled && organisation !== undefined,
    staleTime: 30_000,
  })
}

/** The organisation of this page with your role in it. Only below a page of the app. */
export function useOrganisation(): Membership {
  const id = useOrganisationId()
  const found = useMe().data?.organisations.find((organisation) => organisation.id === id)
  if (!found) throw new Error('useOrganisation works inside an organisation only')
  return found
}

/**
 * Whether your role allows what `needs` names, to leave out what would be refused. It guards nothing: the server
 * does. False until it is `known`. Individuals may do everything with what is theirs.
 */
export function useMay(): { readonly known: boolean; readonly may: (needs: string | undefined) => boolean } {
  const alone = useProduct().people === 'individuals'
  const { data, isPending } = usePlace(!alone)
  const permissions = data?.permissions
  return {
    known: alone || !isPending,
    may: (needs) => needs === undefined || alone || (permissions?.includes(needs) ?? false),
  }
}

/** The path where one begins. Inside an organisation the role decides, so it is found there: see `OrganisationHome`. */
export function useFirstPage(): string {
  const { pages, people } = useProduct()
  return people === 'organisations' ? '' : ((pages.find((page) => page.nav) ?? pages[0])?.path ?? '')
}
