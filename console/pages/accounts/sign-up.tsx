import { Link, useNavigate } from '@tanstack/react-router'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { PageTitle } from '../../ui/page-title.tsx'

export function SignUpPage() {
  const say = useSay()
  const navigate = useNavigate()
  const form = useForm({
    values: { name: '', address: '', password: '' },
    submit: (body, idempotencyKey) => foundation.signUp({ body, idempotencyKey }),
    // The address travels in the memory of the tab, not in a URL that logs would keep.
    done: (_, { address }) => navigate({ to: paths.checkMail, state: { sentTo: address } as object }),
  })
  return (
    <>
      <PageTitle title={say('signUp.title')} />
      <Form
        form={form}
        actions={
          <Button look="primary" type="submit" busy={form.busy}>
            {say('signUp.act')}
          </Button>
        }
      >
        <TextField {...form.field('name')} label={say('signUp.name')} autoComplete="name" maxLength={200} required />
        <TextField
          {...form.field('address')}
          label={say('signUp.address')}
          type="email"
          autoComplete="username"
          required
        />
        <TextField
          {...form.field('password')}
          label={say('signUp.password')}
          hint={say('signUp.passwordHint')}
          type="password"
          autoComplete="new-password"
          required
        />
      </Form>
      <p className="entrance-other">
        {say('signUp.already')} <Link to={paths.signIn}>{say('signIn.act')}</Link>
      </p>
    </>
  )
}
