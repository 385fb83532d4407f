export interface Mail {
  readonly subject: string
  readonly text: string
}

/** For the person whose session was ended because a copy of its secret came back. */
export function stolenMail(
  site: { readonly title: string; readonly origin: string },
  { device, startedAt }: { readonly device: string; readonly startedAt: string },
): Mail {
  return {
    subject: `A session of yours with ${site.title} was ended`,
    text: `The session that began on ${minuteOf(startedAt)} (UTC)${device === '' ? '' : ` by ${device}`} was used in two places: somebody
presented a copy of its cookie after it had been replaced. Both were signed out at once.

If you restored a browser, or a whole computer, from an older copy just now, that was it, and all is well: sign in again.

If not, somebody may have copied the cookie from one of your devices. Look for unwanted programs and browser extensions there,
then sign in, change your password, and end your other sessions:

${site.origin}/account/sessions
`,
  }
}

/** `2026-11-20 08:15` of `2026-11-20T08:15:00.123456Z`. */
function minuteOf(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}
