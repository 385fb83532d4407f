/** Where the links in mails lead, and what the product is called. */
export interface Site {
  readonly title: string
  /** Scheme, host and port. */
  readonly origin: string
}

export interface Mail {
  readonly subject: string
  readonly text: string
}

/**
 * No name that somebody typed stands in these: whoever signs up with another's address must not choose what we write there.
 * The token stands behind `#`, which no server's log and no referrer sees.
 */
export function verificationMail({ title, origin }: Site, token: string): Mail {
  return {
    subject: `Confirm your address for ${title}`,
    text: `Somebody is signing up for ${title} with this address.

If it was you, confirm it here:

${origin}/verify#${token}

The link works once, for a day. Until then the account opens nothing.

If it was not you, do nothing, and do not open the link. Nobody can use your address without it.
`,
  }
}

/** For the owner of an address with which somebody tries to sign up a second time. */
export function knownAddressMail({ title, origin }: Site): Mail {
  return {
    subject: `You already have an account with ${title}`,
    text: `Somebody, probably you, has just tried to sign up for ${title} with this address. It has an account already, and
nothing was changed.

Sign in here:

${origin}/sign-in

If you have not confirmed the address yet: after signing in you can have the mail sent again.

If it was not you, do nothing.
`,
  }
}
