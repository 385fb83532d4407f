import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import { useSay } from '../messages.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

export interface Question {
  readonly title: string
  /** What will be gone, and what stays. */
  readonly text: ReactNode
  /** The verb on the button, such as "Delete contact". Never "OK". */
  readonly act: string
}

/** Resolves to true only if the person pressed the button that names the act. */
export type Confirm = (question: Question) => Promise<boolean>

const ConfirmContext = createContext<Confirm>(() => {
  throw new Error('useConfirm works below startConsole only')
})

/** The one way to ask before something is destroyed: `if (await confirm({ title, text, act })) …`. */
export function useConfirm(): Confirm {
  return useContext(ConfirmContext)
}

export function ConfirmRegion({ children }: { readonly children: ReactNode }) {
  const say = useSay()
  const [asked, setAsked] = useState<{ question: Question; answer: (yes: boolean) => void }>()
  const confirm = useCallback<Confirm>((question) => new Promise((answer) => setAsked({ question, answer })), [])
  const close = (yes: boolean) => {
    asked?.answer(yes)
    setAsked(undefined)
  }
  return (
    <ConfirmContext value={confirm}>
      {children}
      <Dialog kind="alert" open={asked !== undefined} title={asked?.question.title ?? ''} onClose={() => close(false)}>
        <div className="dialog-text">{asked?.question.text}</div>
        <div className="dialog-actions">
          <Button onClick={() => close(false)}>{say('word.cancel')}</Button>
          <Button look="danger" onClick={() => close(true)}>
            {asked?.question.act}
          </Button>
        </div>
      </Dialog>
    </ConfirmContext>
  )
}
