import { useState } from 'react'
import { useSay } from '../../messages.ts'
import { useMe } from '../../person.ts'
import { useSignOut } from '../../sign-out.ts'
import { Button } from '../../ui/button.tsx'
import { PageTitle } from '../../ui/page-title.tsx'

/** Who this browser is signed in as, and the way out. */
export function SessionPage() {
  const say = useSay()
  const person = useMe().data?.person
  const signOut = useSignOut()
  const [busy, setBusy] = useState(false)
  const end = () => {
    setBusy(true)
    void signOut().finally(() => setBusy(false))
  }
  if (!person) return null
  return (
    <section className="narrow">
      <PageTitle title={say('session.title')}>{say('session.endText')}</PageTitle>
      <dl className="facts">
        <dt>{say('session.person')}</dt>
        <dd>{person.name}</dd>
        <dt>{say('session.address')}</dt>
        <dd>{person.address}</dd>
        <dt>{say('session.verified')}</dt>
        <dd>{person.verified ? say('session.isVerified') : say('session.notVerified')}</dd>
        <dt>{say('session.cookie')}</dt>
        <dd>{say('session.cookieText')}</dd>
      </dl>
      <div className="form-actions">
        <Button busy={busy} onClick={end}>
          {say('session.end')}
        </Button>
      </div>
    </section>
  )
}
