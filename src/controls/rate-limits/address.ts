import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/**
 * An address in its one form: IPv4 in dots, IPv6 as RFC 5952 writes it, without a zone; IPv4 inside IPv6
 * (`::ffff:192.0.2.1`, in any spelling) becomes IPv4. Undefined for whatever is not an address.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  const inside = ipv4Inside(text)
  if (inside !== undefined) return inside
  if (!isIPv6(text)) return undefined
  const canonical = new SocketAddress({ address: text, family: 'ipv6' }).address
  return ipv4Inside(canonical) ?? canonical
}

function ipv4Inside(text: string): string | undefined {
  return text.startsWith('::ffff:') && isIPv4(text.slice(7)) ? text.slice(7) : undefined
}

/**
 * Writes what a bucket is named after into `key` and returns its length: all 4 bytes of an IPv4 address, or the first 8
 * bytes of an IPv6 address, its /64. Takes canonical addresses only.
 */
export function writeNetwork(address: string, key: Uint8Array): number {
  return address.includes(':') ? writeIpv6Network(address, key) : writeIpv4(address, key)
}

function writeIpv4(address: string, key: Uint8Array): number {
  let part = 0
  let length = 0
  for (let at = 0; at < address.length; at++) {
    const code = address.charCodeAt(at)
    if (code === dot) {
      key[length++] = part
      part = 0
    } else part = part * 10 + code - zero
  }
  key[length++] = part
  return length
}

/** The four groups before the middle. `::` stands for as many zero groups as are missing from eight. */
function writeIpv6Network(address: string, key: Uint8Array): number {
  const gap = address.indexOf('::')
  const head = groupsOf(gap < 0 ? address : address.slice(0, gap))
  const tail = gap < 0 ? [] : groupsOf(address.slice(gap + 2))
  // An IPv4 tail is one group of text and two of address; it can only stand at the end.
  const tailGroups = tail.length + (tail.at(-1)?.includes('.') ? 1 : 0)
  for (let index = 0; index < 4; index++) {
    const fromTail = index - (8 - tailGroups)
    const group = Number.parseInt(head[index] ?? (fromTail >= 0 ? tail[fromTail]! : '0'), 16)
    key[index * 2] = group >> 8
    key[index * 2 + 1] = group & 0xff
  }
  return 8
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}

const dot = 46
const zero = 48
