import { type ReactNode, useEffect, useRef, useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useMe } from '../../person.ts'
import { Problem } from '../../problem.ts'
import { answerShowAgain } from '../../show-again.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { ProblemNotice } from '../../ui/problem-notice.tsx'
import { type SecondStep, ShowFactor } from './show-factor.tsx'

/** Asks who one is, when the server wants to know it again. What was asked for is then done, without another click. */
export function ShowAgainRegion({ children }: { readonly children: ReactNode }) {
  const say = useSay()
  const [step, setStep] = useState<SecondStep | Problem>()
  const answer = useRef<(shown: boolean) => void>(undefined)
  useEffect(
    () =>
      answerShowAgain(async () => {
        const found = await foundation.secondStep({}).catch((error: unknown) => {
          if (error instanceof Problem) return error
          throw error
        })
        setStep(found)
        return new Promise<boolean>((resolve) => {
          answer.current = resolve
        })
      }),
    [],
  )
  const close = (shown: boolean) => {
    answer.current?.(shown)
    answer.current = undefined
    setStep(undefined)
  }
  return (
    <>
      {children}
      <Dialog open={step !== undefined} title={say('showAgain.title')} onClose={() => close(false)}>
        <div className="factor-parts">
          <p className="quiet-text">{say('showAgain.text')}</p>
          {step instanceof Problem ? (
            <ProblemNotice problem={step} />
          ) : step && (step.totp || step.passkey) ? (
            <ShowFactor step={step} done={() => close(true)} />
          ) : (
            <Password done={() => close(true)} />
          )}
        </div>
      </Dialog>
    </>
  )
}

function Password({ done }: { readonly done: () => unknown }) {
  const say = useSay()
  const address = useMe().data?.person.address ?? ''
  const form = useForm({
    values: { password: '' },
    submit: (body) => foundation.showPassword({ body }),
    done,
  })
  return (
    <Form
      form={form}
      actions={
        <Button look="primary" type="submit" busy={form.busy}>
          {say('showAgain.act')}
        </Button>
      }
    >
      {/* For password managers: whose password this is. */}
      <input type="text" name="username" autoComplete="username" value={address} readOnly hidden />
      <TextField
        {...form.field('password')}
        label={say('signIn.password')}
        type="password"
        autoComplete="current-password"
        required
      />
    </Form>
  )
}
