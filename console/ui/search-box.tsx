import { useEffect, useId, useRef, useState } from 'react'
import './search-box.css'

/** Asks once the typing has paused for `pauseMilliseconds`; Enter and the cross ask at once. */
export function SearchBox(props: {
  readonly label: string
  readonly value: string
  readonly onSearch: (text: string) => void
  readonly pauseMilliseconds?: number
}) {
  const { label, value, onSearch, pauseMilliseconds = 250 } = props
  const id = useId()
  const [text, setText] = useState(value)
  const asked = useRef(value)
  const search = useRef(onSearch)
  search.current = onSearch

  // The address changed behind the box, such as by the back button.
  useEffect(() => {
    if (value !== asked.current) setText(value)
    asked.current = value
  }, [value])

  useEffect(() => {
    if (text === asked.current) return
    const timer = setTimeout(() => {
      asked.current = text
      search.current(text)
    }, pauseMilliseconds)
    return () => clearTimeout(timer)
  }, [text, pauseMilliseconds])

  return (
    <search className="search-box">
      <label className="hidden-text" htmlFor={id}>
        {label}
      </label>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="8.5" cy="8.5" r="5.5" />
        <path d="M12.6 12.6 17 17" />
      </svg>
      <input
        id={id}
        className="input"
        type="search"
        value={text}
        placeholder={label}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || text === asked.current) return
          asked.current = text
          onSearch(text)
        }}
      />
    </search>
  )
}
