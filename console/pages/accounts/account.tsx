import { useSay } from '../../messages.ts'
import { useMe } from '../../person.ts'
import { PageTitle } from '../../ui/page-title.tsx'

/** One's own account: who one is here. */
export function AccountPage() {
  const say = useSay()
  const person = useMe().data?.person
  if (!person) return null
  return (
    <>
      <PageTitle title={say('account.title')} />
      <dl className="facts">
        <dt>{say('account.name')}</dt>
        <dd>{person.name}</dd>
        <dt>{say('word.address')}</dt>
        <dd>{person.address}</dd>
      </dl>
    </>
  )
}
