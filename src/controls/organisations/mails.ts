import type { Mail, Site } from '../accounts/accounts.ts'

/** The token stands behind `#`, which no server's log and no referrer sees. */
export function invitationMail(
  { title, origin }: Site,
  invited: { readonly by: string; readonly organisation: string; readonly token: string },
): Mail {
  return {
    subject: `You are invited to an organisation on ${title}`,
    text: `${invited.by} invites you to «${invited.organisation}» on ${title}.

Accept here, signed in with the address that this mail was sent to:

${origin}/invitation#${invited.token}

The link works once, for seven days. If you do not know who this is, do nothing.
`,
  }
}
