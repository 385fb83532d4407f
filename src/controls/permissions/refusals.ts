import type { RefusalKind } from '../../kernel/refusal.ts'

/** Nobody makes a role, or makes one of it, that may more than they may themselves. */
export const moreThanYouHave = {
  code: 'permissions/more-than-you-have',
  status: 403,
  title: 'This role may more than you may yourself, so you cannot make, change or delete it. Ask an owner.',
} as const satisfies RefusalKind

export const roleNameTaken = {
  code: 'permissions/role-name-taken',
  status: 409,
  title: 'There is a role of that name already. Choose another name.',
} as const satisfies RefusalKind

export const roleInUse = {
  code: 'permissions/role-in-use',
  status: 409,
  title:
    'Somebody has this role, or is invited into it. Give the members another role and withdraw the invitations first.',
} as const satisfies RefusalKind

export const tooManyRoles = {
  code: 'permissions/too-many-roles',
  status: 429,
  title: 'This organisation has 200 roles of its own, which is the most. Delete one that nobody has.',
} as const satisfies RefusalKind

export const permissionUnknown = {
  code: 'permissions/permission-unknown',
  status: 422,
  title: 'There is no such permission.',
} as const satisfies RefusalKind

export const factorToLower = {
  code: 'permissions/second-factor-needed',
  status: 428,
  title: 'This role demands a second factor. Only somebody who has shown one can take that back.',
} as const satisfies RefusalKind
