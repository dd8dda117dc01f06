/** An authority and certificates that it signed, for tests of TLS. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificates {
  /** The path of the authority's certificate. */
  ca: string
  /**
   * Makes a certificate. Returns the paths of it and of its key.
   *
   * @param more arguments of openssl: `-addext subjectAltName=DNS:localhost`, or `-passout pass:…` for a key with a passphrase
   */
  issue(name: string, ...more: string[]): { cert: string; key: string }
  remove(): void
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '2']

export function makeAuthority(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-tls-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  openssl('req', '-x509', ...EC, '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test ca')
  return {
    ca: join(folder, 'ca.pem'),
    issue(name, ...more) {
      const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
      const open = more.includes('-passout') ? [] : ['-nodes']
      const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-subj', `/CN=${name}`]
      openssl('req', '-x509', ...by, ...EC, ...open, '-keyout', key, '-out', cert, ...more)
      return { cert, key }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
