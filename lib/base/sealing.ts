/** Sealing with AES-256-GCM and a ring of keys: the first key seals, every key opens, so that a key can be replaced. */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto'

const IV_BYTES = 12
const TAG_BYTES = 16

export interface Sealer {
  /** Seals `text` for one context; base64url. */
  seal(text: string, context: string): string
  /**
   * Opens a text that a key of the ring sealed for the same context. Undefined: another key or context, or a changed
   * text.
   */
  open(sealed: string, context: string): string | undefined
}

/** A key is too short or is not base64, or there is no key. */
class BadKey extends Error {
  override readonly name = 'BadKey'
}

/**
 * Reads a ring: base64 keys of 32 bytes or more, separated by commas.
 * @throws BadKey
 */
export function readKeyRing(text: string): Uint8Array[] {
  return text.split(',').map((part) => {
    const trimmed = part.trim()
    const key = Buffer.from(trimmed, 'base64')
    if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(trimmed) || key.length < 32) {
      throw new BadKey('each key must be base64 of 32 bytes or more (openssl rand -base64 32)')
    }
    return key
  })
}

/** A random key, for a process that is configured without one. */
export function randomKey(): Uint8Array {
  return randomBytes(32)
}

/**
 * Makes a sealer whose keys are derived from the ring for one use: a text sealed for one use does not open for another.
 */
export function createSealer(ring: readonly Uint8Array[], use: string): Sealer {
  // Key objects are made once: making one from bytes for each use takes several times as long as the cipher.
  const keys = ring.map((key) => createSecretKey(Buffer.from(hkdfSync('sha256', key, '', `mcp-anywhere/${use}`, 32))))
  const [first] = keys
  if (!first) throw new BadKey('a key ring needs one key or more')
  return {
    seal(text, context) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', first, iv).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url')
      // Buffer.from is lenient: another text with the same bytes is refused.
      if (bytes.length < IV_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) return undefined
      const iv = bytes.subarray(0, IV_BYTES)
      const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)
      const body = bytes.subarray(IV_BYTES + TAG_BYTES)
      for (const key of keys) {
        try {
          const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
          decipher.setAAD(Buffer.from(context)).setAuthTag(tag)
          return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
        } catch {
          // Another key of the ring may have sealed the text.
        }
      }
      return undefined
    },
  }
}
