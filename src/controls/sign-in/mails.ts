import type { Mail, Site } from '../accounts/accounts.ts'

/** For the owner of an account, when a browser signs in that is of another kind than those before. */
export function newDeviceMail({ title, origin }: Site, address: string): Mail {
  return {
    subject: `A new device signed in: ${title}`,
    text: `Somebody has signed in to your account with your password or passkey, by a browser that you have not used before, from the
network address ${address}.

If it was you, do nothing.

If it was not, sign in, end that session, and change your password:

${origin}/account/sessions
`,
  }
}

/** NIST SP 800-63B-4, section 3.2.2: after a hundred failures in a row. */
export function disabledMail({ title, origin }: Site, what: 'password' | 'totp' | 'recovery-code'): Mail {
  const [name, remedy] = {
    password: [
      'password',
      `Browsers that you have signed in with before still take it. For all others, choose a new one:\n\n${origin}/sign-in`,
    ],
    totp: [
      'authenticator app',
      `Sign in with a passkey or a recovery code, and set the app up anew:\n\n${origin}/account/security`,
    ],
    'recovery-code': [
      'recovery codes',
      `Sign in with your authenticator app or a passkey, and make new codes:\n\n${origin}/account/security`,
    ],
  }[what] as [string, string]
  return {
    subject: `Too many wrong tries: ${title}`,
    text: `Somebody has tried a hundred times in a row to get into your account, and failed. To be safe we take your ${name} no more.

${remedy}
`,
  }
}
