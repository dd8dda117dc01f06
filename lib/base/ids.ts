/** Random ids, random delays and digests. */
import { hash, randomFillSync } from 'node:crypto'

/** A pool of random bytes: generating a few costs as much as generating all of these. */
const pool = Buffer.alloc(4_096)
let used = pool.length

/** `bytes` random bytes, base64url: letters, digits, `-` and `_`, all visible ASCII. */
export function randomId(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('base64url', used - bytes, used)
}

/** A delay between half of `ms` and `ms`, so that instances do not all act at the same moment. */
export function jitter(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}

/** A delay up to a quarter shorter or longer than `ms`, for clients: they come back spread out, after `ms` on average. */
export function around(ms: number): number {
  return Math.round(ms * (0.75 + Math.random() / 2))
}

/** Whole seconds for `Retry-After`, as text: from `seconds` to half as many more. */
export function retryAfter(seconds: number): string {
  return String(seconds + Math.floor(Math.random() * (seconds / 2 + 1)))
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The first `bytes` bytes of SHA-256 over `text`, base64url. */
export function digest(text: string, bytes: number): string {
  // The digest is cut as text, because a buffer would take longer than the hash.
  const full = hash('sha256', text, 'base64url')
  const whole = Math.floor(bytes / 3) * 4
  const rest = bytes % 3
  if (rest === 0) return full.slice(0, whole)
  const last = ALPHABET.indexOf(full.charAt(whole + rest)) & (rest === 1 ? 0b110000 : 0b111100)
  return full.slice(0, whole + rest) + ALPHABET.charAt(last)
}

/**
 * A proof that its writer has `key`: `bytes` bytes of SHA-256 over the key and the text. It takes a sixth of the time of an HMAC,
 * and is as sound where the bytes are few: to extend a text, an attacker needs the whole state of the hash, and the digest is
 * cut to a part of it. All keys of one use have one length, so that no key and text are those of another.
 *
 * @param bytes 16 at most
 */
export function proofOf(key: string, text: string, bytes: number): string {
  return digest(
    `${key}
${text}`,
    bytes,
  )
}
