import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'permissions/role-decides-every-route': {
    sentence:
      'What somebody may do in an organisation is decided by their role: every route asks for a permission, and the database ' +
      'itself refuses whoever has a role without it.',
    promises: ['A7'],
    ttlMinutes: 240,
  },
  'permissions/custom-roles-stay-within': {
    sentence:
      'A role that an organisation makes for itself gives nobody more than its maker has, is worth nothing in any other ' +
      'organisation, and a change of it holds from the next request on.',
    promises: ['A7'],
    ttlMinutes: 240,
  },
} as const satisfies Claims
