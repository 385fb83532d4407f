import { type FormState, type Problem, RelativeTime, useForm } from 'holdfast/console'
import { type ReactNode, useEffect, useState } from 'react'
import { say } from '../messages.ts'
import type { Values } from './conflict.ts'
import { ConflictDialog } from './conflict-dialog.tsx'

/** What every row carries that two people may edit. */
export interface Versioned {
  readonly id: string
  readonly version: number
  readonly updatedAt: string
  readonly updatedBy: string | null
}

/**
 * An edit of a row that somebody else may change meanwhile. It is compared with what was opened, not with what has been
 * read since; when it comes too late, `conflict` is the dialog that shows both, and the form keeps what was typed.
 */
export function useEdit<V extends Values, Row extends Versioned>(options: {
  readonly read: Row
  readonly titles: Readonly<Record<keyof V & string, string>>
  readonly valuesOf: (row: Row) => V
  readonly send: (values: V, opened: Row) => Promise<Row>
  readonly saved: (row: Row) => void
}): { readonly form: FormState<V>; readonly opened: Row; readonly conflict: ReactNode } {
  const { read, titles, valuesOf, send, saved } = options
  const [opened, setOpened] = useState(read)
  const [again, setAgain] = useState(false)
  const form = useForm<V, Row>({
    values: valuesOf(opened),
    submit: (values) => send(values, opened),
    done: (row) => {
      setOpened(row)
      form.reset(valuesOf(row))
      saved(row)
    },
  })
  // One render later, when the chosen values and the version that they were chosen against are in the form.
  useEffect(() => {
    if (!again) return
    setAgain(false)
    void form.submit()
  }, [again, form])

  const theirs = isConflict(form.problem) ? (form.problem.extra.current as Row) : undefined
  const conflict = theirs && (
    <ConflictDialog
      titles={titles}
      opened={valuesOf(opened)}
      mine={form.values}
      theirs={valuesOf(theirs)}
      changedBy={theirs.updatedBy}
      changedAt={theirs.updatedAt}
      busy={form.busy}
      onClose={() => form.reset(form.values)}
      onSave={(values) => {
        setOpened(theirs)
        form.set(values)
        setAgain(true)
      }}
    />
  )
  return { form, opened, conflict }
}

/** For `explain`: the dialog says it, so the form need not. */
export function explainConflict(problem: Problem): ReactNode | undefined {
  return isConflict(problem) ? '' : undefined
}

function isConflict(problem: Problem | undefined): problem is Problem {
  return problem?.code === 'crm/changed-meanwhile'
}

export function LastChange({ row }: { readonly row: Versioned }) {
  return (
    <p className="quiet-text">
      {row.updatedBy === null ? say('changed.bySomebody') : say('changed.by', { name: row.updatedBy })},{' '}
      <RelativeTime at={row.updatedAt} />
    </p>
  )
}
