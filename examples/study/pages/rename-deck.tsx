import { Button, Form, Notice, type Problem, TextField, useForm, useWrite } from 'holdfast/console'
import { useRef } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'

export type Deck = Awaited<ReturnType<typeof client.listCards>>['deck']

export function RenameDeck({ deck, onClose }: { readonly deck: Deck; readonly onClose: () => void }) {
  const rename = useWrite(client.renameDeck)
  const version = useRef(deck.version)
  const form = useForm({
    values: { name: deck.name },
    submit: ({ name }) => rename.send({ params: { deck: deck.id }, body: { name, version: version.current } }),
    done: onClose,
  })
  const keepMine = (current: Deck) => {
    version.current = current.version
    void form.submit()
  }
  const explain = ({ code, extra }: Problem) => {
    if (code !== 'study/changed-meanwhile') return undefined
    const current = extra.current as Deck
    const keep = <Button onClick={() => keepMine(current)}>{say('deck.keepMine')}</Button>
    return (
      <Notice kind="care" title={say('deck.changed')} actions={keep}>
        <p>{say('deck.changedText', { name: current.name })}</p>
      </Notice>
    )
  }
  return (
    <Form
      form={form}
      explain={explain}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {say('deck.save')}
          </Button>
          <Button onClick={onClose}>{say('word.cancel')}</Button>
        </>
      }
    >
      <TextField {...form.field('name')} label={say('decks.name')} autoComplete="off" required />
    </Form>
  )
}
