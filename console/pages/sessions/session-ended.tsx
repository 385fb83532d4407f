import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { useSignInAgain } from '../../sign-in-again.ts'
import { Button } from '../../ui/button.tsx'
import { PageTitle } from '../../ui/page-title.tsx'

/** In front of a page whose session has ended: nothing of it is to be seen, nothing written in it is lost. */
export function SessionEndedPage() {
  const say = useSay()
  const signInHere = useSignInAgain()
  return (
    <main className="session-ended">
      <PageTitle title={say('session.ended')}>{say('session.endedText')}</PageTitle>
      <div className="form-actions">
        <a className="button primary usual" href={paths.signIn} target="_blank" rel="noopener">
          {say('form.signInTab')}
        </a>
        <Button onClick={signInHere}>{say('session.signInHere')}</Button>
      </div>
    </main>
  )
}
