import { Link, useLocation } from '@tanstack/react-router'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { Notice } from '../../ui/notice.tsx'
import { PageTitle } from '../../ui/page-title.tsx'

/** After sign-up. It says the same whether or not the address already has an account. */
export function CheckMailPage() {
  const say = useSay()
  const { sentTo } = useLocation().state as { sentTo?: string }
  return (
    <>
      <PageTitle title={say('checkMail.title')}>
        {sentTo ? say('checkMail.text', { address: sentTo }) : say('checkMail.textPlain')}
      </PageTitle>
      <Notice title={say('checkMail.nothing')}>
        <p>
          {say('checkMail.nothingText')} <Link to={paths.signIn}>{say('signIn.act')}</Link>
        </p>
      </Notice>
    </>
  )
}
