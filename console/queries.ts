import {
  QueryCache,
  QueryClient,
  type UseInfiniteQueryResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { createContext, useCallback, useContext } from 'react'
import { newId } from '../src/kernel/id.ts'
import type { Call, Sending } from './client.ts'
import { Problem } from './problem.ts'

/** The organisation that the address names: `undefined` outside of any. Never stored, so that each tab has its own. */
const OrganisationContext = createContext<string | undefined>(undefined)
export const OrganisationProvider = OrganisationContext.Provider

export function useOrganisationId(): string | undefined {
  return useContext(OrganisationContext)
}

/** What a call wants beside the organisation, which comes from the address. */
export type Known<Input extends object> = Omit<Input, 'organisation'>
type Given<Input extends object> =
  Record<never, never> extends Known<Input> ? [input?: Known<Input>] : [input: Known<Input>]

/** Turns a call and its input into one request inside the organisation of this page. */
function useInput<Input extends object, Result>(call: Call<Input, Result>): (input: Known<Input> | undefined) => Input {
  const organisation = useOrganisationId()
  return (input) => ({ ...input, ...(call.inOrganisation ? { organisation } : {}) }) as unknown as Input
}

/** Reads a route. Draw the answer by `<Loaded>`; what is shown stays while another page or search is on its way. */
export function useRead<Input extends object, Result>(
  call: Call<Input, Result>,
  ...[input]: Given<Input>
): UseQueryResult<Result, Problem> {
  const whole = useInput(call)(input)
  return useQuery<Result, Problem>({
    queryKey: [call.route, whole],
    queryFn: ({ signal }) => call({ ...whole, signal }),
    placeholderData: keepWithin(whole),
  })
}

/**
 * Reads a list cursor by cursor, for `<LoadMore>`. `next` finds the cursor in an answer (null: that was all), `after`
 * makes the input that starts there.
 */
export function useReadMore<Input extends object, Result>(
  call: Call<Input, Result>,
  input: (cursor: string | undefined) => Known<Input>,
  next: (result: Result) => string | null | undefined,
): UseInfiniteQueryResult<Result[], Problem> {
  const fill = useInput(call)
  return useInfiniteQuery<Result, Problem, Result[], readonly unknown[], string | undefined>({
    queryKey: [call.route, 'more', fill(input(undefined))],
    queryFn: ({ signal, pageParam }) => call({ ...fill(input(pageParam)), signal }),
    initialPageParam: undefined,
    getNextPageParam: (last) => next(last) ?? undefined,
    select: ({ pages }) => pages,
    placeholderData: keepWithin(fill(input(undefined))),
  })
}

export interface Write<Input extends object, Result> {
  /** Sends it. Resolves to the answer; throws `Problem`. Whatever is shown is read anew afterwards. */
  readonly send: (...input: Given<Input & Sending>) => Promise<Result>
  readonly busy: boolean
  readonly problem: Problem | undefined
}

/** Writes through a route, with an idempotency key unless one is given. Forms hand theirs on: `send({ body, idempotencyKey })`. */
export function useWrite<Input extends object, Result>(call: Call<Input, Result>): Write<Input, Result> {
  const fill = useInput(call)
  const client = useQueryClient()
  const mutation = useMutation<Result, Problem, Known<Input> & Sending>({
    mutationFn: (input) => call({ idempotencyKey: newId(), ...fill(input) }),
    onSettled: (_, problem) => (problem && [0, 401].includes(problem.status) ? undefined : client.invalidateQueries()),
  })
  return {
    send: (...[input]) => mutation.mutateAsync((input ?? {}) as Known<Input> & Sending),
    busy: mutation.isPending,
    problem: mutation.error ?? undefined,
  }
}

/** Reads all that is shown, and all that was, anew: for what changed without a write from here, such as by the end of a job. */
export function useReadAnew(): () => Promise<void> {
  const client = useQueryClient()
  return useCallback(() => client.invalidateQueries(), [client])
}

/** What is shown stays only while the same list of the same organisation is searched or turned over. */
function keepWithin(input: object) {
  const thing = thingOf(input)
  return <Shown>(shown: Shown | undefined, query: { readonly queryKey: readonly unknown[] } | undefined) =>
    query && thingOf(query.queryKey.at(-1) as object) === thing ? shown : undefined
}

function thingOf(input: object): string {
  const { organisation, params } = input as { organisation?: string; params?: unknown }
  return JSON.stringify([organisation, params])
}

/** One memory of answers per start: nothing of it outlives the tab. */
export function createQueryClient(): QueryClient {
  // Somebody refused as nobody may have lost the session: whoever is signed in is asked anew.
  const askWho = (error: Error, query: { readonly queryKey: readonly unknown[] }) => {
    if (error instanceof Problem && error.status === 401 && query.queryKey[0] !== 'me') {
      void client.invalidateQueries({ queryKey: ['me'] })
    }
  }
  const client = new QueryClient({
    queryCache: new QueryCache({ onError: askWho }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retryDelay: (count) => 300 * 2 ** count,
        retry: (count, error) => count < 2 && error instanceof Problem && (error.status === 0 || error.status >= 500),
        networkMode: 'always',
        throwOnError: (error) => !(error instanceof Problem),
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
  return client
}
