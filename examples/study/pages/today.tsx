import {
  Button,
  EmptyState,
  Loaded,
  PageLink,
  PageTitle,
  ProblemNotice,
  ProgressBar,
  usePageSearch,
  useRead,
} from 'holdfast/console'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { client, dayEnds } from '../client.ts'
import { say, sayDays } from '../messages.ts'
import { type Grade, grades } from '../schedule.ts'
import { useAnswers } from './answers.ts'
import './study.css'

type Due = Awaited<ReturnType<typeof client.dueToday>>
export type DueCard = Due['cards'][number]

export function TodayPage() {
  const [{ deck }] = usePageSearch()
  const due = useRead(client.dueToday, { query: { dayEnds: dayEnds(), ...(deck ? { deck } : {}) } })
  return (
    <Loaded of={due} page>
      {(data) => <Today data={data} inDeck={deck !== undefined} />}
    </Loaded>
  )
}

function Today({ data, inDeck }: { readonly data: Due; readonly inDeck: boolean }) {
  const { isAnswered, answer, unsaved, sendAgain } = useAnswers()
  // An answer counts at once; the server's own numbers follow.
  const open = data.cards.filter((card) => !isAnswered(card))
  const ahead = data.cards.length - open.length
  const done = data.done + (unsaved ? 0 : ahead)
  const [card] = open
  return (
    <section className="today">
      <PageTitle title={inDeck && card ? say('today.inDeck', { deck: card.deckName }) : say('today.title')}>
        {inDeck && <PageLink to="/today">{say('today.allDecks')}</PageLink>}
      </PageTitle>
      <Progress done={done} left={Math.max(data.due - ahead, open.length)} />
      {unsaved ? (
        <Unsaved problem={unsaved.problem} onSendAgain={sendAgain} />
      ) : card ? (
        <Review key={`${card.id} ${card.version}`} card={card} onGrade={(grade) => answer(card, grade)} />
      ) : (
        <NothingDue done={done} />
      )}
    </section>
  )
}

function Progress({ done, left }: { readonly done: number; readonly left: number }) {
  if (done + left === 0) return null
  return (
    <ProgressBar label={say('today.progress')} value={done} max={done + left}>
      {say('today.words', { done, left })}
    </ProgressBar>
  )
}

/** One card: first its question; the answer and the grades once it is turned. Keys work while the focus is inside. */
function Review({ card, onGrade }: { readonly card: DueCard; readonly onGrade: (grade: Grade) => void }) {
  const [turned, setTurned] = useState(false)
  const front = useRef<HTMLDivElement>(null)
  const back = useRef<HTMLDivElement>(null)
  useEffect(() => (turned ? back : front).current?.focus({ preventScroll: !turned }), [turned])

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
    const onButton = (event.target as HTMLElement).closest('button') !== null
    const grade = grades[Number(event.key) - 1]
    if (!turned && event.key === ' ' && !onButton) setTurned(true)
    else if (turned && grade !== undefined) onGrade(grade)
    else return
    event.preventDefault()
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are a shorter way; every act has its button
    <div className="review" onKeyDown={onKeyDown}>
      <div className="face" ref={front} tabIndex={-1}>
        <p className="face-title">
          <span>{say('today.question')}</span>
          <span>{card.deckName}</span>
        </p>
        <p className="face-text">{card.front}</p>
      </div>
      {turned ? (
        <>
          <div className="face back" ref={back} tabIndex={-1}>
            <p className="face-title">{say('today.answer')}</p>
            <p className="face-text">{card.back}</p>
          </div>
          <Grades card={card} onGrade={onGrade} />
        </>
      ) : (
        <div className="reveal">
          <Button look="primary" onClick={() => setTurned(true)}>
            {say('today.reveal')}{' '}
            <span className="key" aria-hidden="true">
              {say('today.revealKey')}
            </span>
          </Button>
        </div>
      )}
    </div>
  )
}

function Grades({ card, onGrade }: { readonly card: DueCard; readonly onGrade: (grade: Grade) => void }) {
  return (
    <fieldset className="grades">
      <legend className="hidden-text">{say('today.grades')}</legend>
      {grades.map((grade, index) => (
        <button
          key={grade}
          type="button"
          className="grade"
          aria-keyshortcuts={`${index + 1}`}
          onClick={() => onGrade(grade)}
        >
          <span className="key" aria-hidden="true">
            {index + 1}
          </span>
          <span className="grade-word">{say(`grade.${grade}`)}</span>
          <span className="grade-days figures">{sayDays(card.days[grade])}</span>
        </button>
      ))}
    </fieldset>
  )
}

function Unsaved(props: {
  readonly problem: Parameters<typeof ProblemNotice>[0]['problem']
  readonly onSendAgain: () => void
}) {
  return (
    <>
      <h2>{say('today.unsaved')}</h2>
      <ProblemNotice
        problem={props.problem}
        actions={<Button onClick={props.onSendAgain}>{say('today.sendAgain')}</Button>}
      />
    </>
  )
}

function NothingDue({ done }: { readonly done: number }) {
  const place = useRef<HTMLDivElement>(null)
  // The last card has gone, and the focus with it.
  useEffect(() => {
    if (document.activeElement === document.body) place.current?.focus()
  }, [])
  const decks = (
    <PageLink look={done > 0 ? 'button' : 'primary'} to="/decks">
      {say('today.decks')}
    </PageLink>
  )
  return (
    <div className="nothing-due" ref={place} tabIndex={-1}>
      <EmptyState title={say(done > 0 ? 'today.finished' : 'today.nothing')} action={decks}>
        {done > 0 ? say('today.finishedText', { count: done }) : say('today.nothingText')}
      </EmptyState>
    </div>
  )
}
