import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useRead, useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { Notice } from '../../ui/notice.tsx'
import { ProblemNotice } from '../../ui/problem-notice.tsx'
import { useToast } from '../../ui/toast.tsx'

/** For whoever cannot show a factor any more: explains the slow way, and sends the link that begins it. */
export function LostFactors() {
  const say = useSay()
  const confirm = useConfirm()
  const toast = useToast()
  const asking = useWrite(foundation.askRecovery)
  const ask = async () => {
    const question = { title: say('recovery.lostTitle'), text: say('recovery.lostText'), act: say('recovery.ask') }
    if (!(await confirm(question))) return
    await asking.send({ body: {} }).then(
      () => toast(say('recovery.asked')),
      () => {},
    )
  }
  return (
    <>
      <RecoveryNotice />
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
  const day = new Date(dueAt).toLocaleDateString(undefined, { dateStyle: 'long' })
  return (
    <Notice kind="care" title={say('recovery.waits')}>
      <p>{say('recovery.waitsText', { day })}</p>
    </Notice>
  )
}
