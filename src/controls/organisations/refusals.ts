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
  title: 'Nobody else owns this organisation. Make another member an owner first, or hand it over.',
} as const satisfies RefusalKind

export const roleUnknown = {
  code: 'organisations/role-unknown',
  status: 422,
  title: 'There is no such role.',
} as const satisfies RefusalKind

export const ownerAlready = {
  code: 'organisations/owner-already',
  status: 409,
  title: 'You own this organisation already. Choose another member to hand it over to.',
} as const satisfies RefusalKind

export const ownFactorFirst = {
  code: 'organisations/own-factor-first',
  status: 409,
  title:
    'You have no second factor yourself, and would be the first to be kept out. Set one up on the security page of your account.',
} as const satisfies RefusalKind

export const memberElsewhere = {
  code: 'organisations/member-elsewhere',
  status: 409,
  title:
    'This account does not belong to your organisation alone, so you cannot take its second factor away. Its owner can sign in by a recovery code, or recover the account.',
} as const satisfies RefusalKind

export const oneselfReset = {
  code: 'organisations/oneself-reset',
  status: 409,
  title: 'Your own factors stand on the security page of your account.',
} as const satisfies RefusalKind

export const noFactorToReset = {
  code: 'organisations/no-factor-to-reset',
  status: 409,
  title: 'This member has no second factor that could be taken away.',
} as const satisfies RefusalKind
