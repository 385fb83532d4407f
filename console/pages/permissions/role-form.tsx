import { foundation, type Role, type Roles } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import type { Problem } from '../../problem.ts'
import { useWrite } from '../../queries.ts'
import { Button } from '../../ui/button.tsx'
import { Checkbox, TextField } from '../../ui/field.tsx'
import { Form, useForm } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { useToast } from '../../ui/toast.tsx'
import { permission } from '../organisations/roles.ts'

interface Values extends Readonly<Record<string, unknown>> {
  readonly name: string
  readonly permissions: readonly string[]
  readonly secondFactor: boolean
}

/** Makes a role of the organisation's own, or changes `role`. */
export function RoleForm(props: {
  readonly data: Roles
  readonly role: Role | undefined
  readonly onClose: () => void
}) {
  const { data, role, onClose } = props
  const say = useSay()
  const toast = useToast()
  const create = useWrite(foundation.createRole)
  const change = useWrite(foundation.changeRole)
  const form = useForm<Values>({
    values: { name: role?.name ?? '', permissions: role?.permissions ?? [], secondFactor: role?.secondFactor ?? false },
    submit: async ({ name, permissions, secondFactor }, idempotencyKey) => {
      const body = { name, permissions: [...permissions], secondFactor }
      if (role) await change.send({ params: { id: role.key }, body, idempotencyKey })
      else await create.send({ body, idempotencyKey })
    },
    done: (_, { name }) => {
      toast(role ? say('roles.saved', { role: name }) : say('roles.created', { role: name }))
      onClose()
    },
  })
  return (
    <Form
      form={form}
      explain={explainRefused}
      actions={
        <>
          <Button look="primary" type="submit" busy={form.busy}>
            {say(role ? 'roles.save' : 'roles.create')}
          </Button>
          <Button onClick={onClose}>{say('word.cancel')}</Button>
        </>
      }
    >
      {role && role.members > 0 && <p className="quiet-text">{say('roles.saveText', { count: role.members })}</p>}
      <TextField
        {...form.field('name')}
        label={say('roles.name')}
        hint={say('roles.nameHint')}
        maxLength={60}
        autoComplete="off"
        required
      />
      <Permissions {...form.field('permissions')} data={data} />
      {form.values.permissions.length > 0 && !form.values.permissions.includes(permission.read) && (
        <p className="quiet-text">{say('roles.withoutMembers')}</p>
      )}
      <Checkbox
        {...form.field('secondFactor')}
        label={say('roles.secondFactor')}
        hint={say('roles.secondFactorHint')}
      />
    </Form>
  )
}

/** The server's own sentence says what to do, where the usual one for its status would not. */
function explainRefused({ code, title }: Problem) {
  return code.startsWith('permissions/') ? <Notice kind="broken" title={title} /> : undefined
}

/** Check boxes by the first word of the permission's name. What one lacks oneself stays as it is, and says why. */
function Permissions(props: {
  readonly data: Roles
  readonly value: readonly string[]
  readonly onValue: (value: readonly string[]) => void
  readonly error: string | undefined
}) {
  const { data, value, onValue, error } = props
  const say = useSay()
  const groups = Map.groupBy(data.permissions, (name) => name.split('.')[0]!)
  return (
    <fieldset className="permissions">
      <legend>{say('roles.permissions')}</legend>
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      {[...groups].map(([group, names]) => (
        <fieldset key={group}>
          <legend>{inWords(group)}</legend>
          {names.map((name) => {
            const off = !data.mine.includes(name)
            return (
              <Checkbox
                key={name}
                name={name}
                label={data.permissionTitles[name] ?? name}
                value={value.includes(name)}
                aria-disabled={off || undefined}
                hint={off && say('roles.notYours')}
                onValue={(chosen) => {
                  if (!off) onValue(chosen ? [...value, name] : value.filter((one) => one !== name))
                }}
              />
            )
          })}
        </fieldset>
      ))}
    </fieldset>
  )
}

function inWords(group: string): string {
  return group.charAt(0).toUpperCase() + group.slice(1).replace(/[-_]/g, ' ')
}
