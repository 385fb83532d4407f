import { startRegistration } from '@simplewebauthn/browser'
import { useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useReadAnew, useWrite } from '../../queries.ts'
import { useReport } from '../../report.ts'
import { Button } from '../../ui/button.tsx'
import { useConfirm } from '../../ui/confirm.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { RelativeTime } from '../../ui/relative-time.tsx'
import { useToast } from '../../ui/toast.tsx'
import { passkeyOptions } from './passkey-options.ts'
import type { Factor } from './security.tsx'

/** One's passkeys: their names, when they were used, and another one. */
export function Passkeys(props: {
  readonly passkeys: readonly Factor[]
  readonly shown: (codes: readonly string[]) => void
}) {
  const { passkeys, shown } = props
  const say = useSay()
  const toast = useToast()
  const [adding, setAdding] = useState(false)
  return (
    <section aria-labelledby="factors-passkeys">
      <h2 id="factors-passkeys">{say('passkeys.title')}</h2>
      <p className="quiet-text">{say('passkeys.text')}</p>
      {passkeys.length > 0 && (
        <ul className="passkeys">
          {passkeys.map((passkey) => (
            <Passkey key={passkey.id} passkey={passkey} />
          ))}
        </ul>
      )}
      <div className="form-actions">
        <Button disabledReason={!canUsePasskeys() && say('passkeys.cannot')} onClick={() => setAdding(true)}>
          {say('passkeys.add')}
        </Button>
      </div>
      <Dialog open={adding} title={say('passkeys.add')} onClose={() => setAdding(false)}>
        <NewPasskey
          done={(codes) => {
            setAdding(false)
            toast(say('passkeys.added'))
            shown(codes)
          }}
        />
      </Dialog>
    </section>
  )
}

function Passkey({ passkey }: { readonly passkey: Factor }) {
  const say = useSay()
  const toast = useToast()
  const confirm = useConfirm()
  const report = useReport()
  const remove = useWrite(foundation.removePasskey)
  const { name, id, enrolledAt, usedAt, backedUp } = passkey
  const drop = async () => {
    const title = say('passkeys.removeTitle', { name: name! })
    if (!(await confirm({ title, text: say('factors.removeText'), act: say('passkeys.remove') }))) return
    await report(remove.send({ params: { passkey: id! } }), () => toast(say('passkeys.removed', { name: name! })))
  }
  return (
    <li>
      <div>
        <strong>{name}</strong>
        <p className="quiet-text">
          {say('factors.since')} <RelativeTime at={enrolledAt} />
          {usedAt && (
            <>
              {'; '}
              {say('factors.used')} <RelativeTime at={usedAt} />
            </>
          )}
          {backedUp && `; ${say('passkeys.backedUp')}`}.
        </p>
      </div>
      <Button
        look="quiet"
        size="small"
        busy={remove.busy}
        aria-label={`${say('passkeys.remove')}: ${name}`}
        onClick={drop}
      >
        {say('passkeys.remove')}
      </Button>
    </li>
  )
}

function NewPasskey({ done }: { readonly done: (codes: readonly string[]) => void }) {
  const say = useSay()
  const readAnew = useReadAnew()
  const [gaveUp, setGaveUp] = useState(false)
  const form = useForm({
    values: { name: '' },
    submit: async ({ name }) => {
      setGaveUp(false)
      const optionsJSON = passkeyOptions<Parameters<typeof startRegistration>[0]['optionsJSON']>(
        await foundation.newPasskeyOptions({ body: {} }),
      )
      const made = await startRegistration({ optionsJSON }).catch(() => undefined)
      if (made === undefined) return undefined
      const { clientDataJSON, attestationObject, transports = [] } = made.response
      return foundation.addPasskey({
        body: { name, id: made.id, clientDataJSON, attestationObject, transports: transports.filter(isKnown) },
      })
    },
    done: async (answer) => {
      if (answer === undefined) return setGaveUp(true)
      await readAnew()
      done(answer.recoveryCodes)
    },
  })
  return (
    <Form
      form={form}
      actions={
        <Button look="primary" type="submit" busy={form.busy}>
          {say('passkeys.make')}
        </Button>
      }
    >
      {gaveUp && <Notice kind="care" title={say('passkey.gaveUp')} />}
      <TextField
        {...form.field('name')}
        label={say('passkeys.name')}
        hint={say('passkeys.nameHint')}
        autoComplete="off"
        maxLength={60}
        required
      />
    </Form>
  )
}

const ways = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const

function isKnown(way: string): way is (typeof ways)[number] {
  return (ways as readonly string[]).includes(way)
}

/** Browsers have passkeys on HTTPS and on this machine alone. */
export function canUsePasskeys(): boolean {
  return typeof PublicKeyCredential === 'function'
}
