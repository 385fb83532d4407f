import type { Mail, Site } from '../accounts/accounts.ts'

// No name that somebody typed stands in these.

const wasItYou = ({ origin }: Site, organisation: string) => `If it was you, do nothing.

If it was not, somebody else is signed in as you. Withdraw the key here, end your other sessions, and change your password:

${origin}/o/${organisation}/keys
`

/** For whoever a new key acts as. */
export function keyMadeMail(site: Site, organisation: string): Mail {
  return {
    subject: `An API key was made in your name: ${site.title}`,
    text: `An API key was made that acts as you, in one organisation of yours.\n\n${wasItYou(site, organisation)}`,
  }
}

/** For whoever the key acts as, when it was replaced by a new text. */
export function keyRotatedMail(site: Site, organisation: string): Mail {
  return {
    subject: `An API key of yours was replaced: ${site.title}`,
    text: `An API key that acts as you was replaced by a new one, in one organisation of yours.\n\n${wasItYou(site, organisation)}`,
  }
}
