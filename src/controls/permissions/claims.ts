import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'permissions/role-decides-every-route': {
    sentence:
      'What somebody may do in an organisation is decided by their role: every route asks for a permission, and the database ' +
      'itself refuses whoever has a role without it.',
    promises: ['A7'],
    ttlMinutes: 240,
  },
} as const satisfies Claims
