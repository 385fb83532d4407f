import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { Done } from '../accounts/done.tsx'
import { LinkPage } from '../accounts/link-page.tsx'

/** Begins the seven days after which all factors are removed. */
export function BeginRecoveryPage() {
  const say = useSay()
  return (
    <LinkPage
      title={say('recovery.title')}
      text={say('recovery.text')}
      act={say('recovery.act')}
      another={{ to: paths.signIn, title: say('signIn.act') }}
      send={(token) => foundation.beginRecovery({ body: { token } })}
      done={() => (
        <Done title={say('recovery.begun')} text={say('recovery.begunText')} to={paths.home} next={say('word.back')} />
      )}
    />
  )
}

/** Stops them, by the link in any mail about it. */
export function StopRecoveryPage() {
  const say = useSay()
  return (
    <LinkPage
      title={say('recovery.stopTitle')}
      text={say('recovery.stopText')}
      act={say('recovery.stop')}
      another={{ to: paths.signIn, title: say('signIn.act') }}
      send={(token) => foundation.stopRecovery({ body: { token } })}
      done={() => (
        <Done
          title={say('recovery.stopped')}
          text={say('recovery.stoppedText')}
          to={paths.forgotten}
          next={say('forgotten.title')}
        />
      )}
    />
  )
}
