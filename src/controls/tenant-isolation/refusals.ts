import type { RefusalKind } from '../../kernel/refusal.ts'

export const permissionMissing = {
  code: 'tenant-isolation/permission-missing',
  status: 403,
  title: 'Your role in this organisation does not allow that. Ask an owner for another role.',
} as const satisfies RefusalKind

export const factorNeeded = {
  code: 'tenant-isolation/factor-needed',
  status: 428,
  title: 'Your role in this organisation needs a second factor. Set one up first.',
} as const satisfies RefusalKind
