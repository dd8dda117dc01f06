/**
 * Checks a deployment from outside: `node tools/check.ts https://host/mcp [--token …]`. Prints one line for each check,
 * above all whether the platform sends a stream as it is written. Ends the session that it opens.
 */
import { parseArgs } from 'node:util'

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
}

type Note = (what: string, ok: boolean | undefined, seen: string) => void

/** @param token a bearer token, where the endpoint requires one */
export async function checkDeployment(url: URL, token?: string): Promise<Finding[]> {
  const findings: Finding[] = []
  const note: Note = (what, ok, seen) => void findings.push({ what, ok, seen })
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const plain: Connection = { url, headers: authorization }

  const clientInfo = { name: 'check', version: '1' }
  const opened = await post(plain, 'initialize', { protocolVersion: VERSION, capabilities: {}, clientInfo })
  if (opened.status === 401) {
    const challenge = opened.headers.get('www-authenticate')
    const remapped = opened.headers.has('x-amzn-remapped-www-authenticate')
    const missing = remapped ? 'renamed to x-amzn-remapped-www-authenticate' : 'no WWW-Authenticate'
    note('a client without a token gets WWW-Authenticate', challenge !== null, challenge ?? missing)
    await checkMetadata(url, note)
    return findings
  }
  const id = opened.headers.get('mcp-session-id')
  const seen = `${opened.status} ${id === null ? await text(opened) : ''}`
  note('initialize opens a session', opened.status === 200 && id !== null, seen)
  if (id === null) return findings
  const session = { url, headers: { ...authorization, 'mcp-session-id': id, 'mcp-protocol-version': VERSION } }

  const greeted = await post(session, 'notifications/initialized', undefined, true)
  note('a notification gets 202 without a body', greeted.status === 202, `${greeted.status} ${await text(greeted)}`)
  // Ten at once need several instances where an instance serves one request at a time.
  const pings = await Promise.all(Array.from({ length: 10 }, async () => (await post(session, 'ping')).status))
  const found = pings.every((status) => status === 200)
  note('10 requests at once find the session on every instance', found, pings.join(' '))

  await checkStream(session, note)
  const ended = await fetch(url, { method: 'DELETE', headers: session.headers })
  note('DELETE ends the session', ended.status === 204, `${ended.status}`)
  const after = await post(session, 'ping')
  note('a session that has ended is not found', after.status === 404, `${after.status} ${await text(after)}`)

  const stateless = await post(plain, 'server/discover', { _meta: STATELESS }, false, '2026-07-28')
  note('the stateless revision is served', stateless.status === 200, `${stateless.status}`)
  return findings
}

const STATELESS = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** The first bytes of a stream must arrive while it is open. A platform that buffers responses sends them at the end. */
async function checkStream({ url, headers }: Connection, note: Note) {
  const what = 'the first bytes of a stream arrive long before its end'
  const started = performance.now()
  const abort = new AbortController()
  const response = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' }, signal: abort.signal })
  if (response.status === 405) return note(what, undefined, '405: GET_POLICY is off, or the deployment does not stream')
  const reader = response.body?.getReader()
  await reader?.read()
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
async function checkMetadata(url: URL, note: Note): Promise<void> {
  const found = await fetch(new URL(`/.well-known/oauth-protected-resource${url.pathname}`, url))
  const body = await text(found)
  note('the well-known address has the metadata of the resource', found.status === 200, `${found.status} ${body}`)
  if (found.status !== 200) return
  const { resource } = JSON.parse(body) as { resource?: string }
  note('the metadata has the address that clients use', resource === url.href, String(resource))
}

function post({ url, headers }: Connection, method: string, params?: object, notification = false, version?: string) {
  const message = { jsonrpc: '2.0', id: notification ? undefined : 1, method, params }
  return fetch(url, {
    method: 'POST',
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

if (process.argv[1] === import.meta.filename) {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { token: { type: 'string' } } })
  const [address] = positionals
  if (address === undefined || !URL.canParse(address)) {
    console.error('Usage: node tools/check.ts https://host/mcp [--token …]')
    process.exit(2)
  }
  const findings = await checkDeployment(new URL(address), values.token)
  for (const { what, ok, seen } of findings)
    console.log(`${ok === undefined ? '?' : ok ? 'ok' : 'NO'}\t${what} (${seen.trim()})`)
  process.exit(findings.every(({ ok }) => ok !== false) ? 0 : 1)
}
