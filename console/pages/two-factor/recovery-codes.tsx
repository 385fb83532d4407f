import { useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Notice } from '../../ui/notice.tsx'

/** How many are left, and ten new ones. */
export function RecoveryCodes(props: { readonly left: number; readonly shown: (codes: readonly string[]) => void }) {
  const { left, shown } = props
  const say = useSay()
  const confirm = useConfirm()
  const report = useReport()
  const renew = useWrite(foundation.renewRecoveryCodes)
  const act = async () => {
    const question = { title: say('codes.renewTitle'), text: say('codes.renewText'), act: say('codes.renew') }
    if (left > 0 && !(await confirm(question))) return
    await report(renew.send({ body: {} }), ({ recoveryCodes }) => shown(recoveryCodes))
  }
  return (
    <section aria-labelledby="factors-codes">
      <h2 id="factors-codes">{say('codes.title')}</h2>
      {left < 4 ? (
        <Notice kind="care" title={say('codes.left', { count: left })}>
          <p>{say('codes.fewText')}</p>
        </Notice>
      ) : (
        <p className="quiet-text">
          {say('codes.left', { count: left })} {say('codes.text')}
        </p>
      )}
      <div className="form-actions">
        <Button busy={renew.busy} onClick={act}>
          {say('codes.renew')}
        </Button>
      </div>
    </section>
  )
}

/** The ten, this once. Whoever closes it too soon makes new ones. */
export function CodesDialog({ codes, onClose }: { readonly codes: readonly string[]; readonly onClose: () => void }) {
  const say = useSay()
  const [copied, setCopied] = useState<boolean>()
  const copy = () =>
    navigator.clipboard.writeText(codes.join('\n')).then(
      () => setCopied(true),
      // Some browsers let nobody write there: the codes can be marked and copied by hand.
      () => setCopied(false),
    )
  return (
    <Dialog open={codes.length > 0} title={say('codes.newTitle')} onClose={onClose}>
      <div className="factor-parts">
        <p>{say('codes.newText')}</p>
        {/* Not on the button that closes: a second Enter would throw away what is shown once. */}
        <ul className="codes figures" tabIndex={-1} data-begin aria-label={say('codes.title')}>
          {codes.map((code) => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </ul>
        <p className="quiet-text" role="status">
          {copied === false && say('codes.notCopied')}
        </p>
        <div className="dialog-actions">
          <Button onClick={copy}>{copied ? say('codes.copied') : say('codes.copy')}</Button>
          <Button look="primary" onClick={onClose}>
            {say('codes.kept')}
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
