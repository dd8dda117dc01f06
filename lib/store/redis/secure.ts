/** TLS to Redis: own authorities, the certificate of this client, and whose certificates are accepted. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, createSecureContext } from 'node:tls'
import type { Pem, RedisTls } from './given.ts'

const NAMES = {
  ca: 'The authority of Redis (REDIS_TLS_CA, or the option tls.ca)',
  cert: 'The certificate for Redis (REDIS_TLS_CERT, or the option tls.cert)',
  key: 'The key for Redis (REDIS_TLS_KEY, or the option tls.key)',
  passphrase: 'The passphrase for Redis (REDIS_TLS_KEY_PASSPHRASE, or the option tls.passphrase)',
  servername: 'The name of Redis (REDIS_TLS_SERVERNAME, or the option tls.servername)',
  insecure: 'REDIS_TLS_INSECURE (or the option tls.insecure)',
} as const satisfies Record<keyof RedisTls, string>

/** Why options of TLS cannot be given: there is no address, or it is one without TLS. */
export function tlsWithoutNeed(tls: RedisTls, why: string): string {
  const [name = 'ca'] = Object.entries(tls).flatMap(([option, value]) =>
    value === undefined ? [] : [option as keyof RedisTls],
  )
  return `${NAMES[name]} is for TLS, and ${why}. TLS is written as rediss:// (or rediss+cluster://, rediss+sentinel://).`
}

/**
 * The options with which connections are made. Files are read again for each connection, so that a certificate that was renewed
 * is used; where they cannot be read then, the earlier one is.
 *
 * @param hosts of the address. Where a cluster or a Sentinel names a server by its IP address, its certificate may be for one of these
 * @throws TypeError with one line
 */
export function secureOptions(tls: RedisTls, hosts: readonly string[]): ConnectionOptions {
  const { ca, cert, key, servername, insecure } = tls
  const own = ca ?? cert ?? key
  if (own === undefined && tls.passphrase !== undefined) throw new TypeError(`${NAMES.passphrase} needs a key.`)
  let context = own === undefined ? undefined : readContext(tls)
  const options: ConnectionOptions = {
    ...(servername !== undefined && { servername }),
    ...(insecure && { rejectUnauthorized: false }),
    checkServerIdentity(host, certificate) {
      const fault = checkServerIdentity(host, certificate)
      if (fault === undefined || isIP(host) === 0) return fault
      // Some services with an authority of their own have the address as the common name, where Node does not look for it.
      const isCommonName = ca !== undefined && certificate.subject?.CN === host
      const isNamed = isCommonName || hosts.some((name) => checkServerIdentity(name, certificate) === undefined)
      return isNamed ? undefined : fault
    },
  }
  if (context === undefined) return options
  const get = () => {
    try {
      context = readContext(tls)
    } catch {
      // The files are being replaced.
    }
    return context
  }
  return Object.defineProperty(options, 'secureContext', { enumerable: true, get })
}

function readContext(tls: RedisTls) {
  const ca = tls.ca === undefined ? undefined : certificates(tls.ca, NAMES.ca)
  if (tls.cert === undefined && tls.key === undefined) return createSecureContext({ ca })
  if (tls.cert === undefined) throw new TypeError(`${NAMES.key} needs a certificate (REDIS_TLS_CERT, tls.cert).`)
  if (tls.key === undefined) throw new TypeError(`${NAMES.cert} needs its key (REDIS_TLS_KEY, tls.key).`)
  const cert = certificates(tls.cert, NAMES.cert)
  const key = pem(tls.key, NAMES.key)
  const { passphrase } = tls
  if (!fits(cert[0] ?? '', key, passphrase)) throw new TypeError(`${NAMES.key} is not that of the certificate.`)
  return createSecureContext({ ca, cert: cert.join('\n'), key, passphrase })
}

function fits(cert: string, key: string, passphrase: string | undefined): boolean {
  let read: ReturnType<typeof createPrivateKey>
  try {
    read = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
  } catch {
    const encrypted = key.includes('ENCRYPTED')
    const why = encrypted
      ? 'cannot be opened: its passphrase (REDIS_TLS_KEY_PASSPHRASE, tls.passphrase) is missing or wrong'
      : 'is no private key'
    throw new TypeError(`${NAMES.key} ${why}.`)
  }
  return new X509Certificate(cert).checkPrivateKey(read)
}

function certificates(value: Pem, name: string): string[] {
  const found = pem(value, name).match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  try {
    for (const one of found) new X509Certificate(one)
  } catch {
    throw new TypeError(`${name} has a certificate that cannot be read.`)
  }
  if (found.length === 0) throw new TypeError(`${name} has no certificate in it.`)
  return found
}

/** The text of a value is not repeated: it may be a key. */
function pem(value: Pem, name: string): string {
  const given = typeof value === 'string' ? value : Buffer.from(value).toString()
  // Files of variables have a text in one line.
  if (given.includes('-----BEGIN ')) return given.replaceAll('\\n', '\n')
  const decoded = /^[\w+/=\s]+$/.test(given) ? Buffer.from(given, 'base64').toString() : ''
  if (decoded.includes('-----BEGIN ')) return decoded
  const read = fileText(given, name)
  if (!read.includes('-----BEGIN ')) throw new TypeError(`${name} is a file without PEM (-----BEGIN …).`)
  return read
}

function fileText(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown error'
    throw new TypeError(`${name} is neither PEM nor a file that can be read (${code}).`)
  }
}
