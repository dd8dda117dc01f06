/**
 * Signature Version 4 of AWS, for requests whose body is a text (docs.aws.amazon.com, "Create a signed AWS API request"). The one
 * request that this package sends to AWS needs nothing else of an SDK.
 */
import { createHash, createHmac } from 'node:crypto'

/** Of a role, in an execution environment: they end with it. */
interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

interface Unsigned {
  method: string
  url: URL
  /** Names in lower case. All of them are signed. */
  headers: Readonly<Record<string, string>>
  body: string
}

interface Signer {
  credentials: Credentials
  region: string
  service: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

/**
 * The headers with which `request` is sent: its own, and those of the signature.
 *
 * @param at ms since 1970. AWS refuses a signature that is five minutes off
 */
export function signed({ method, url, headers, body }: Unsigned, signer: Signer, at: number): Record<string, string> {
  const { credentials, region, service } = signer
  const time = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const all: Record<string, string> = { ...headers, host: url.host, 'x-amz-date': time }
  if (credentials.sessionToken !== undefined) all['x-amz-security-token'] = credentials.sessionToken
  const names = Object.keys(all).sort()
  const canonical = [
    method,
    // Every service but S3 encodes the path, which is encoded, once more.
    url.pathname.split('/').map(encoded).join('/'),
    query(url),
    ...names.map((name) => `${name}:${all[name]?.trim().replaceAll(/ +/g, ' ')}`),
    '',
    names.join(';'),
    hash(body),
  ].join('\n')
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`)
  const signature = createHmac('sha256', key)
    .update([ALGORITHM, time, scope, hash(canonical)].join('\n'))
    .digest('hex')
  // `fetch` sets the host itself.
  const { host: _, ...sent } = all
  const credential = `Credential=${credentials.accessKeyId}/${scope}`
  sent.authorization = `${ALGORITHM} ${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return sent
}

function query(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&')
}

/** RFC 3986: `encodeURIComponent` leaves a few characters that are reserved there. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
