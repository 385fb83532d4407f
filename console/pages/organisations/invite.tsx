import { foundation } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Select, TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { useToast } from '../../ui/toast.tsx'
import { type RoleShown, useRoles } from './roles.ts'

export function InviteDialog(props: { readonly open: boolean; readonly onClose: () => void }) {
  const say = useSay()
  const { reading, shown } = useRoles()
  return (
    <Dialog open={props.open} title={say('invitations.invite')} onClose={props.onClose}>
      <Loaded of={reading}>
        {() => <InviteForm roles={shown.filter(({ role }) => role.yours)} onClose={props.onClose} />}
      </Loaded>
    </Dialog>
  )
}

function InviteForm({ roles, onClose }: { readonly roles: readonly RoleShown[]; readonly onClose: () => void }) {
  const say = useSay()
  const toast = useToast()
  const invite = useWrite(foundation.invite)
  const usual = roles.find(({ role }) => role.key === 'member') ?? roles[0]
  const form = useForm({
    values: { address: '', role: usual?.role.key ?? '' },
    submit: (body, idempotencyKey) => invite.send({ body, idempotencyKey }),
    done: (_, { address }) => {
      toast(say('invitations.sent', { address }))
      onClose()
    },
  })
  const chosen = roles.find(({ role }) => role.key === form.values.role)
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
      <Select
        {...form.field('role')}
        label={say('invitations.role')}
        options={roles.map(({ role, title, hint }) => ({ value: role.key, title: hint ? `${title}: ${hint}` : title }))}
        hint={chosen && say('invitations.may', { permissions: chosen.may.join(' · ') })}
        required
      />
    </Form>
  )
}
