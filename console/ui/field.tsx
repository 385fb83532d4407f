import { type ComponentProps, type ReactNode, useId } from 'react'
import { useSay } from '../messages.ts'
import './field.css'

/** What every field has. The label is visible and demanded; a placeholder never stands in for it. */
export interface FieldProps {
  readonly label: string
  readonly hint?: ReactNode
  /** What is wrong with the value, in words. Bound to the input for screen readers. */
  readonly error?: string | undefined
}

/** What `form.field('name')` gives to a field. */
export interface Bound<Value = string> {
  readonly name: string
  readonly value: Value
  readonly onValue: (value: Value) => void
}

interface Wiring {
  readonly id: string
  readonly 'aria-invalid': true | undefined
  readonly 'aria-describedby': string | undefined
}

/** Label, hint and error around one input of your own; the usual inputs are below. */
export function Field(
  props: FieldProps & { readonly optional?: boolean; readonly children: (wiring: Wiring) => ReactNode },
) {
  const { label, hint, error, optional, children } = props
  const say = useSay()
  const id = useId()
  const described = [error ? `${id}-error` : '', hint ? `${id}-hint` : ''].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
        {optional && <span className="field-optional"> {say('word.optional')}</span>}
      </label>
      {children({ id, 'aria-invalid': error ? true : undefined, 'aria-describedby': described || undefined })}
      {error && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

type Own = 'name' | 'value' | 'onChange' | 'className' | 'style' | 'id' | 'type'

export type TextFieldProps = FieldProps &
  Bound & { readonly type?: 'text' | 'email' | 'password' | 'tel' | 'url' | 'number' | 'date' } & Omit<
    ComponentProps<'input'>,
    Own
  >

export function TextField({ label, hint, error, name, value, onValue, type = 'text', ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error} optional={!rest.required}>
      {(wiring) => (
        <input
          {...rest}
          {...wiring}
          className="input"
          type={type}
          name={name}
          value={value}
          onChange={(event) => onValue(event.target.value)}
        />
      )}
    </Field>
  )
}

export type TextAreaProps = FieldProps & Bound & Omit<ComponentProps<'textarea'>, Own>

export function TextArea({ label, hint, error, name, value, onValue, rows = 4, ...rest }: TextAreaProps) {
  return (
    <Field label={label} hint={hint} error={error} optional={!rest.required}>
      {(wiring) => (
        <textarea
          {...rest}
          {...wiring}
          className="input"
          rows={rows}
          name={name}
          value={value}
          onChange={(event) => onValue(event.target.value)}
        />
      )}
    </Field>
  )
}

export interface Option {
  readonly value: string
  readonly title: string
}

export type SelectProps = FieldProps &
  Bound & { readonly options: readonly Option[] } & Omit<ComponentProps<'select'>, Own>

export function Select({ label, hint, error, name, value, onValue, options, ...rest }: SelectProps) {
  return (
    <Field label={label} hint={hint} error={error} optional={!rest.required}>
      {(wiring) => (
        <span className="select">
          <select
            {...rest}
            {...wiring}
            className="input"
            name={name}
            value={value}
            onChange={(event) => onValue(event.target.value)}
          >
            {options.map((option) => (
              <option key={option.value} value={option.value}>
                {option.title}
              </option>
            ))}
          </select>
        </span>
      )}
    </Field>
  )
}

export type CheckboxProps = FieldProps & Bound<boolean> & Omit<ComponentProps<'input'>, Own | 'checked'>

export function Checkbox({ label, hint, error, name, value, onValue, ...rest }: CheckboxProps) {
  const id = useId()
  const described = [error ? `${id}-error` : '', hint ? `${id}-hint` : ''].filter(Boolean).join(' ')
  return (
    <div className="field checkbox">
      <input
        {...rest}
        id={id}
        type="checkbox"
        name={name}
        checked={value}
        aria-invalid={error ? true : undefined}
        aria-describedby={described || undefined}
        onChange={(event) => onValue(event.target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      {error && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

/** One of a few, each with what it means: for choices that a `Select` would make too short of words. */
export function Radios(
  props: FieldProps & Bound & { readonly options: readonly (Option & { readonly text?: ReactNode })[] },
) {
  const { label, hint, error, name, value, onValue, options } = props
  const id = useId()
  const described = [error ? `${id}-error` : '', hint ? `${id}-hint` : ''].filter(Boolean).join(' ')
  return (
    <fieldset className="field radios" aria-describedby={described || undefined}>
      <legend className="field-label">{label}</legend>
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {options.map((option, number) => (
        <div className="radio" key={option.value}>
          <input
            id={`${id}-${number}`}
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            data-begin={option.value === value || undefined}
            aria-invalid={error ? true : undefined}
            aria-describedby={option.text ? `${id}-${number}-text` : undefined}
            onChange={() => onValue(option.value)}
          />
          <label htmlFor={`${id}-${number}`}>{option.title}</label>
          {option.text && (
            <div className="field-hint" id={`${id}-${number}-text`}>
              {option.text}
            </div>
          )}
        </div>
      ))}
    </fieldset>
  )
}

/** A choice of one file. `accept` as in HTML; the value cannot be set from outside, as browsers have it. */
export function FileField(
  props: FieldProps & {
    readonly name: string
    readonly accept?: string
    readonly onFile: (file: File | undefined) => void
  },
) {
  const { label, hint, error, name, accept, onFile } = props
  return (
    <Field label={label} hint={hint} error={error}>
      {(wiring) => (
        <input
          {...wiring}
          className="input file"
          type="file"
          name={name}
          accept={accept}
          onChange={(event) => onFile(event.target.files?.[0])}
        />
      )}
    </Field>
  )
}
