import { foundation } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Select, TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { useToast } from '../../ui/toast.tsx'
import { useRoleOptions } from './roles.ts'

export function InviteDialog(props: { readonly open: boolean; readonly role: string; readonly onClose: () => void }) {
  const say = useSay()
  return (
    <Dialog open={props.open} title={say('invitations.invite')} onClose={props.onClose}>
      <InviteForm role={props.role} onClose={props.onClose} />
    </Dialog>
  )
}

function InviteForm({ role, onClose }: { readonly role: string; readonly onClose: () => void }) {
  const say = useSay()
  const toast = useToast()
  const options = useRoleOptions(role)
  const invite = useWrite(foundation.invite)
  const form = useForm({
    values: { address: '', role: options[0]?.value ?? '' },
    submit: (body, idempotencyKey) => invite.send({ body, idempotencyKey }),
    done: (_, { address }) => {
      toast(say('invitations.sent', { address }))
      onClose()
    },
  })
  return (
    <Form
      form={form}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {say('invitations.act')}
          </Button>
          <Button onClick={onClose}>{say('word.cancel')}</Button>
        </>
      }
    >
      <p className="quiet-text">{say('invitations.text')}</p>
      <TextField
        {...form.field('address')}
        label={say('invitations.address')}
        type="email"
        autoComplete="off"
        required
      />
      <Select {...form.field('role')} label={say('invitations.role')} options={options} required />
    </Form>
  )
}
