import { Button, Dialog, RelativeTime } from 'holdfast/console'
import { useState } from 'react'
import { say } from '../messages.ts'
import { choose, type Difference, differences, type Side, type Values } from './conflict.ts'
import './crm.css'

/** Two edits of the same row, field by field. What is not chosen stays in sight until something has been saved. */
export function ConflictDialog<V extends Values>(props: {
  readonly titles: Readonly<Record<keyof V & string, string>>
  readonly opened: V
  readonly mine: V
  readonly theirs: V
  readonly changedBy: string | null
  readonly changedAt: string
  readonly busy: boolean
  readonly onSave: (values: V) => void
  readonly onClose: () => void
}) {
  const { titles, opened, mine, theirs, changedBy, changedAt, busy, onSave, onClose } = props
  const [chosen, setChosen] = useState<Readonly<Record<string, Side>>>({})
  const found = differences(opened, mine, theirs)
  return (
    <Dialog open title={say('conflict.title')} onClose={onClose}>
      <p>
        {changedBy === null ? say('conflict.bySomebody') : say('conflict.by', { name: changedBy })}{' '}
        <RelativeTime at={changedAt} />.
      </p>
      <p>{found.length === 0 ? say('conflict.same') : say('conflict.choose')}</p>
      {found.map((difference) => (
        <Choice
          key={difference.field}
          title={titles[difference.field] ?? difference.field}
          difference={difference}
          chosen={chosen[difference.field] ?? difference.likelier}
          onChoose={(side) => setChosen((now) => ({ ...now, [difference.field]: side }))}
        />
      ))}
      <div className="form-actions after-choices">
        <Button look="primary" busy={busy} onClick={() => onSave(choose(mine, found, chosen))}>
          {say('conflict.save')}
        </Button>
        <Button onClick={onClose}>{say('conflict.back')}</Button>
      </div>
    </Dialog>
  )
}

function Choice(props: {
  readonly title: string
  readonly difference: Difference
  readonly chosen: Side
  readonly onChoose: (side: Side) => void
}) {
  const { title, difference, chosen, onChoose } = props
  return (
    <fieldset className="choice">
      <legend>{title}</legend>
      {(['theirs', 'mine'] as const).map((side) => (
        <label key={side}>
          <input
            type="radio"
            name={`conflict-${difference.field}`}
            checked={chosen === side}
            onChange={() => onChoose(side)}
          />
          <span className="choice-side">{say(`conflict.${side}`)}</span>
          <span className={difference[side] === '' ? 'choice-value quiet-text' : 'choice-value'}>
            {difference[side] || say('conflict.empty')}
          </span>
        </label>
      ))}
    </fieldset>
  )
}
