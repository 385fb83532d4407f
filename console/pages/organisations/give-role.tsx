import { foundation, type Member } from '../../foundation.ts'
import { Loaded } from '../../loaded.tsx'
import { useSay } from '../../messages.ts'
import { useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Radios } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { useToast } from '../../ui/toast.tsx'
import { type RoleShown, useRoles } from './roles.ts'

/** Another role for a member: those that one may give, and what each may do. Closed while there is no `member`. */
export function GiveRoleDialog(props: {
  readonly member: Member | undefined
  readonly own: boolean
  readonly onClose: () => void
}) {
  const { member, own, onClose } = props
  const say = useSay()
  const { reading, shown } = useRoles()
  const title = own ? say('giveRole.titleOwn') : say('giveRole.title', { name: member?.name ?? '' })
  return (
    <Dialog open={member !== undefined} title={title} onClose={onClose}>
      {member && (
        <Loaded of={reading}>
          {() => (
            <GiveRoleForm member={member} own={own} roles={shown.filter(({ role }) => role.yours)} onClose={onClose} />
          )}
        </Loaded>
      )}
    </Dialog>
  )
}

function GiveRoleForm(props: {
  readonly member: Member
  readonly own: boolean
  readonly roles: readonly RoleShown[]
  readonly onClose: () => void
}) {
  const { member, own, roles, onClose } = props
  const say = useSay()
  const toast = useToast()
  const give = useWrite(foundation.giveRole)
  const { person, name } = member
  const form = useForm({
    values: { role: member.role },
    submit: (body, idempotencyKey) => give.send({ params: { person }, body, idempotencyKey }),
    done: (_, { role }) => {
      const { title = role } = roles.find((one) => one.role.key === role) ?? {}
      toast(say('giveRole.done', { name, role: title }))
      onClose()
    },
  })
  return (
    <Form
      form={form}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {say('giveRole.act')}
          </Button>
          <Button onClick={onClose}>{say('word.cancel')}</Button>
        </>
      }
    >
      <Radios
        {...form.field('role')}
        label={say('members.role')}
        hint={say(own ? 'giveRole.textOwn' : 'giveRole.text')}
        options={roles.map(({ role, title, hint, may }) => ({
          value: role.key,
          title,
          text: <RoleText hint={hint} may={may} secondFactor={role.secondFactor} />,
        }))}
      />
    </Form>
  )
}

function RoleText(props: Pick<RoleShown, 'hint' | 'may'> & { readonly secondFactor: boolean }) {
  const say = useSay()
  return (
    <>
      <p>{props.hint ?? props.may.join(' · ')}</p>
      {props.secondFactor && <p>{say('roles.secondFactor')}</p>}
    </>
  )
}
