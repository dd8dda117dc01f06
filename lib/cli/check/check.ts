/**
 * Checks a deployment from outside, above all whether the platform sends a stream as it is written. Ends the session that it
 * opens.
 */

interface Finding {
  what: string
  /** undefined: the check was not possible, or the settings of the deployment turn the feature off. */
  ok: boolean | undefined
  seen: string
}

const VERSION = '2025-11-25'

interface Connection {
  url: URL
  headers: Record<string, string>
  /** How long a response may take, in ms. */
  patience: number
}

interface CheckOptions {
  /** A bearer token, where the endpoint requires one. */
  token?: string | undefined
  /** How long a response may take, in ms. Default 30,000: an instance may have to start. */
  patience?: number | undefined
}

type Note = (what: string, ok: boolean | undefined, seen: string) => void

/** The finding of an address that cannot be reached, or fails in between. */
const ANSWERS = 'the address answers'

/** Nothing answered at the address: there is no finding of a deployment. */
export function isUnreached([first, second]: readonly Finding[]): boolean {
  return first?.what === ANSWERS && second === undefined
}

/** An address that cannot be reached, or fails in between, is a finding too. */
export async function checkDeployment(url: URL, options: CheckOptions = {}): Promise<Finding[]> {
  const findings: Finding[] = []
  const note: Note = (what, ok, seen) => void findings.push({ what, ok, seen: seen.replace(/\s+/g, ' ').trim() })
  try {
    await check(url, options, note)
  } catch (error) {
    note(ANSWERS, false, reasonOf(error, url))
  }
  return findings
}

async function check(url: URL, { token, patience = 30_000 }: CheckOptions, note: Note): Promise<void> {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const plain: Connection = { url, headers: authorization, patience }

  const clientInfo = { name: 'check', version: '1' }
  const opened = await post(plain, 'initialize', { protocolVersion: VERSION, capabilities: {}, clientInfo })
  if (opened.status === 401 && token !== undefined) {
    return note('the endpoint takes the token', false, `401 ${await text(opened)}`)
  }
  if (opened.status === 401) return checkChallenge(plain, opened, note)
  const id = opened.headers.get('mcp-session-id')
  const body = id === null ? await text(opened) : ''
  if (id === null && !isJsonRpc(body)) {
    return note(
      'an MCP endpoint is at the address',
      false,
      `${opened.status} ${opened.headers.get('content-type')} ${body}`,
    )
  }
  note('initialize opens a session', opened.status === 200 && id !== null, `${opened.status} ${body}`)
  if (id === null) return
  const headers = { ...authorization, 'mcp-session-id': id, 'mcp-protocol-version': VERSION }
  const session: Connection = { url, headers, patience }

  const greeted = await post(session, 'notifications/initialized', undefined, true)
  note('a notification gets 202 without a body', greeted.status === 202, `${greeted.status} ${await text(greeted)}`)
  // Ten at once need several instances where an instance serves one request at a time.
  const pings = await Promise.all(Array.from({ length: 10 }, async () => (await post(session, 'ping')).status))
  const found = pings.every((status) => status === 200)
  note('10 requests at once find the session on every instance', found, pings.join(' '))

  await checkHeaders(session, note)
  await checkStream(session, note)
  const ended = await fetch(url, { method: 'DELETE', headers, signal: AbortSignal.timeout(patience) })
  note('DELETE ends the session', ended.status === 204, `${ended.status}`)
  const after = await post(session, 'ping')
  note('a session that has ended is not found', after.status === 404, `${after.status} ${await text(after)}`)

  const stateless = await post(plain, 'server/discover', { _meta: STATELESS }, false, '2026-07-28')
  note('the stateless revision is served', stateless.status === 200, `${stateless.status}`)
  if (token === undefined) return
  const without = { url, headers: {}, patience }
  const refused = await post(without, 'ping')
  if (refused.status === 401) return checkChallenge(without, refused, note)
  note('a client without a token is refused', false, `${refused.status} ${await text(refused)}`)
}

/** How a client without a token finds the authorization server. */
async function checkChallenge(connection: Connection, refused: Response, note: Note): Promise<void> {
  const challenge = refused.headers.get('www-authenticate')
  const remapped = refused.headers.has('x-amzn-remapped-www-authenticate')
  const missing = remapped ? 'renamed to x-amzn-remapped-www-authenticate' : 'no WWW-Authenticate'
  note('a client without a token gets WWW-Authenticate', challenge !== null, challenge ?? missing)
  return checkMetadata(connection, note)
}

