import { useQueryClient } from '@tanstack/react-query'
import { Link, useLocation, useNavigate } from '@tanstack/react-router'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { paths, readReturnPath } from '../../paths.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { PageTitle } from '../../ui/page-title.tsx'

export function SignInPage() {
  const say = useSay()
  const navigate = useNavigate()
  const answers = useQueryClient()
  const back = readReturnPath(useLocation().hash)
  const form = useForm({
    values: { address: '', password: '' },
    submit: (body) => foundation.signIn({ body }),
    done: ({ verified }) => {
      answers.clear()
      return navigate({ href: verified ? back : paths.home })
    },
  })
  return (
    <>
      <PageTitle title={say('signIn.title')}>{back !== paths.home && say('signIn.returning')}</PageTitle>
      <Form
        form={form}
        explain={({ status }) =>
          status === 401 ? (
            <Notice kind="broken" title={say('signIn.wrong')}>
              <p>{say('signIn.wrongText')}</p>
            </Notice>
          ) : undefined
        }
        actions={
          <>
            <Button look="primary" type="submit" busy={form.busy}>
              {say('signIn.act')}
            </Button>
            <Link to={paths.forgotten}>{say('forgotten.link')}</Link>
          </>
        }
      >
        <TextField
          {...form.field('address')}
          label={say('signIn.address')}
          type="email"
          autoComplete="username"
          required
        />
        <TextField
          {...form.field('password')}
          label={say('signIn.password')}
          type="password"
          autoComplete="current-password"
          required
        />
      </Form>
      <p className="entrance-other">
        {say('signIn.new')} <Link to={paths.signUp}>{say('signUp.act')}</Link>
      </p>
    </>
  )
}
