/** The texts of IP addresses, without node:net: not every platform has that module. */

const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = new RegExp(`^(?:${BYTE}\\.){3}${BYTE}$`)
const GROUP = /^[\da-f]{1,4}$/i
/** The longest address, with an IPv4 address at its end. */
const LONGEST = 45

export function isIPv4(text: string): boolean {
  return IPV4.test(text)
}

/** RFC 4291 (2.2). A zone (`fe80::1%eth0`) is no part of an address. */
export function isIPv6(text: string): boolean {
  if (text.length > LONGEST) return false
  const [left = '', right, more] = text.split('::')
  if (more !== undefined) return false
  const count = groupsIn(left, right === undefined) + (right === undefined ? 0 : groupsIn(right, true))
  return right === undefined ? count === 8 : count < 8
}

/** How many groups of 16 bits `text` has; not a number where it has something else. `last`: it may end in an IPv4 address. */
function groupsIn(text: string, last: boolean): number {
  if (text === '') return 0
  const groups = text.split(':')
  const end = groups.at(-1) ?? ''
  const ipv4 = last && end.includes('.')
  if (ipv4) groups.pop()
  if ((ipv4 && !isIPv4(end)) || !groups.every((group) => GROUP.test(group))) return Number.NaN
  return groups.length + (ipv4 ? 2 : 0)
}
