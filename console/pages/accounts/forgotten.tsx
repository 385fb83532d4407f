import { Link, useLocation } from '@tanstack/react-router'
import { useState } from 'react'
import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { paths } from '../../paths.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { PageTitle } from '../../ui/page-title.tsx'

/** Asks for a link by which to choose a new password. It says the same whether or not the address has an account. */
export function ForgottenPage() {
  const say = useSay()
  // What was typed at sign-in. It travels in the memory of the tab, not in a URL that logs would keep.
  const { typed = '' } = useLocation().state as { typed?: string }
  const [sentTo, setSentTo] = useState<string>()
  const form = useForm({
    values: { address: typed },
    submit: (body) => foundation.askReset({ body }),
    done: (_, { address }) => setSentTo(address),
  })
  if (sentTo !== undefined) {
    return (
      <>
        <PageTitle key="sent" title={say('forgotten.sent')}>
          {say('forgotten.sentText', { address: sentTo })}
        </PageTitle>
        <Notice
          title={say('checkMail.nothing')}
          actions={<Button onClick={() => setSentTo(undefined)}>{say('forgotten.again')}</Button>}
        >
          <p>{say('forgotten.nothingText')}</p>
        </Notice>
      </>
    )
  }
  return (
    <>
      <PageTitle title={say('forgotten.title')}>{say('forgotten.text')}</PageTitle>
      <Form
        form={form}
        actions={
          <Button look="primary" type="submit" busy={form.busy}>
            {say('forgotten.act')}
          </Button>
        }
      >
        <TextField
          {...form.field('address')}
          label={say('word.address')}
          type="email"
          autoComplete="username"
          required
        />
      </Form>
      <p className="entrance-other">
        <Link to={paths.signIn}>{say('signIn.act')}</Link>
      </p>
    </>
  )
}
