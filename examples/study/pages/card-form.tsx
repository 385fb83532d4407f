import { Button, Form, type FormState, Notice, type Problem, TextArea, useForm, useWrite } from 'holdfast/console'
import { type ReactNode, useRef, useState } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'

export type Card = Awaited<ReturnType<typeof client.listCards>>['cards'][number]
type Sides = { readonly front: string; readonly back: string }

export function NewCard({ deck, onClose }: { readonly deck: string; readonly onClose: () => void }) {
  const [added, setAdded] = useState(0)
  const create = useWrite(client.createCard)
  const front = useRef<HTMLTextAreaElement>(null)
  const form = useForm({
    values: { front: '', back: '' },
    submit: (body, idempotencyKey) => create.send({ params: { deck }, body, idempotencyKey }),
    done: () => {
      setAdded((before) => before + 1)
      form.reset()
      front.current?.focus()
    },
  })
  return (
    <CardForm form={form} act={say('card.create')} close={say('word.close')} onClose={onClose} front={front}>
      <p className="quiet-text" role="status">
        {added === 0 ? say('card.addHint') : say('card.added', { count: added })}
      </p>
    </CardForm>
  )
}

export function EditCard({ card, onClose }: { readonly card: Card; readonly onClose: () => void }) {
  const edit = useWrite(client.editCard)
  const version = useRef(card.version)
  const form = useForm({
    values: { front: card.front, back: card.back },
    submit: (sides) => edit.send({ params: { card: card.id }, body: { ...sides, version: version.current } }),
    done: onClose,
  })
  const takeTheirs = (current: Card) => {
    version.current = current.version
    form.reset({ front: current.front, back: current.back })
  }
  const keepMine = (current: Card) => {
    version.current = current.version
    void form.submit()
  }
  const explain = ({ code, extra }: Problem) =>
    code === 'study/changed-meanwhile' ? (
      <Changed current={extra.current as Card} onTheirs={takeTheirs} onMine={keepMine} />
    ) : undefined
  return <CardForm form={form} act={say('card.save')} close={say('word.cancel')} onClose={onClose} explain={explain} />
}

/** Both versions are in sight, and neither is lost: theirs in the notice, mine in the form. */
function Changed(props: {
  readonly current: Card
  readonly onTheirs: (current: Card) => void
  readonly onMine: (current: Card) => void
}) {
  const { current, onTheirs, onMine } = props
  const actions = (
    <>
      <Button size="small" onClick={() => onTheirs(current)}>
        {say('card.takeTheirs')}
      </Button>
      <Button size="small" onClick={() => onMine(current)}>
        {say('card.keepMine')}
      </Button>
    </>
  )
  return (
    <Notice kind="care" title={say('card.changed')} actions={actions}>
      <dl className="sides">
        <dt>{say('card.front')}</dt>
        <dd className="side">{current.front}</dd>
        <dt>{say('card.back')}</dt>
        <dd className="side">{current.back}</dd>
      </dl>
    </Notice>
  )
}

function CardForm(props: {
  readonly form: FormState<Sides>
  readonly act: string
  readonly close: string
  readonly onClose: () => void
  readonly explain?: (problem: Problem) => ReactNode | undefined
  readonly front?: { current: HTMLTextAreaElement | null }
  readonly children?: ReactNode
}) {
  const { form, act, close, onClose, explain, front, children } = props
  return (
    <Form
      form={form}
      {...(explain ? { explain } : {})}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {act}
          </Button>
          <Button onClick={onClose}>{close}</Button>
        </>
      }
    >
      {children}
      <TextArea
        {...form.field('front')}
        {...(front ? { ref: front } : {})}
        label={say('card.front')}
        rows={2}
        required
      />
      <TextArea {...form.field('back')} label={say('card.back')} rows={3} required />
    </Form>
  )
}
