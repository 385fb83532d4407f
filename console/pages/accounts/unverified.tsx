import { useState } from 'react'
import { foundation, type Me } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useMe } from '../../person.ts'
import { useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { Notice } from '../../ui/notice.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { ProblemNotice } from '../../ui/problem-notice.tsx'

/** All that somebody sees who is signed in and has not confirmed the address. */
export function UnverifiedPage({ me }: { readonly me: Me }) {
  const say = useSay()
  const { refetch } = useMe()
  const again = useWrite(foundation.verifyAgain)
  const [said, setSaid] = useState<'sent' | 'notYet'>()
  const { address } = me.person
  const send = () =>
    again.send({ body: {} }).then(
      () => setSaid('sent'),
      () => setSaid(undefined),
    )
  const check = () => refetch().then(({ data }) => setSaid(data?.person.verified ? undefined : 'notYet'))
  return (
    <section className="narrow">
      <PageTitle title={say('unverified.title')}>{say('unverified.text', { address })}</PageTitle>
      {again.problem && <ProblemNotice problem={again.problem} />}
      {said === 'sent' && (
        <Notice kind="done" title={say('word.sent')}>
          <p>{say('unverified.sent', { address })}</p>
        </Notice>
      )}
      {said === 'notYet' && <Notice kind="care" title={say('unverified.notYet')} />}
      <div className="form-actions">
        <Button look="primary" onClick={check}>
          {say('unverified.check')}
        </Button>
        <Button busy={again.busy} onClick={send}>
          {say('unverified.again')}
        </Button>
      </div>
    </section>
  )
}