function isJsonRpc(body: string): boolean {
  return parsed(body)?.jsonrpc === '2.0' || body.startsWith('event:') || body.startsWith('data:')
}

/** Undefined where the text is not a JSON object. */
function parsed(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Why no response came, as the end of a sentence. */
function reasonOf(error: unknown, { hostname, host }: URL): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `${host} took too long to answer`
  const cause = error.cause instanceof AggregateError ? error.cause.errors[0] : error.cause
  const { code = '', message } = (cause instanceof Error ? cause : error) as NodeJS.ErrnoException
  if (/^(ENOTFOUND|EAI_)/.test(code)) return `the name ${hostname} is not known: ${code}`
  if (code === 'ECONNREFUSED') return `nothing listens at ${host}: ${code}`
  if (/TIMEDOUT|TIMEOUT/.test(code)) return `${host} took too long to answer: ${code}`
  if (/CERT|SSL|TLS|SIGNATURE|^EPROTO$/.test(code)) return `TLS failed: ${code}, ${message}`
  return [code, message].filter((part) => part !== '').join(', ')
}

const STATELESS = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** The first bytes of a stream must arrive while it is open. A platform that buffers responses sends them at the end. */
async function checkStream({ url, headers, patience }: Connection, note: Note) {
  const what = 'the first bytes of a stream arrive long before its end'
  const started = performance.now()
  const abort = new AbortController()
  const late = setTimeout(() => abort.abort(new DOMException('The stream has no bytes.', 'TimeoutError')), patience)
  const response = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' }, signal: abort.signal })
  if (response.status === 405) clearTimeout(late)
  if (response.status === 405) return note(what, undefined, '405: GET_POLICY is off, or the deployment does not stream')
  const reader = response.body?.getReader()
  await reader?.read()
  clearTimeout(late)
  const first = performance.now()
  // With GET_POLICY hold the stream does not end: 5 s of it are enough.
  const timer = setTimeout(() => abort.abort(), 5_000)
  let end = 'was still open'
  try {
    while (!(await reader?.read())?.done);
    end = `ended after ${Math.round(performance.now() - started)} ms`
  } catch {
    // Aborted.
  }
  clearTimeout(timer)
  const ok = response.status === 200 && performance.now() - first > 250
  note(what, ok, `${response.status}, first after ${Math.round(first - started)} ms, ${end}`)
}

/** RFC 9728, at the path that clients try where no header names another one. */
async function checkMetadata({ url, patience }: Connection, note: Note): Promise<void> {
  const at = new URL(`/.well-known/oauth-protected-resource${url.pathname}`, url)
  const found = await fetch(at, { signal: AbortSignal.timeout(patience) })
  const body = await found.text()
  const seen = `${found.status} ${body.slice(0, 500)}`
  note('the well-known address has the metadata of the resource', found.status === 200, seen)
  if (found.status !== 200) return
  const resource = parsed(body)?.resource
  note('the metadata has the address that clients use', resource === url.href, String(resource))
}

/** What a gateway in front may have changed, and limits that the endpoint must have behind it. */
async function checkHeaders(session: Connection, note: Note): Promise<void> {
  const sent = async (headers: Record<string, string>, params?: object) => {
    const response = await post({ ...session, headers: { ...session.headers, ...headers } }, 'ping', params)
    return { status: response.status, seen: `${response.status} ${await text(response)}` }
  }
  // An endpoint that gets the header refuses this one.
  const version = await sent({ 'mcp-protocol-version': '1900-01-01' })
  note('the headers of MCP reach the endpoint', version.status === 400, version.seen)
  const page = await sent({ origin: 'https://check.invalid' })
  const everyPage = page.status === 200 ? undefined : page.status === 403
  note(
    'a web page of another origin is refused',
    everyPage,
    page.status === 200 ? '200: ALLOWED_ORIGINS is *' : page.seen,
  )
  const nested = await sent({}, { nested: JSON.parse('['.repeat(500) + ']'.repeat(500)) })
  note('a message that is nested too deeply is refused', nested.status === 400, nested.seen)
}

function post(
  { url, headers, patience }: Connection,
  method: string,
  params?: object,
  notification = false,
  version?: string,
) {
  const message = { jsonrpc: '2.0', id: notification ? undefined : 1, method, params }
  return fetch(url, {
    method: 'POST',
    signal: AbortSignal.timeout(patience),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
      ...(version !== undefined && { 'mcp-protocol-version': version, 'mcp-method': method }),
    },
    body: JSON.stringify(message),
  })
}

async function text(response: Response): Promise<string> {
  return (await response.text()).slice(0, 500)
}
