import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { foundation } from '../../foundation.ts'
import { useFragmentToken } from '../../fragment-token.ts'
import { useSay } from '../../messages.ts'
import { pageAddress, paths, signInAddress } from '../../paths.ts'
import { useFirstPage, useMe } from '../../person.ts'
import { Button } from '../../ui/button.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Where the link in an invitation leads: accept it, after signing in with the address that was invited. */
export function InvitationPage() {
  const say = useSay()
  const token = useFragmentToken()
  const me = useMe()
  if (!token) return <PageTitle title={say('verify.noToken')}>{say('verify.noTokenText')}</PageTitle>
  if (me.isPending) return <Skeleton />
  if (!me.data) return <SignInFirst token={token} />
  return <Accept token={token} />
}

function SignInFirst({ token }: { readonly token: string }) {
  const say = useSay()
  return (
    <>
      <PageTitle title={say('invitation.title')}>{say('invitation.signInFirst')}</PageTitle>
      <div className="form-actions">
        <a className="button primary usual" href={signInAddress(`${paths.invitation}#${token}`)}>
          {say('signIn.act')}
        </a>
        <Link className="button plain usual" to={paths.signUp}>
          {say('signUp.act')}
        </Link>
      </div>
    </>
  )
}

function Accept({ token }: { readonly token: string }) {
  const say = useSay()
  const toast = useToast()
  const navigate = useNavigate()
  const answers = useQueryClient()
  const firstPage = useFirstPage()
  const form = useForm({
    values: {},
    submit: (_, idempotencyKey) => foundation.acceptInvitation({ body: { token }, idempotencyKey }),
    done: async ({ organisation }) => {
      await answers.invalidateQueries()
      toast(say('invitation.done'))
      await navigate({ to: pageAddress('organisations', organisation, firstPage) })
    },
  })
  return (
    <>
      <PageTitle title={say('invitation.title')}>{say('invitation.text')}</PageTitle>
      <Form
        form={form}
        actions={
          <Button look="primary" type="submit" busy={form.busy}>
            {say('invitation.act')}
          </Button>
        }
      >
        {null}
      </Form>
    </>
  )
}
