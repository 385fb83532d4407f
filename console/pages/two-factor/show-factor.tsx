import { startAuthentication } from '@simplewebauthn/browser'
import { useEffect, useRef, useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { Problem } from '../../problem.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { ProblemNotice } from '../../ui/problem-notice.tsx'
import { passkeyOptions } from './passkey-options.ts'
import './two-factor.css'

export type SecondStep = Awaited<ReturnType<typeof foundation.secondStep>>
/** For `navigator.credentials.get`. */
export type RequestOptions = Parameters<typeof startAuthentication>[0]['optionsJSON']
type Way = 'totp' | 'passkey' | 'recovery'

/** The second factor, shown: a code, a passkey, or a recovery code, of those that the person has. */
export function ShowFactor({ step, done }: { readonly step: SecondStep; readonly done: () => unknown }) {
  const say = useSay()
  const [way, setWay] = useState<Way>(step.totp ? 'totp' : 'passkey')
  const shown = useRef<HTMLDivElement>(null)
  const first = useRef(way)
  // The button that was pressed is gone: the focus goes on in what it has opened.
  useEffect(() => {
    if (first.current !== way) shown.current?.querySelector<HTMLElement>('input, button')?.focus()
    first.current = way
  }, [way])
  const others = (
    [
      ['totp', step.totp, say('secondStep.useApp')],
      ['passkey', step.passkey, say('secondStep.usePasskey')],
      ['recovery', step.recoveryCode, say('secondStep.useRecovery')],
    ] as const
  ).filter(([other, has]) => has && other !== way)
  return (
    <div ref={shown} className="factor-parts">
      {way === 'totp' && <AppCode done={done} />}
      {way === 'passkey' && <Passkey done={done} />}
      {way === 'recovery' && <RecoveryCode done={done} />}
      {others.length > 0 && (
        <div className="factor-others">
          {others.map(([other, , title]) => (
            <Button key={other} look="quiet" size="small" onClick={() => setWay(other)}>
              {title}
            </Button>
          ))}
        </div>
      )}
    </div>
  )
}

function AppCode({ done }: { readonly done: () => unknown }) {
  const say = useSay()
  const form = useForm({
    values: { code: '' },
    submit: (body) => foundation.showCode({ body }),
    done,
  })
  return (
    <Form
      form={form}
      actions={
        <Button look="primary" type="submit" busy={form.busy}>
          {say('secondStep.act')}
        </Button>
      }
    >
      <TextField
        {...form.field('code')}
        label={say('secondStep.code')}
        hint={say('secondStep.codeHint')}
        inputMode="numeric"
        autoComplete="one-time-code"
        spellCheck={false}
        maxLength={20}
        required
      />
    </Form>
  )
}

function RecoveryCode({ done }: { readonly done: () => unknown }) {
  const say = useSay()
  const form = useForm({
    values: { code: '' },
    submit: (body) => foundation.showRecoveryCode({ body }),
    done,
  })
  return (
    <Form
      form={form}
      actions={
        <Button look="primary" type="submit" busy={form.busy}>
          {say('secondStep.act')}
        </Button>
      }
    >
      <TextField
        {...form.field('code')}
        label={say('secondStep.recovery')}
        hint={say('secondStep.recoveryHint')}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        maxLength={100}
        required
      />
    </Form>
  )
}

function Passkey({ done }: { readonly done: () => unknown }) {
  const say = useSay()
  const { busy, problem, gaveUp, act } = usePasskey(async () => {
    const optionsJSON = passkeyOptions<RequestOptions>(await foundation.showPasskeyOptions({ body: {} }))
    const shown = await startAuthentication({ optionsJSON })
    await foundation.showPasskey({ body: shownPasskey(shown) })
    await done()
  })
  return (
    <div className="factor-parts">
      <p className="quiet-text">{say('secondStep.passkeyText')}</p>
      {problem && <ProblemNotice problem={problem} />}
      {gaveUp && <Notice kind="care" title={say('passkey.gaveUp')} />}
      <div className="form-actions">
        <Button look="primary" busy={busy} onClick={act}>
          {say('secondStep.passkey')}
        </Button>
      </div>
    </div>
  )
}

/** An act by a passkey: what the server refused, and what the person or the browser gave up, are two things. */
export function usePasskey(run: () => Promise<unknown>) {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const [gaveUp, setGaveUp] = useState(false)
  const act = async () => {
    if (busy) return
    setBusy(true)
    setProblem(undefined)
    setGaveUp(false)
    try {
      await run()
    } catch (error) {
      if (error instanceof Problem) setProblem(error)
      else setGaveUp(true)
    } finally {
      setBusy(false)
    }
  }
  return { busy, problem, gaveUp, act }
}

/** What of a browser's answer the server reads. */
export function shownPasskey({ id, response }: Awaited<ReturnType<typeof startAuthentication>>) {
  const { clientDataJSON, authenticatorData, signature, userHandle } = response
  return { id, clientDataJSON, authenticatorData, signature, ...(userHandle ? { userHandle } : {}) }
}
