import { startAuthentication } from '@simplewebauthn/browser'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useLocation, useNavigate } from '@tanstack/react-router'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { paths, readReturnPath, secondStepAddress } from '../../paths.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { ProblemNotice } from '../../ui/problem-notice.tsx'
import { passkeyOptions } from '../two-factor/passkey-options.ts'
import { canUsePasskeys } from '../two-factor/passkeys.tsx'
import { type RequestOptions, shownPasskey, usePasskey } from '../two-factor/show-factor.tsx'

export function SignInPage() {
  const say = useSay()
  const navigate = useNavigate()
  const answers = useQueryClient()
  const back = readReturnPath(useLocation().hash)
  const form = useForm({
    values: { address: '', password: '' },
    submit: (body) => foundation.signIn({ body }),
    done: ({ verified, secondStep }) => {
      answers.clear()
      if (secondStep !== null) return navigate({ href: secondStepAddress(back) })
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
            <Link to={paths.forgotten} state={{ typed: form.values.address } as object}>
              {say('forgotten.link')}
            </Link>
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
      <SignInByPasskey
        done={() => {
          answers.clear()
          return navigate({ href: back })
        }}
      />
      <p className="entrance-other">
        {say('signIn.new')} <Link to={paths.signUp}>{say('signUp.act')}</Link>
      </p>
    </>
  )
}

/** Without address and password: the authenticator knows whose it is, and has verified its user. */
function SignInByPasskey({ done }: { readonly done: () => unknown }) {
  const say = useSay()
  const { busy, problem, gaveUp, act } = usePasskey(async () => {
    const optionsJSON = passkeyOptions<RequestOptions>(await foundation.signInPasskeyOptions({ body: {} }))
    await foundation.signInByPasskey({ body: shownPasskey(await startAuthentication({ optionsJSON })) })
    await done()
  })
  if (!canUsePasskeys()) return null
  return (
    <div className="sign-in-passkey">
      {problem && <ProblemNotice problem={problem} />}
      {gaveUp && <Notice kind="care" title={say('passkey.gaveUp')} />}
      <Button busy={busy} onClick={act}>
        {say('signIn.passkey')}
      </Button>
    </div>
  )
}
