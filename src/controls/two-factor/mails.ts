import type { Mail, Site } from '../accounts/accounts.ts'

// No name that somebody typed stands in these, and no link that signs anybody in.

const wasItYou = ({ origin }: Site) => `If it was you, do nothing.

If it was not, somebody else is in your account. Sign in here, remove what you do not know, and change your password:

${origin}/account/security
`

const changes = {
  totp: ['An authenticator app was added', 'An authenticator app was added to your account as a second factor.'],
  passkey: ['A passkey was added', 'A passkey was added to your account.'],
  'totp-gone': ['An authenticator app was removed', 'The authenticator app was removed from your account.'],
  'passkey-gone': ['A passkey was removed', 'A passkey was removed from your account.'],
  codes: [
    'You have new recovery codes',
    'Ten new recovery codes were made for your account. Those from before work no more.',
  ],
  'code-used': ['A recovery code was used', 'Somebody has signed in to your account with one of your recovery codes.'],
} as const

export type FactorChange = keyof typeof changes

/** For every change of a factor, to the address on record. All other sessions have ended by then. */
export function factorMail(site: Site, change: FactorChange): Mail {
  const [subject, sentence] = changes[change]
  const others = change === 'codes' || change === 'code-used' ? '' : ' All your other sessions were ended.'
  return { subject: `${subject}: ${site.title}`, text: `${sentence}${others}\n\n${wasItYou(site)}` }
}
