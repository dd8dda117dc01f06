/** The one place that makes random ids and digests. */
import { hash, randomBytes } from 'node:crypto'

/** `bytes` random bytes, base64url: letters, digits, `-` and `_`, all visible ASCII (LS-3). */
export function randomId(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

/** The first `bytes` bytes of SHA-256 over `text`, base64url. */
export function digest(text: string, bytes: number): string {
  return hash('sha256', text, 'buffer').subarray(0, bytes).toString('base64url')
}
