import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { Done } from './done.tsx'
import { LinkPage } from './link-page.tsx'

/** Says yes to a change of address, from one of its two ends. */
export function ConfirmAddressPage() {
  const say = useSay()
  return (
    <LinkPage
      title={say('confirmAddress.title')}
      text={say('confirmAddress.text')}
      act={say('confirmAddress.act')}
      another={{ to: paths.account, title: say('linkOver.address') }}
      note={say('confirmAddress.notMine')}
      send={(token) => foundation.confirmAddress({ body: { token } })}
      done={({ came }) =>
        came === 'changed' ? (
          <Done
            title={say('confirmAddress.changed')}
            text={say('confirmAddress.changedText')}
            to={paths.home}
            next={say('verify.continue')}
          />
        ) : (
          <Done title={say('confirmAddress.waiting')} text={say('confirmAddress.waitingText')} />
        )
      }
    />
  )
}

/** Stops a change of address, or takes it back, from the old mailbox. */
export function StopAddressPage() {
  const say = useSay()
  return (
    <LinkPage
      title={say('stopAddress.title')}
      text={say('stopAddress.text')}
      act={say('stopAddress.act')}
      another={{ to: paths.account, title: say('linkOver.address') }}
      send={(token) => foundation.cancelAddress({ body: { token } })}
      done={({ came }) =>
        came === 'stopped' ? (
          <Done
            title={say('stopAddress.stopped')}
            text={say('stopAddress.stoppedText')}
            to={paths.account}
            next={say('account.changePassword')}
          />
        ) : (
          <Done title={say('stopAddress.undone')} text={say('stopAddress.undoneText')} />
        )
      }
    />
  )
}

/** Opens an account again that was given up. */
export function KeepAccountPage() {
  const say = useSay()
  return (
    <LinkPage
      title={say('keepAccount.title')}
      text={say('keepAccount.text')}
      act={say('keepAccount.act')}
      another={{ to: paths.signIn, title: say('signIn.act') }}
      send={(token) => foundation.keepAccount({ body: { token } })}
      done={() => (
        <Done
          title={say('keepAccount.done')}
          text={say('keepAccount.doneText')}
          to={paths.signIn}
          next={say('signIn.act')}
        />
      )}
    />
  )
}
