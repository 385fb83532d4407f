import { useQuery } from '@tanstack/react-query'
import { createCall } from '../client.ts'
import { useSay } from '../messages.ts'
import { paths } from '../paths.ts'
import { RelativeTime } from '../ui/relative-time.tsx'
import { Sign } from '../ui/sign.tsx'

interface SecurityStatus {
  readonly claims: readonly { readonly status: string; readonly checkedAt?: string | null }[]
}

const readStatus = createCall<Record<never, never>, SecurityStatus>('security', 'GET', paths.securityStatus)

/** What the product promises, and how its claims stand this minute, from the public status beside the security page. */
export function SecurityWord() {
  const say = useSay()
  // Where the status is not to be had the link still leads to the page that says why.
  const { data } = useQuery({ queryKey: ['security'], queryFn: ({ signal }) => readStatus({ signal }), retry: false })
  return (
    <div className="entrance-promise">
      <p>{say('entrance.promise')}</p>
      {data && data.claims.length > 0 && <Standing claims={data.claims} />}
      <a href={paths.security}>{say('entrance.security')}</a>
    </div>
  )
}

function Standing({ claims }: SecurityStatus) {
  const say = useSay()
  const holding = claims.filter(({ status }) => status === 'holds').length
  const broken = claims.filter(({ status }) => status === 'broken').length
  const last = claims
    .map(({ checkedAt }) => checkedAt ?? '')
    .sort()
    .at(-1)
  return (
    <p className="entrance-standing figures">
      <Sign kind={broken > 0 ? 'broken' : holding === claims.length ? 'done' : 'news'} />
      <span>
        {say('entrance.holding', { holding, count: claims.length })}
        {broken > 0 && ` ${say('entrance.broken', { count: broken })}`}
        {last && (
          <>
            {' '}
            {say('entrance.attacked')} <RelativeTime at={last} />.
          </>
        )}
      </span>
    </p>
  )
}
