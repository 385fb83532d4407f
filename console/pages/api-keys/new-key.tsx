import { type ApiKeys, foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Checkbox, TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { explainRefused } from './refused.tsx'
import '../permissions/roles-page.css'

interface Making {
  readonly data: ApiKeys
  readonly onClose: () => void
  /** With the key itself, which is nowhere else. */
  readonly onMade: (key: string) => void
}

export function NewKeyDialog({ open, ...making }: Making & { readonly open: boolean }) {
  const say = useSay()
  return (
    <Dialog open={open} title={say('keys.newTitle')} onClose={making.onClose}>
      <NewKeyForm {...making} />
    </Dialog>
  )
}

interface Values extends Readonly<Record<string, unknown>> {
  readonly name: string
  readonly scopes: readonly string[]
  readonly days: string
}

function NewKeyForm({ data, onClose, onMade }: Making) {
  const say = useSay()
  const make = useWrite(foundation.makeKey)
  const form = useForm<Values, { readonly key: string }>({
    values: { name: '', scopes: [], days: '90' },
    submit: ({ name, scopes, days }) => make.send({ body: { name, scopes: [...scopes], days: Number(days) } }),
    done: ({ key }) => onMade(key),
  })
  return (
    <Form
      form={form}
      explain={explainRefused}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {say('keys.make')}
          </Button>
          <Button onClick={onClose}>{say('word.cancel')}</Button>
        </>
      }
    >
      <p className="quiet-text">{say('keys.newText')}</p>
      <TextField
        {...form.field('name')}
        label={say('keys.name')}
        hint={say('keys.nameHint')}
        maxLength={80}
        autoComplete="off"
        required
      />
      <Scopes {...form.field('scopes')} data={data} />
      <TextField
        {...form.field('days')}
        label={say('keys.days')}
        hint={say('keys.daysHint')}
        type="number"
        inputMode="numeric"
        min={1}
        max={366}
        step={1}
        required
      />
    </Form>
  )
}

/** Check boxes of what one may do oneself, by the first word of each permission's name. */
function Scopes(props: {
  readonly data: ApiKeys
  readonly value: readonly string[]
  readonly onValue: (value: readonly string[]) => void
  readonly error: string | undefined
}) {
  const { data, value, onValue, error } = props
  const say = useSay()
  const groups = Map.groupBy(data.mine, (name) => name.split('.')[0]!)
  return (
    <fieldset className="permissions" aria-describedby="scopes-hint">
      <legend>{say('keys.scopes')}</legend>
      <p className="field-hint" id="scopes-hint">
        {say('keys.scopesHint')}
      </p>
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      {[...groups].map(([group, names]) => (
        <fieldset key={group}>
          <legend>{group.charAt(0).toUpperCase() + group.slice(1).replace(/[-_]/g, ' ')}</legend>
          {names.map((name) => (
            <Checkbox
              key={name}
              name={name}
              label={data.permissionTitles[name] ?? name}
              value={value.includes(name)}
              aria-invalid={error ? true : undefined}
              onValue={(chosen) => onValue(chosen ? [...value, name] : value.filter((one) => one !== name))}
            />
          ))}
        </fieldset>
      ))}
    </fieldset>
  )
}
