/** The address of a client, and the key under which limits count it. */
import { memoize } from '../base/memo.ts'

/** Addresses of this machine and of private networks. They belong to proxies or to trusted clients. */
const PRIVATE =
  /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd][0-9a-f]{2}:|fe80:)/i

/**
 * The client's address. Each of the `proxies` in front of this instance adds the address of its client at the end of
 * X-Forwarded-For. The client itself may have sent the entries further left: they are not trusted.
 */
export function clientAddress(
  remote: string | undefined,
  forwarded: string | undefined,
  proxies: number,
): string | undefined {
  if (proxies === 0 || forwarded === undefined) return remote
  const named = forwarded.split(',').map((part) => part.trim())
  const address = named[named.length - proxies]
  return address === undefined || address === '' ? remote : withoutPort(address)
}

function withoutPort(address: string): string {
  const match = /^\[([^\]]+)\](?::\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address)
  return match?.[1] ?? match?.[2] ?? address
}

/**
 * The key of a limit: the address, or for IPv6 its network of 64 bits, since one client has a whole network. Undefined
 * where the address does not identify a client.
 */
export function limitKey(address: string | undefined): string | undefined {
  return address === undefined ? undefined : keyOf(address).key
}

/** A connection has many requests. */
const keyOf = memoize((address) => ({ key: findKey(address) }), 1_000)

function findKey(address: string): string | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (PRIVATE.test(plain)) return undefined
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::', 2)
  const groups = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length)
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail ? tail.split(':') : [])]
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')
}
