import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useFragmentToken } from '../../fragment-token.ts'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { Done } from './done.tsx'
import { LinkOver } from './link-over.tsx'

/**
 * Where the link of a sign-up leads. It waits for a click: programs that open links in mails ahead of their reader must not
 * confirm somebody's address. In another browser than the one that signed up it asks for the password that was chosen there.
 */
export function VerifyPage() {
  const token = useFragmentToken()
  return <SignUpLink key={token} token={token} />
}

function SignUpLink({ token }: { readonly token: string | undefined }) {
  const say = useSay()
  const answers = useQueryClient()
  const [done, setDone] = useState(false)
  const [elsewhere, setElsewhere] = useState(false)
  const form = useForm({
    values: { password: '' },
    submit: async ({ password }) => {
      try {
        return await foundation.verify({ body: { token: token ?? '', ...(password === '' ? {} : { password }) } })
      } catch (problem) {
        if ((problem as { code?: unknown }).code === 'accounts/other-browser') setElsewhere(true)
        throw problem
      }
    },
    done: async () => {
      setDone(true)
      await answers.invalidateQueries()
    },
  })
  if (done) {
    return (
      <Done title={say('verify.done')} text={say('verify.doneText')} to={paths.home} next={say('verify.continue')} />
    )
  }
  if (!token || form.problem?.status === 410) {
    const ways = [
      { to: paths.signIn, title: say('signIn.act') },
      { to: paths.signUp, title: say('checkMail.signUp') },
    ]
    return <LinkOver problem={form.problem} text={say('linkOver.verify')} ways={ways} />
  }
  return (
    <>
      <PageTitle title={say('verify.title')}>{say('verify.text')}</PageTitle>
      <Form
        form={form}
        explain={({ code }) =>
          code === 'accounts/other-browser' ? (
            <Notice kind="care" title={say('verify.otherBrowser')}>
              <p>{say('verify.otherBrowserText')}</p>
            </Notice>
          ) : undefined
        }
        actions={
          <Button look="primary" type="submit" busy={form.busy}>
            {say('verify.act')}
          </Button>
        }
      >
        {elsewhere && (
          <TextField
            {...form.field('password')}
            label={say('signUp.password')}
            type="password"
            autoComplete="current-password"
            required
          />
        )}
        <p className="quiet-text">{say(elsewhere ? 'verify.otherBrowserCare' : 'verify.notMine')}</p>
      </Form>
    </>
  )
}
