import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useFragmentToken } from '../../fragment-token.ts'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Done } from './done.tsx'
import { LinkOver } from './link-over.tsx'

/** Where the link of a reset leads. */
export function NewPasswordPage() {
  const token = useFragmentToken()
  return <ResetLink key={token} token={token} />
}

function ResetLink({ token }: { readonly token: string | undefined }) {
  const say = useSay()
  const answers = useQueryClient()
  const [done, setDone] = useState(false)
  const form = useForm({
    values: { password: '' },
    submit: ({ password }) => foundation.finishReset({ body: { token: token ?? '', password } }),
    done: () => {
      // Whoever was signed in here is so no longer.
      answers.clear()
      setDone(true)
    },
  })
  if (done) {
    return (
      <Done
        title={say('newPassword.done')}
        text={say('newPassword.doneText')}
        to={paths.signIn}
        next={say('signIn.act')}
      />
    )
  }
  if (!token || form.problem?.status === 410)
    return <LinkOver problem={form.problem} ways={[{ to: paths.forgotten, title: say('forgotten.title') }]} />
  return (
    <>
      <PageTitle title={say('newPassword.title')}>{say('newPassword.text')}</PageTitle>
      <Form
        form={form}
        actions={
          <Button look="primary" type="submit" busy={form.busy}>
            {say('newPassword.act')}
          </Button>
        }
      >
        <TextField
          {...form.field('password')}
          label={say('newPassword.label')}
          hint={say('signUp.passwordHint')}
          type="password"
          autoComplete="new-password"
          required
        />
      </Form>
    </>
  )
}
