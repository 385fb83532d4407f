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

/*
 * No name and no address that somebody typed stands in these: whoever signs up with another's address must not choose what we
 * write there. Tokens stand behind `#`, which no server's log and no referrer sees.
 */

export function verificationMail({ title, origin }: Site, token: string): Mail {
  return {
    subject: `Confirm your email address for ${title}`,
    text: `Somebody is signing up for ${title} with this email address.

If it was you, confirm it here:

${origin}/verify#${token}

The link works once, for a day. In another browser than the one you signed up with it asks for the password that you chose.

If it was not you, do nothing. There is no account without the link.
`,
  }
}

/** For the owner of an address with which somebody tries to sign up, or to move an account to. */
export function knownAddressMail({ title, origin }: Site): Mail {
  return {
    subject: `You already have an account with ${title}`,
    text: `Somebody, probably you, has just tried to sign up for ${title} with this email address. It has an account already,
and nothing was changed.

Sign in here:

${origin}/sign-in

If you have forgotten the password, choose a new one:

${origin}/forgotten

If it was not you, do nothing.
`,
  }
}

export function takenAddressMail({ title }: Site): Mail {
  return {
    subject: `Your email address was named for another account with ${title}`,
    text: `Somebody who is signed in to ${title} wants to move their account to this email address. It is the address of your
account, and nothing was changed.

If both accounts are yours, change the address of this one first, or delete it. If it was not you, do nothing.
`,
  }
}

export function resetMail({ title, origin }: Site, token: string): Mail {
  return {
    subject: `Choose a new password for ${title}`,
    text: `Somebody has asked for a new password for your account with ${title}.

If it was you, choose it here:

${origin}/new-password#${token}

The link works once, for 30 minutes. A second factor is still asked for afterwards.

If it was not you, do nothing: your password stays as it is.
`,
  }
}

/** After a reset by mail. */
export function passwordResetMail({ title, origin }: Site): Mail {
  return {
    subject: `Your password for ${title} was reset`,
    text: `The password of your account with ${title} was reset by a link that was mailed to this address. All sessions have ended.

If it was not you, somebody can read your mail. Secure your mailbox first, then choose a new password. Second factors that were set
up within a day of this reset go with the next one, if it is made within a week:

${origin}/forgotten
`,
  }
}

export function passwordChangedMail({ title, origin }: Site): Mail {
  return {
    subject: `Your password for ${title} was changed`,
    text: `The password of your account with ${title} was changed by somebody who was signed in and knew the old one. All other
sessions have ended.

If it was not you, choose a new password at once:

${origin}/forgotten
`,
  }
}

/** To the new address of a change that waits. */
export function newAddressMail({ title, origin }: Site, token: string): Mail {
  return {
    subject: `Confirm your new email address for ${title}`,
    text: `Somebody wants to use this email address for their account with ${title}.

If it was you, confirm it here:

${origin}/confirm-address#${token}

The link works once, for a day, in a browser that is signed in to that account. If it was not you, do nothing.
`,
  }
}

/** To the old address, where its owner has to agree too. */
export function agreeToMoveMail({ title, origin }: Site, token: string, stop: string): Mail {
  return {
    subject: `Do you want to change your email address for ${title}?`,
    text: `Somebody who is signed in to your account with ${title} wants to change its email address. That needs your yes from
this address, and another one from the new address.

If it was you, say yes here:

${origin}/confirm-address#${token}

If it was not you, stop it here, and change your password:

${origin}/stop-address#${stop}

Both links work once, for a day. Without your yes nothing changes.
`,
  }
}

/** To the old address, where a second factor has stood for its owner. */
export function toldOfMoveMail({ title, origin }: Site, stop: string): Mail {
  return {
    subject: `The email address of your account with ${title} is about to change`,
    text: `Somebody who is signed in to your account with ${title}, and has shown its second factor, wants to change its email
address. It changes as soon as the new address is confirmed.

If it was you, there is nothing to do here. If it was not you, stop it, and change your password:

${origin}/stop-address#${stop}

The link works once, for a day.
`,
  }
}

/** To the old address, after the change. */
export function movedAwayMail({ title, origin }: Site, undo: string): Mail {
  return {
    subject: `The email address of your account with ${title} was changed`,
    text: `Your account with ${title} has another email address now. This one opens it no more.

If it was not you, take it back here:

${origin}/stop-address#${undo}

The link works once, for seven days. It ends all sessions, and you choose a new password.
`,
  }
}

/** To the new address, after the change. */
export function movedHereMail({ title }: Site): Mail {
  return {
    subject: `This is now your email address for ${title}`,
    text: `Your account with ${title} has this email address from now on. Sign in with it. Other sessions have ended.
`,
  }
}

/** To the old address, after it was taken back. */
export function movedBackMail({ title, origin }: Site, token: string): Mail {
  return {
    subject: `Your account with ${title} has its old email address again`,
    text: `The change was taken back, and all sessions have ended. The password opens nothing any more, because whoever changed the
address may know it. Second factors that were set up within the last eight days are gone. Choose a new password here:

${origin}/new-password#${token}

The link works once, for 30 minutes. Later, ask for another one:

${origin}/forgotten
`,
  }
}

/** To the address that the account had in between. */
export function takenBackMail({ title }: Site): Mail {
  return {
    subject: `Your account with ${title} was taken back to its old email address`,
    text: `Somebody who can read the mail of the old email address has taken your account with ${title} back to it, by the link that was
sent there when the address changed. This address opens it no more, and all sessions have ended.

If it was not you, somebody reads your old mailbox: ask us for help.
`,
  }
}

export function closingMail({ title, origin }: Site, token: string): Mail {
  return {
    subject: `Your account with ${title} will be deleted`,
    text: `Somebody who is signed in to your account with ${title} has asked to delete it. It is closed now, and will be deleted in
14 days.

If you want to keep it, or if it was not you, open it again:

${origin}/keep-account#${token}

The link works once, for these 14 days. If it was not you, choose a new password then.
`,
  }
}

export function keptMail({ title, origin }: Site): Mail {
  return {
    subject: `Your account with ${title} is open again`,
    text: `Your account with ${title} was opened again, and will not be deleted. Sign in here:

${origin}/sign-in
`,
  }
}
