import type { Claims } from '../../kernel/claim.ts'

export const claims = {
  'accounts/passwords-are-hashed': {
    sentence:
      'Passwords exist only as bcrypt hashes of cost 12 or more, each with a salt of its own, and every byte of a long ' +
      'password counts. The database takes nothing else.',
    promises: ['A1'],
    ttlMinutes: 60,
  },
  'accounts/unverified-opens-nothing': {
    sentence:
      'Whoever has not confirmed their email address enters no organisation, founds none and accepts no invitation: the ' +
      'database refuses the session. A sign-up has no session before its own link is opened, and no account without its password.',
    promises: ['A2'],
    ttlMinutes: 60,
  },
  'accounts/links-work-once': {
    sentence:
      'A link to reset a password works once, of two at once one wins, and it is dead after any other reset. A reset ends every ' +
      'session and the old password.',
    promises: ['A2'],
    ttlMinutes: 360,
  },
  'accounts/addresses-not-told': {
    sentence:
      'Signing up and resetting a password tell nobody whether an address has an account: status, body and headers are the ' +
      'same, and no verb behind them looks it up, so that the time is too.',
    promises: ['A2'],
    ttlMinutes: 360,
  },
} as const satisfies Claims
