import { type FormEvent, type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { newId } from '../../src/kernel/id.ts'
import { Problem, type ProblemField } from '../problem.ts'
import { Notice } from './notice.tsx'
import { ProblemNotice } from './problem-notice.tsx'
import './form.css'

type Values = Readonly<Record<string, unknown>>

export interface FormState<V extends Values> {
  readonly values: V
  /** Spread it into a field: `<TextField {...form.field('name')} label=… />`. */
  field<Name extends keyof V & string>(
    name: Name,
  ): { name: Name; value: V[Name]; onValue: (value: V[Name]) => void; error: string | undefined }
  set(values: Partial<V>): void
  readonly busy: boolean
  /** True once a value differs from how the form began. */
  readonly changed: boolean
  /** What the last try ended in. Pages may look at `code` and `extra`, such as for an edit that came too late. */
  readonly problem: Problem | undefined
  submit(): Promise<void>
  /** Back to these values, or to how it began; forgets the problem. */
  reset(values?: V): void
}

/**
 * A form whose refused fields find their inputs: the problem field `/body/address` becomes the error of the field
 * `address` (deeper pointers keep their slashes: `/body/company/name` is `company/name`). The key for idempotency stays
 * the same until the server has accepted, so that a second try after a lost answer does nothing twice.
 */
export function useForm<V extends Values, Result = unknown>(options: {
  readonly values: V
  readonly submit: (values: V, idempotencyKey: string) => Promise<Result>
  readonly done?: (result: Result, values: V) => unknown
}): FormState<V> {
  const [start, setStart] = useState(options.values)
  const [values, setValues] = useState(options.values)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set())
  const key = useRef(newId())
  // The state is seen one drawing too late for a second press.
  const running = useRef(false)

  const set = useCallback((some: Partial<V>) => {
    setValues((now) => ({ ...now, ...some }))
    setTouched((now) => new Set([...now, ...Object.keys(some)]))
    key.current = newId()
  }, [])

  const submit = async () => {
    if (running.current) return
    running.current = true
    setBusy(true)
    try {
      const result = await options.submit(values, key.current)
      key.current = newId()
      setProblem(undefined)
      await options.done?.(result, values)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      setProblem(error)
      setTouched(new Set())
    } finally {
      running.current = false
      setBusy(false)
    }
  }

  return {
    values,
    busy,
    problem,
    set,
    submit,
    changed: Object.keys(values).some((name) => values[name] !== start[name]),
    field: (name) => ({
      name,
      value: values[name],
      onValue: (value) => set({ [name]: value } as unknown as Partial<V>),
      // What has been changed since is no longer known to be wrong.
      error: touched.has(name) ? undefined : reasonFor(problem, name),
    }),
    reset: (to = start) => {
      setStart(to)
      setValues(to)
      setProblem(undefined)
    },
  }
}

/**
 * Draws the form, what was refused and belongs to no input, and `actions`. After a refusal the focus moves to the first
 * input in error, or to the notice.
 */
export function Form<V extends Values>(props: {
  readonly form: FormState<V>
  readonly children: ReactNode
  readonly actions: ReactNode
  /** In place of the usual notice, for a problem that the page explains itself; `undefined` leaves it to the form. */
  readonly explain?: (problem: Problem) => ReactNode | undefined
  readonly label?: string
}) {
  const { form, children, actions, explain, label } = props
  const element = useRef<HTMLFormElement>(null)
  useFocusOnProblem(element, form.problem)
  // An explanation that is empty takes no place and no focus: a dialog says it, and gives the focus back to the input.
  const notice =
    form.problem &&
    !isPlaced(form.problem, form.values) &&
    (explain?.(form.problem) ?? <FormProblem problem={form.problem} values={form.values} />)
  return (
    <form
      ref={element}
      className="form"
      aria-label={label}
      onSubmit={(event: FormEvent) => {
        event.preventDefault()
        void form.submit()
      }}
    >
      {notice && (
        <div className="form-problem" tabIndex={-1}>
          {notice}
        </div>
      )}
      {children}
      <div className="form-actions">{actions}</div>
    </form>
  )
}

/** Every refused field has its input, and says there what is wrong. */
function isPlaced({ fields }: Problem, values: Values): boolean {
  return fields.length > 0 && fields.every((field) => nameOf(field) in values)
}

function FormProblem({ problem, values }: { readonly problem: Problem; readonly values: Values }) {
  if (problem.fields.length === 0) return <ProblemNotice problem={problem} />
  return (
    <Notice kind="broken" title={problem.title}>
      <ul>
        {problem.fields
          .filter((field) => !(nameOf(field) in values))
          .map((field) => (
            <li key={field.pointer}>
              {nameOf(field)}: {field.reason}
            </li>
          ))}
      </ul>
    </Notice>
  )
}

function useFocusOnProblem(element: { readonly current: HTMLFormElement | null }, problem: Problem | undefined): void {
  useEffect(() => {
    if (!problem) return
    const wrong = element.current?.querySelector<HTMLElement>('[aria-invalid="true"]')
    ;(wrong ?? element.current?.querySelector<HTMLElement>('.form-problem'))?.focus()
  }, [element, problem])
}

function reasonFor(problem: Problem | undefined, name: string): string | undefined {
  return problem?.fields.find((field) => nameOf(field) === name)?.reason
}

function nameOf({ pointer }: ProblemField): string {
  return pointer
    .replace(/^\/(body|query|params)\//, '')
    .replaceAll('~1', '/')
    .replaceAll('~0', '~')
}
