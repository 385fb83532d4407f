import { useState } from 'react'
import { useSay } from '../../messages.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'

/** A key, this once: open while there is one. Whoever closes it too soon replaces the key. */
export function KeyShownDialog({ text, onClose }: { readonly text: string | undefined; readonly onClose: () => void }) {
  const say = useSay()
  return (
    <Dialog open={text !== undefined} title={say('keys.shownTitle')} onClose={onClose}>
      {text !== undefined && <KeyShown text={text} onClose={onClose} />}
    </Dialog>
  )
}

function KeyShown({ text, onClose }: { readonly text: string; readonly onClose: () => void }) {
  const say = useSay()
  const [copied, setCopied] = useState<boolean>()
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      // Some browsers let nobody write there: the key can be marked and copied by hand.
      () => setCopied(false),
    )
  return (
    <div className="key-shown">
      <p>
        <strong>{say('keys.shownOnce')}</strong> {say('keys.shownText')}
      </p>
      {/* Not on the button that closes: a second Enter would throw away what is shown once. */}
      <section className="key-text" tabIndex={-1} data-begin aria-label={say('keys.shownLabel')}>
        <code>{text}</code>
      </section>
      <p className="quiet-text" role="status">
        {copied === true && say('keys.copied')}
        {copied === false && say('keys.notCopied')}
      </p>
      <div className="dialog-actions">
        <Button onClick={copy}>{say('keys.copy')}</Button>
        <Button look="primary" onClick={onClose}>
          {say('keys.kept')}
        </Button>
      </div>
    </div>
  )
}
