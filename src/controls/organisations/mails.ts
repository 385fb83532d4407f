import type { Mail, Site } from '../accounts/accounts.ts'

/** The token stands behind `#`, which no server's log and no referrer sees. */
export function invitationMail(
  { title, origin }: Site,
  invited: { readonly by: string; readonly organisation: string; readonly token: string },
): Mail {
  return {
    subject: `You are invited to an organisation on ${title}`,
    text: `${harmless(invited.by)} invites you to «${harmless(invited.organisation)}» on ${title}.

Accept here, signed in with the address that this mail was sent to:

${origin}/invitation#${invited.token}

The link works once, for seven days. If you do not know who this is, do nothing.
`,
  }
}

/** To whoever owned it until now. */
export function ownershipGivenMail({ title, origin }: Site, names: Ownership): Mail {
  return {
    subject: `You have handed over an organisation on ${title}`,
    text: `${harmless(names.to)} now owns «${harmless(names.organisation)}» on ${title}, in your place. It was done in your name.

If it was not you who did it, somebody else is signed in as you. End your other sessions and change your password:

${origin}/account/sessions

Then ask ${harmless(names.to)} to give you your role back.
`,
  }
}

/** To whoever owns it from now on. */
export function ownershipTakenMail({ title, origin }: Site, names: Ownership): Mail {
  return {
    subject: `You own an organisation on ${title}`,
    text: `${harmless(names.from)} has handed «${harmless(names.organisation)}» on ${title} over to you: you own it now.

${origin}/organisations
`,
  }
}

interface Ownership {
  readonly organisation: string
  readonly from: string
  readonly to: string
}

/** No name stands in it: whoever reset it is on the organisation's own page, and in its record. */
export function factorResetMail({ title, origin }: Site): Mail {
  return {
    subject: `Your second factor was taken away: ${title}`,
    text: `An owner or admin of your organisation has taken the second factors and the recovery codes of your account away, and all
your sessions were ended.

If you asked for it, sign in with your password and set a new factor up at once:

${origin}/account/security

If you did not, ask them why, and change your password.
`,
  }
}

/**
 * A name that a stranger chose, in a mail that we send: short, and without what a mail program would make a link of. Else
 * anybody could have us write to anybody «pay here: …».
 */
function harmless(name: string): string {
  const unlinked = name
    .replace(/[:/@\\]+/g, ' ')
    .replace(/\.(?=\S)/g, '. ')
    .replace(/ {2,}/g, ' ')
    .trim()
  return unlinked.length > 80 ? `${[...unlinked].slice(0, 79).join('')}…` : unlinked
}
