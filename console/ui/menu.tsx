import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react'
import './menu.css'

/**
 * A button that opens a list of links and buttons in the browser's own popover: Escape and a click beside it close it.
 * Children are `<MenuItem>`s; arrows move among them.
 */
export function Menu(props: {
  /** What the button shows. */
  readonly button: ReactNode
  /** The accessible name, where what the button shows is no text of its own. */
  readonly label?: string
  readonly children: ReactNode
  readonly className?: string
}) {
  const { button, label, children, className = '' } = props
  const id = useId()
  const opener = useRef<HTMLButtonElement>(null)
  const list = useRef<HTMLDivElement>(null)
  return (
    <>
      <button
        ref={opener}
        type="button"
        className={`menu-button ${className}`}
        popoverTarget={id}
        aria-label={label}
        aria-haspopup="true"
      >
        {button}
      </button>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrows are an addition; every item is reachable by Tab */}
      <div
        ref={list}
        id={id}
        popover="auto"
        className="menu"
        onBeforeToggle={() => place(opener.current, list.current)}
        onToggle={(event) => event.newState === 'open' && items(list.current)[0]?.focus()}
        onKeyDown={(event) => moveByArrow(event, list.current)}
        onClick={(event) => event.target !== list.current && list.current?.hidePopover()}
      >
        {children}
      </div>
    </>
  )
}

/** A link or a button inside a menu, with room for a line of detail. */
export function MenuItem(props: {
  readonly children: ReactNode
  readonly onSelect?: () => void
  readonly danger?: boolean
}) {
  return (
    <button type="button" className={`menu-item${props.danger ? ' danger' : ''}`} onClick={props.onSelect}>
      {props.children}
    </button>
  )
}

function items(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>('a, button') ?? [])]
}

function moveByArrow(event: KeyboardEvent, list: HTMLElement | null): void {
  const all = items(list)
  const here = all.indexOf(document.activeElement as HTMLElement)
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: -1 }[event.key]
  if (to === undefined) return
  event.preventDefault()
  all.at(to % all.length)?.focus()
}

/** Where there is room: below the button or above it, from its start or its end. The popover lies in the top layer, so CSS alone cannot. */
function place(opener: HTMLElement | null, list: HTMLElement | null): void {
  if (!opener || !list) return
  const box = opener.getBoundingClientRect()
  const below = window.innerHeight - box.bottom > box.top
  const toEnd = box.left + box.width / 2 > window.innerWidth / 2
  list.style.insetBlock = below ? `${box.bottom + 4}px auto` : `auto ${window.innerHeight - box.top + 4}px`
  list.style.insetInline = toEnd
    ? `auto ${Math.max(8, window.innerWidth - box.right)}px`
    : `${Math.max(8, box.left)}px auto`
  list.style.minInlineSize = `${Math.min(Math.max(box.width, 208), 320)}px`
}
