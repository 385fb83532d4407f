import { useSay } from '../../messages.ts'
import { type RoleWords, useProduct } from '../../product.ts'
import type { Option } from '../../ui/field.tsx'

/** What `GET members` says that one may do, as far as this page asks for it. */
export const permission = { invite: 'members.invite', remove: 'members.remove', secure: 'organisation.secure' } as const

/** A role in words; one that the console does not know stands for itself. */
export function useRoleTitle(): (role: string) => string {
  const roles = useRoles()
  return (role) => roles.find(({ name }) => name === role)?.title ?? role
}

/** The roles to which somebody of the role `own` may invite; the server decides. */
export function useRoleOptions(own: string): readonly Option[] {
  const roles = useRoles()
  const highest = roles.at(-1)?.name
  return roles
    .filter(({ name }) => name !== highest || name === own)
    .map(({ name, title, hint }) => ({ value: name, title: `${title}: ${hint}` }))
}

function useRoles(): readonly RoleWords[] {
  const say = useSay()
  const { roles } = useProduct()
  return (
    roles ??
    (['member', 'admin', 'owner'] as const).map((name) => ({
      name,
      title: say(`role.${name}`),
      hint: say(`role.${name}Hint`),
    }))
  )
}
