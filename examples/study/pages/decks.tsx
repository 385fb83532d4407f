import {
  Button,
  type Column,
  Dialog,
  EmptyState,
  Form,
  Loaded,
  LoadMore,
  PageLink,
  PageTitle,
  Table,
  TextField,
  useForm,
  useGo,
  useReadMore,
  useWrite,
} from 'holdfast/console'
import { useState } from 'react'
import { client, dayEnds } from '../client.ts'
import { say } from '../messages.ts'

type Deck = Awaited<ReturnType<typeof client.listDecks>>['decks'][number]

export function DecksPage() {
  const [adding, setAdding] = useState(false)
  const decks = useReadMore(
    client.listDecks,
    (after) => ({ query: { dayEnds: dayEnds(), ...(after ? { after } : {}) } }),
    (answer) => answer.next,
  )
  const add = (
    <Button look="primary" onClick={() => setAdding(true)}>
      {say('decks.new')}
    </Button>
  )
  return (
    <section>
      <PageTitle title={say('decks.title')} actions={add} />
      <Loaded of={decks} page>
        {(pages) => {
          const rows = pages.flatMap((page) => page.decks)
          if (rows.length === 0)
            return (
              <EmptyState title={say('decks.none')} action={add}>
                {say('decks.noneText')}
              </EmptyState>
            )
          return (
            <>
              <Table
                caption={say('decks.title')}
                columns={columns}
                rows={rows}
                rowKey={({ id }) => id}
                busy={decks.isFetching}
              />
              {decks.hasNextPage && (
                <LoadMore more={() => void decks.fetchNextPage()} busy={decks.isFetchingNextPage} />
              )}
            </>
          )
        }}
      </Loaded>
      <Dialog open={adding} title={say('decks.new')} onClose={() => setAdding(false)}>
        <NewDeck onClose={() => setAdding(false)} />
      </Dialog>
    </section>
  )
}

const columns: Column<Deck>[] = [
  {
    key: 'name',
    title: say('decks.name'),
    kind: 'main',
    cell: ({ id, name }) => (
      <PageLink to="/decks/$deck" params={{ deck: id }}>
        {name}
      </PageLink>
    ),
  },
  { key: 'cards', title: say('decks.cards'), kind: 'figures', cell: ({ cards }) => cards },
  { key: 'due', title: say('decks.due'), kind: 'figures', cell: ({ due }) => due },
  {
    key: 'actions',
    title: say('decks.actions'),
    kind: 'actions',
    cell: ({ id, name, due }) =>
      due > 0 && (
        <PageLink to="/today" search={{ deck: id }}>
          {say('decks.learn')}
          <span className="hidden-text">: {name}</span>
        </PageLink>
      ),
  },
]

function NewDeck({ onClose }: { readonly onClose: () => void }) {
  const go = useGo()
  const create = useWrite(client.createDeck)
  const form = useForm({
    values: { name: '' },
    submit: (body, idempotencyKey) => create.send({ body, idempotencyKey }),
    done: ({ id }) => {
      onClose()
      return go({ to: '/decks/$deck', params: { deck: id } })
    },
  })
  return (
    <Form
      form={form}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {say('decks.create')}
          </Button>
          <Button onClick={onClose}>{say('word.cancel')}</Button>
        </>
      }
    >
      <TextField
        {...form.field('name')}
        label={say('decks.name')}
        hint={say('decks.nameHint')}
        autoComplete="off"
        required
      />
    </Form>
  )
}
