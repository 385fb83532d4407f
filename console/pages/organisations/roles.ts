import { useSay } from '../../messages.ts'
import type { Option } from '../../ui/field.tsx'

const known = ['member', 'admin', 'owner'] as const
type Known = (typeof known)[number]

/** What `GET members` says that one may do, as far as this page asks for it. */
export const permission = { invite: 'members.invite', remove: 'members.remove' } as const

/** A role in words; one that the console does not know stands for itself. */
export function useRoleTitle(): (role: string) => string {
  const say = useSay()
  return (role) => (isKnown(role) ? say(`role.${role}`) : role)
}

/** The roles to which somebody of the role `own` may invite. Only owners make owners; the server decides. */
export function useRoleOptions(own: string): readonly Option[] {
  const say = useSay()
  const offered = own === 'owner' ? known : known.filter((role) => role !== 'owner')
  return offered.map((role) => ({ value: role, title: `${say(`role.${role}`)}: ${say(`role.${role}Hint`)}` }))
}

function isKnown(role: string): role is Known {
  return (known as readonly string[]).includes(role)
}
