/** The one place that makes random ids and digests. */
import { hash, randomFillSync } from 'node:crypto'

/** Random bytes are made this many at a time: asking for a few costs as much as asking for all of them. */
const pool = Buffer.alloc(4_096)
let used = pool.length

/** `bytes` random bytes, base64url: letters, digits, `-` and `_`, all visible ASCII (LS-3). */
export function randomId(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('base64url', used - bytes, used)
}

/** The first `bytes` bytes of SHA-256 over `text`, base64url. */
export function digest(text: string, bytes: number): string {
  return hash('sha256', text, 'buffer').toString('base64url', 0, bytes)
}
