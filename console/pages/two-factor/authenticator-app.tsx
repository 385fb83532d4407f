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
import { RelativeTime } from '../../ui/relative-time.tsx'
import { useToast } from '../../ui/toast.tsx'
import { QrCode } from './qr-code.tsx'
import type { Factor } from './security.tsx'

type Begun = Awaited<ReturnType<typeof foundation.beginTotp>>

/** The authenticator app: set up, replaced, removed. */
export function AuthenticatorApp(props: {
  readonly factor: Factor | undefined
  readonly shown: (codes: readonly string[]) => void
}) {
  const { factor, shown } = props
  const say = useSay()
  const toast = useToast()
  const confirm = useConfirm()
  const report = useReport()
  const begin = useWrite(foundation.beginTotp)
  const remove = useWrite(foundation.removeTotp)
  const [begun, setBegun] = useState<Begun>()
  const drop = async () => {
    const question = { title: say('app.removeTitle'), text: say('factors.removeText'), act: say('app.remove') }
    if (!(await confirm(question))) return
    await report(remove.send(), () => toast(say('app.removed')))
  }
  return (
    <section aria-labelledby="factors-app">
      <h2 id="factors-app">{say('app.title')}</h2>
      <p className="quiet-text">{say('app.text')}</p>
      {factor && (
        <p>
          {say('factors.since')} <RelativeTime at={factor.enrolledAt} />
          {factor.usedAt && (
            <>
              {'; '}
              {say('factors.used')} <RelativeTime at={factor.usedAt} />
            </>
          )}
          .
        </p>
      )}
      <div className="form-actions">
        <Button
          look={factor ? 'plain' : 'primary'}
          busy={begin.busy}
          onClick={() => report(begin.send({ body: {} }), setBegun)}
        >
          {say(factor ? 'app.replace' : 'app.add')}
        </Button>
        {factor && (
          <Button look="quiet" busy={remove.busy} onClick={drop}>
            {say('app.remove')}
          </Button>
        )}
      </div>
      <Dialog open={begun !== undefined} title={say('app.addTitle')} onClose={() => setBegun(undefined)}>
        {begun && (
          <Enrolment
            begun={begun}
            done={(codes) => {
              setBegun(undefined)
              toast(say('app.added'))
              shown(codes)
            }}
          />
        )}
      </Dialog>
    </section>
  )
}

function Enrolment({ begun, done }: { readonly begun: Begun; readonly done: (codes: readonly string[]) => void }) {
  const say = useSay()
  const readAnew = useReadAnew()
  const form = useForm({
    values: { code: '' },
    submit: ({ code }) => foundation.confirmTotp({ body: { enrolment: begun.enrolment, code } }),
    done: async ({ recoveryCodes }) => {
      await readAnew()
      done(recoveryCodes)
    },
  })
  return (
    <Form
      form={form}
      actions={
        <Button look="primary" type="submit" busy={form.busy}>
          {say('app.confirm')}
        </Button>
      }
    >
      <div className="enrolment">
        <QrCode rows={begun.qr} label={say('app.qr')} />
        <div className="factor-parts">
          <p>{say('app.scan')}</p>
          <p className="quiet-text">{say('app.key')}</p>
          <code className="totp-key">{begun.key.match(/.{1,4}/g)?.join(' ')}</code>
          <p className="quiet-text">
            <a href={begun.link}>{say('app.open')}</a>
          </p>
        </div>
      </div>
      <TextField
        {...form.field('code')}
        label={say('secondStep.code')}
        hint={say('app.codeHint')}
        inputMode="numeric"
        autoComplete="one-time-code"
        spellCheck={false}
        maxLength={20}
        required
      />
    </Form>
  )
}
