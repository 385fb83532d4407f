import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useFragmentToken } from '../../fragment-token.ts'
import { Button } from '../../ui/button.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { PageTitle } from '../../ui/page-title.tsx'
import { LinkOver, type WayOn } from './link-over.tsx'

/**
 * Where a link in a mail leads that does one thing. It waits for a click: programs that open links in mails ahead of their
 * reader must not do it for whoever asked. `send` gets the token from behind the #; `done` draws what came of it.
 */
export function LinkPage<Result>(props: LinkPageProps<Result>) {
  const token = useFragmentToken()
  // A second link in the same tab is another page: nothing of the first one stays.
  return <OneLink key={token} token={token} {...props} />
}

interface LinkPageProps<Result> {
  readonly title: string
  readonly text: string
  readonly act: string
  readonly note?: string
  /** Where one gets another link, when this one leads nowhere. */
  readonly another: WayOn
  readonly send: (token: string) => Promise<Result>
  readonly done: (result: Result) => ReactNode
}

function OneLink<Result>(props: LinkPageProps<Result> & { readonly token: string | undefined }) {
  const { title, text, act, note, another, send, done, token } = props
  const answers = useQueryClient()
  const [result, setResult] = useState<{ readonly of: Result }>()
  const form = useForm({
    values: {},
    submit: () => send(token ?? ''),
    done: async (came: Result) => {
      setResult({ of: came })
      await answers.invalidateQueries()
    },
  })
  if (result) return done(result.of)
  if (!token || form.problem?.status === 410) return <LinkOver problem={form.problem} ways={[another]} />
  return (
    <>
      <PageTitle title={title}>{text}</PageTitle>
      <Form
        form={form}
        actions={
          <Button look="primary" type="submit" busy={form.busy}>
            {act}
          </Button>
        }
      >
        {note && <p className="quiet-text">{note}</p>}
      </Form>
    </>
  )
}
