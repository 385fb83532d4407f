import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'audit-log/every-change-is-recorded': {
    sentence:
      'Every change to a tenant’s rows leaves an event with actor, organisation and row, written by the database in the same transaction; the application can neither write nor change one.',
    promises: ['M1'],
    ttlMinutes: 60,
  },
} as const satisfies Claims
