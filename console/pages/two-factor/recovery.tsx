import { useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useRead, useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { Notice } from '../../ui/notice.tsx'
import { ProblemNotice } from '../../ui/problem-notice.tsx'
import { formatDay } from '../../ui/relative-time.tsx'

/** For whoever cannot show a factor any more: explains the slow way, and sends the link that begins it. */
export function LostFactors() {
  const say = useSay()
  const confirm = useConfirm()
  const [asked, setAsked] = useState(false)
  const asking = useWrite(foundation.askRecovery)
  const ask = async () => {
    const question = { title: say('recovery.lostTitle'), text: say('recovery.lostText'), act: say('recovery.ask') }
    if (!(await confirm(question))) return
    await asking.send({ body: {} }).then(
      () => setAsked(true),
      () => {},
    )
  }
  return (
    <>
      <RecoveryNotice />
      {asked && (
        <Notice kind="done" title={say('recovery.askedTitle')}>
          <p>{say('recovery.asked')}</p>
        </Notice>
      )}
      {asking.problem && <ProblemNotice problem={asking.problem} />}
      <Button look="quiet" size="small" busy={asking.busy} onClick={ask}>
        {say('recovery.lost')}
      </Button>
    </>
  )
}

/** Says in every session that the factors are about to be removed. */
export function RecoveryNotice() {
  const say = useSay()
  const dueAt = useRead(foundation.recovery).data?.dueAt
  if (!dueAt) return null
  const day = formatDay(dueAt)
  return (
    <Notice kind="care" title={say('recovery.waits')}>
      <p>{say('recovery.waitsText', { day })}</p>
    </Notice>
  )
}
