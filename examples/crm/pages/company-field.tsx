import { Field, useRead } from 'holdfast/console'
import { useEffect, useId, useState } from 'react'
import { client } from '../client.ts'
import { say } from '../messages.ts'

/** The name of a company, with those that begin like it to choose from. */
export function CompanyField(props: {
  readonly name: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly error: string | undefined
}) {
  const { name, value, onValue, error } = props
  const listId = useId()
  const q = usePaused(value, 200)
  const companies = useRead(client.listCompanies, { query: { q } })
  return (
    <Field label={say('contact.company')} hint={say('contact.companyHint')} error={error} optional>
      {(wiring) => (
        <>
          <input
            {...wiring}
            className="input"
            name={name}
            value={value}
            list={listId}
            maxLength={200}
            autoComplete="off"
            onChange={(event) => onValue(event.target.value)}
          />
          <datalist id={listId}>
            {companies.data?.companies.slice(0, 10).map((company) => (
              <option key={company.id} value={company.name} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  )
}

function usePaused(value: string, milliseconds: number): string {
  const [paused, setPaused] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), milliseconds)
    return () => clearTimeout(timer)
  }, [value, milliseconds])
  return paused
}
