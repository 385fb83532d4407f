import type { RefusalKind } from '../../kernel/refusal.ts'

/** Used, withdrawn, expired, never given out, or sent to another address: the answer is the same. */
export const invitationDead = {
  code: 'organisations/invitation-dead',
  status: 410,
  title:
    'This invitation does not open anything for you: it was used or withdrawn, it is too old, or it was sent to another address. Ask for a new one.',
} as const satisfies RefusalKind

export const memberAlready = {
  code: 'organisations/member-already',
  status: 409,
  title: 'Whoever has this address is a member already.',
} as const satisfies RefusalKind

export const lastOwner = {
  code: 'organisations/last-owner',
  status: 409,
  title: 'Nobody else owns this organisation. Invite another owner first, and leave when they have accepted.',
} as const satisfies RefusalKind

export const roleUnknown = {
  code: 'organisations/role-unknown',
  status: 422,
  title: 'There is no such role.',
} as const satisfies RefusalKind
