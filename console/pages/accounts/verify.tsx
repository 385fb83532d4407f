import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useFragmentToken } from '../../fragment-token.ts'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { Button } from '../../ui/button.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { PageTitle } from '../../ui/page-title.tsx'

/**
 * Where the link in the mail leads. It waits for a click: programs that open links in mails ahead of their reader must
 * not confirm somebody's address for whoever typed it in.
 */
export function VerifyPage() {
  const say = useSay()
  const token = useFragmentToken()
  const answers = useQueryClient()
  const [done, setDone] = useState(false)
  const form = useForm({
    values: {},
    submit: () => foundation.verify({ body: { token: token ?? '' } }),
    done: async () => {
      setDone(true)
      await answers.invalidateQueries()
    },
  })
  if (done) return <Verified />
  if (!token) return <PageTitle title={say('verify.noToken')}>{say('verify.noTokenText')}</PageTitle>
  return (
    <>
      <PageTitle title={say('verify.title')}>{say('verify.text')}</PageTitle>
      <Form
        form={form}
        actions={
          <Button look="primary" type="submit" busy={form.busy}>
            {say('verify.act')}
          </Button>
        }
      >
        <p className="quiet-text">{say('verify.notMine')}</p>
      </Form>
    </>
  )
}

function Verified() {
  const say = useSay()
  return (
    <>
      <PageTitle key="done" title={say('verify.done')}>
        {say('verify.doneText')}
      </PageTitle>
      <div className="form-actions">
        <Link to={paths.home} className="button primary usual">
          {say('verify.continue')}
        </Link>
      </div>
    </>
  )
}
