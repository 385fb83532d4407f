/**
 * Whether a text is one mail address, and nothing else: no name, no list, no comment, no line break. At most 254
 * characters (RFC 5321, 4.5.3.1.3). Narrower than the standard: quoted local parts and address literals are refused.
 */
export function isAddress(text: string): boolean {
  return text.length <= 254 && isOneLine(text) && /^[^\s@,;:"<>()[\]\\]{1,64}@[^\s@,;:"<>()[\]\\]+$/.test(text)
}

/** Whether a text can stand in a header: a line break in it would begin a header of the sender's choice. */
export function isOneLine(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text)
}
