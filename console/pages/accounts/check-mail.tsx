import { Link, useLocation } from '@tanstack/react-router'
import { useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { Notice } from '../../ui/notice.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { ProblemNotice } from '../../ui/problem-notice.tsx'

/** After sign-up. It says and does the same whether or not the address already has an account. */
export function CheckMailPage() {
  const say = useSay()
  const { sentTo } = useLocation().state as { sentTo?: string }
  const again = useWrite(foundation.verifyAgain)
  const [sent, setSent] = useState(false)
  const send = () =>
    again.send({ body: {} }).then(
      () => setSent(true),
      () => setSent(false),
    )
  return (
    <>
      <PageTitle title={say('checkMail.title')}>
        {sentTo ? say('checkMail.text', { address: sentTo }) : say('checkMail.textPlain')}
      </PageTitle>
      <Notice
        kind={sent ? 'done' : 'news'}
        title={sent ? say('word.sent') : say('checkMail.nothing')}
        actions={
          <>
            <Button busy={again.busy} onClick={send}>
              {say('checkMail.again')}
            </Button>
            <Link to={paths.signUp}>{say('checkMail.signUp')}</Link>
          </>
        }
      >
        <p>{sent ? say('checkMail.sent') : say('checkMail.nothingText')}</p>
        {again.problem && <ProblemNotice problem={again.problem} />}
      </Notice>
    </>
  )
}
