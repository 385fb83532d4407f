import { type KeyboardEvent, type ReactNode, useId } from 'react'
import './tabs.css'

export interface Tab {
  readonly key: string
  readonly title: string
  readonly content: ReactNode
}

/** Several views of one thing. Arrows move; only the chosen tab is in the order of Tab. */
export function Tabs(props: {
  readonly label: string
  readonly tabs: readonly Tab[]
  readonly chosen: string
  readonly onChoose: (key: string) => void
}) {
  const { label, tabs, chosen, onChoose } = props
  const id = useId()
  const moveByArrow = (event: KeyboardEvent) => {
    const here = tabs.findIndex((tab) => tab.key === chosen)
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: -1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    const tab = tabs.at(to % tabs.length)!
    onChoose(tab.key)
    document.getElementById(`${id}-${tab.key}`)?.focus()
  }
  return (
    <div className="tabs">
      <div role="tablist" aria-label={label} className="tab-list" onKeyDown={moveByArrow}>
        {tabs.map((tab) => (
          <button
            key={tab.key}
            type="button"
            role="tab"
            id={`${id}-${tab.key}`}
            className="tab"
            aria-selected={tab.key === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={tab.key === chosen ? 0 : -1}
            onClick={() => onChoose(tab.key)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`} className="tab-panel">
        {tabs.find((tab) => tab.key === chosen)?.content}
      </div>
    </div>
  )
}
