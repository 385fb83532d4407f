import { Problem, useToast, useWrite } from 'holdfast/console'
import { useState } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'
import type { Grade } from '../schedule.ts'

interface Answer {
  readonly card: { readonly id: string; readonly version: number }
  readonly grade: Grade
  /** The same for every try, so that an answer whose receipt was lost is not counted twice. */
  readonly idempotencyKey: string
}

/** Answers leave at once and the next card does not wait for them; one that was not saved is kept until it is. */
export function useAnswers() {
  const toast = useToast()
  const review = useWrite(client.reviewCard)
  const [answered, setAnswered] = useState<ReadonlySet<string>>(new Set())
  const [unsaved, setUnsaved] = useState<readonly { readonly answer: Answer; readonly problem: Problem }[]>([])

  const send = async (answer: Answer) => {
    const { card, grade, idempotencyKey } = answer
    try {
      await review.send({ params: { card: card.id }, body: { grade, version: card.version }, idempotencyKey })
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem
      // Changed, answered or deleted elsewhere: there is nothing to send again.
      if (problem.status === 409 || problem.status === 404) toast(say('today.elsewhere'), 'care')
      else setUnsaved((now) => [...now, { answer, problem }])
    }
  }

  return {
    isAnswered: (card: Answer['card']) => answered.has(keyOf(card)),
    answer: (card: Answer['card'], grade: Grade) => {
      if (answered.has(keyOf(card))) return
      setAnswered((now) => new Set([...now, keyOf(card)]))
      void send({ card, grade, idempotencyKey: crypto.randomUUID() })
    },
    /** The oldest answer that the server has not taken. */
    unsaved: unsaved[0],
    sendAgain: () => {
      const again = unsaved
      setUnsaved([])
      for (const { answer } of again) void send(answer)
    },
  }
}

function keyOf({ id, version }: Answer['card']): string {
  return `${id} ${version}`
}
