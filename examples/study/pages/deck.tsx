import {
  Button,
  type Column,
  Dialog,
  EmptyState,
  Loaded,
  LoadMore,
  PageLink,
  PageTitle,
  RelativeTime,
  Skeleton,
  Table,
  useConfirm,
  useGo,
  usePageParams,
  useReadMore,
  useReport,
  useToast,
  useWrite,
} from 'holdfast/console'
import { useState } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'
import { type Card, EditCard, NewCard } from './card-form.tsx'
import { type Deck, RenameDeck } from './rename-deck.tsx'
import './study.css'

export function DeckPage() {
  const { deck } = usePageParams<'/decks/$deck'>()
  const [leaving, setLeaving] = useState(false)
  const go = useGo()
  const toast = useToast()
  const report = useReport()
  const remove = useWrite(client.deleteDeck)
  const leave = async ({ id, name }: Deck) => {
    setLeaving(true)
    await report(remove.send({ params: { deck: id } }), () => {
      toast(say('deck.deleted', { name }))
      return go({ to: '/decks' }, { replace: true })
    })
    setLeaving(false)
  }
  // A deck that is being deleted is not read again: else its last moment would be a page that says it is not there.
  return leaving ? <Skeleton /> : <OpenDeck id={deck} onDelete={leave} />
}

function OpenDeck({ id, onDelete }: { readonly id: string; readonly onDelete: (deck: Deck) => unknown }) {
  const cards = useReadMore(
    client.listCards,
    (after) => ({ params: { deck: id }, query: after ? { after } : {} }),
    (answer) => answer.next,
  )
  return (
    <Loaded of={cards} page>
      {(pages) => (
        <section>
          <DeckTitle deck={pages[0]!.deck} onDelete={onDelete} />
          <Cards
            deck={id}
            cards={pages.flatMap((page) => page.cards)}
            busy={cards.isFetching}
            more={cards.hasNextPage ? () => void cards.fetchNextPage() : undefined}
          />
        </section>
      )}
    </Loaded>
  )
}

function DeckTitle({ deck, onDelete }: { readonly deck: Deck; readonly onDelete: (deck: Deck) => unknown }) {
  const confirm = useConfirm()
  const [renaming, setRenaming] = useState(false)
  const askToDelete = async () => {
    const title = say('deck.deleteTitle', { name: deck.name })
    if (await confirm({ title, text: say('deck.deleteText'), act: say('deck.delete') })) onDelete(deck)
  }
  return (
    <PageTitle
      title={deck.name}
      actions={
        <>
          <PageLink look="button" to="/today" search={{ deck: deck.id }}>
            {say('deck.learn')}
          </PageLink>
          <Button onClick={() => setRenaming(true)}>{say('deck.rename')}</Button>
          <Button look="quiet" onClick={askToDelete}>
            {say('deck.delete')}
          </Button>
          <Dialog open={renaming} title={say('deck.rename')} onClose={() => setRenaming(false)}>
            <RenameDeck deck={deck} onClose={() => setRenaming(false)} />
          </Dialog>
        </>
      }
    />
  )
}

function Cards(props: {
  readonly deck: string
  readonly cards: readonly Card[]
  readonly busy: boolean
  readonly more: (() => void) | undefined
}) {
  const { deck, cards, busy, more } = props
  const [adding, setAdding] = useState(false)
  const [edited, setEdited] = useState<Card>()
  const columns: Column<Card>[] = [
    {
      key: 'front',
      title: say('card.front'),
      kind: 'main',
      cell: ({ front }) => <span className="side">{front}</span>,
    },
    { key: 'back', title: say('card.back'), cell: ({ back }) => <span className="side">{back}</span> },
    { key: 'due', title: say('card.due'), cell: ({ dueAt }) => <ComesBack at={dueAt} /> },
    {
      key: 'actions',
      title: say('decks.actions'),
      kind: 'actions',
      cell: (card) => <CardActions card={card} onEdit={() => setEdited(card)} />,
    },
  ]
  const add = (
    <Button look="primary" onClick={() => setAdding(true)}>
      {say('card.add')}
    </Button>
  )
  return (
    <>
      {cards.length === 0 ? (
        <EmptyState title={say('deck.empty')} action={add}>
          {say('deck.emptyText')}
        </EmptyState>
      ) : (
        <>
          <div className="above-cards">{add}</div>
          <Table caption={say('decks.cards')} columns={columns} rows={cards} rowKey={({ id }) => id} busy={busy} />
          {more && <LoadMore more={more} busy={busy} />}
        </>
      )}
      <Dialog open={adding} title={say('card.add')} onClose={() => setAdding(false)}>
        <NewCard deck={deck} onClose={() => setAdding(false)} />
      </Dialog>
      <Dialog open={edited !== undefined} title={say('card.editTitle')} onClose={() => setEdited(undefined)}>
        {edited && <EditCard card={edited} onClose={() => setEdited(undefined)} />}
      </Dialog>
    </>
  )
}

/** A card whose time has come waits; it does not come back "7 minutes ago". */
function ComesBack({ at }: { readonly at: string }) {
  return Date.parse(at) <= Date.now() ? say('card.dueNow') : <RelativeTime at={at} />
}

function CardActions({ card, onEdit }: { readonly card: Card; readonly onEdit: () => void }) {
  const confirm = useConfirm()
  const report = useReport()
  const toast = useToast()
  const remove = useWrite(client.deleteCard)
  const askToDelete = async () => {
    const text = say('card.deleteText', { front: card.front })
    if (!(await confirm({ title: say('card.deleteTitle'), text, act: say('card.delete') }))) return
    await report(remove.send({ params: { card: card.id } }), () => toast(say('card.deleted')))
  }
  return (
    <>
      <Button look="quiet" size="small" aria-label={`${say('card.edit')}: ${card.front}`} onClick={onEdit}>
        {say('card.edit')}
      </Button>
      <Button
        look="quiet"
        size="small"
        busy={remove.busy}
        aria-label={`${say('card.delete')}: ${card.front}`}
        onClick={askToDelete}
      >
        {say('card.delete')}
      </Button>
    </>
  )
}
