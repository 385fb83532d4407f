import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'organisations/removal-acts-at-once': {
    sentence:
      'Whoever is removed from an organisation gets nothing from it from the very next request on, in any open session.',
    promises: ['A7'],
    ttlMinutes: 120,
  },
  'organisations/invitation-is-for-one-address': {
    sentence:
      'An invitation opens for the confirmed address that it was sent to, and for nobody else who comes by its link; it ' +
      'opens once.',
    promises: ['A7'],
    ttlMinutes: 120,
  },
  'organisations/second-factor-at-entry': {
    sentence:
      'Where an organisation demands a second factor of its members, whoever has shown one factor alone gets nothing from it: the ' +
      'database refuses the session, on every route.',
    promises: ['A5'],
    ttlMinutes: 360,
  },
} as const satisfies Claims
