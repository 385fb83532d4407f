import { foundation, type Role } from '../../foundation.ts'
import { useSay } from '../../messages.ts'
import { type RoleWords, useProduct } from '../../product.ts'
import { useRead } from '../../queries.ts'

/** What the foundation's own pages ask for. */
export const permission = {
  read: 'members.read',
  invite: 'members.invite',
  remove: 'members.remove',
  secure: 'organisation.secure',
  roles: 'roles.manage',
  keys: 'keys.manage',
} as const

/** A role as it is shown. */
export interface RoleShown {
  readonly role: Role
  readonly title: string
  /** In a few words; undefined for a role that the console knows nothing of but what it may do. */
  readonly hint: string | undefined
  /** Each permission in words. */
  readonly may: readonly string[]
}

/** The roles of the organisation in the address: the product's, the weakest first, and then its own by name. */
export function useRoles() {
  const words = useRoleWords()
  const reading = useRead(foundation.roles)
  const { data } = reading
  const rank = (key: string) => {
    const at = words.findIndex(({ name }) => name === key)
    return at < 0 ? words.length : at
  }
  const shown = data?.roles
    .toSorted((one, other) => Number(one.custom) - Number(other.custom) || rank(one.key) - rank(other.key))
    .map((role): RoleShown => {
      const known = words[rank(role.key)]
      return {
        role,
        title: known?.title ?? role.name,
        hint: known?.hint,
        may: data.permissions
          .filter((name) => role.permissions.includes(name))
          .map((name) => data.permissionTitles[name] ?? name),
      }
    })
  return { reading, shown: shown ?? [] }
}

/** A role of the organisation in the address in words, by its key. */
export function useRoleTitle(): (key: string) => string {
  const say = useSay()
  const words = useRoleWords()
  const { reading } = useRoles()
  return (key) => {
    const known = words.find(({ name }) => name === key)
    if (known) return known.title
    const found = reading.data?.roles.find((role) => role.key === key)
    // An id says nothing to anybody.
    return found?.name ?? (/^[0-9a-f-]{36}$/.test(key) ? say('roles.unknown') : key)
  }
}

/** The product's roles in words, the weakest first. */
export function useRoleWords(): readonly RoleWords[] {
  const say = useSay()
  const { roles } = useProduct()
  return (
    roles ??
    (['viewer', 'member', 'admin', 'owner'] as const).map((name) => ({
      name,
      title: say(`role.${name}`),
      hint: say(`role.${name}Hint`),
    }))
  )
}
