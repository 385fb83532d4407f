/**
 * What an address is compared by: two with one key are one account. The whole of it in small letters, for no provider that
 * counts keeps `Ada@` and `ada@` apart; dots and `+tags` stay, because only some providers ignore them. The field of a route
 * (`address()`) has refused before this whatever only looks like another character.
 */
export function addressKey(address: string): string {
  return address.normalize('NFKC').toLowerCase()
}
