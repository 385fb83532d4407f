import { type ApiKey, foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Select } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { explainRefused } from './refused.tsx'

interface Replacing {
  readonly onClose: () => void
  /** With the key itself, which is nowhere else. */
  readonly onMade: (key: string) => void
}

/** Asks how long the key as it is shall work on beside the new one. Open while there is one to be replaced. */
export function ReplaceKeyDialog({ replaced, ...replacing }: Replacing & { readonly replaced: ApiKey | undefined }) {
  const say = useSay()
  return (
    <Dialog
      open={replaced !== undefined}
      title={say('keys.replaceTitle', { name: replaced?.name ?? '' })}
      onClose={replacing.onClose}
    >
      {replaced && <ReplaceKeyForm replaced={replaced} {...replacing} />}
    </Dialog>
  )
}

function ReplaceKeyForm({ replaced, onClose, onMade }: Replacing & { readonly replaced: ApiKey }) {
  const say = useSay()
  const rotate = useWrite(foundation.rotateKey)
  const form = useForm({
    values: { overlapHours: '24' },
    submit: ({ overlapHours }) =>
      rotate.send({
        params: { id: replaced.id },
        body: { hint: replaced.hint, overlapHours: Number(overlapHours) },
      }),
    done: ({ key }) => onMade(key),
  })
  return (
    <Form
      form={form}
      explain={explainRefused}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {say('keys.replaceAct')}
          </Button>
          <Button onClick={onClose}>{say('word.cancel')}</Button>
        </>
      }
    >
      <p className="quiet-text">{say('keys.replaceText')}</p>
      <Select
        {...form.field('overlapHours')}
        label={say('keys.overlapFor')}
        hint={say('keys.overlapHint')}
        options={[
          { value: '0', title: say('keys.overlap0') },
          { value: '1', title: say('keys.overlap1') },
          { value: '24', title: say('keys.overlap24') },
          { value: '72', title: say('keys.overlap72') },
          { value: '168', title: say('keys.overlap168') },
        ]}
        required
      />
    </Form>
  )
}
