/** Asks an endpoint for what its clients need: its name, and how they get in. */
import { type Explanation, explain } from '../../connect/explain.ts'
import type { Admission } from '../../connect/types.ts'
import { isObject } from '../../protocol/jsonrpc.ts'
import { META } from '../../protocol/meta.ts'
import { STATELESS_REVISION } from '../../protocol/revisions.ts'

interface Probed {
  name?: string | undefined
  /** Undefined: it did not answer. */
  admission?: Admission | undefined
  /** Why it does not serve this request. A token that is missing is no such reason. */
  problem?: Explanation | undefined
}

/** How long the endpoint may take, in ms: an instance may have to start. */
const PATIENCE = 10_000
/** Bytes of a response. */
const MAX_BYTES = 1024 * 1024

const SERVER_INFO = 'io.modelcontextprotocol/serverInfo'

/** Never rejects: an endpoint that does not answer is a problem, and its clients can be set up all the same. */
export async function probe(url: string): Promise<Probed> {
  try {
    const response = await ask(url)
    const body = await readText(response)
    if (response.status === 401) return await signIn(response)
    if (response.status >= 300 && response.status < 400) return redirected(response)
    if (response.status !== 200)
      return { problem: explain({ status: response.status, body, headers: response.headers }) }
    const name = nameIn(body)
    return name === undefined ? { problem: NO_ENDPOINT } : { name, admission: 'open' }
  } catch (error) {
    return { problem: unreachable(error) }
  }
}

const NO_ENDPOINT: Explanation = {
  cause: 'The response is not that of an MCP endpoint.',
  cure: 'Correct the address: it ends in /mcp, unless MCP_PATH says otherwise.',
}

function ask(url: string): Promise<Response> {
  const params = {
    _meta: {
      [META.protocolVersion]: STATELESS_REVISION,
      [META.clientInfo]: { name: 'mcp-anywhere connect', version: '1' },
      [META.clientCapabilities]: {},
    },
  }
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': STATELESS_REVISION,
      'mcp-method': 'server/discover',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'server/discover', params }),
    redirect: 'manual',
    signal: AbortSignal.timeout(PATIENCE),
  })
}

/** The response to a client without a token, and the metadata that it names (RFC 9728). */
async function signIn({ headers }: Response): Promise<Probed> {
  const [, named] = /resource_metadata="([^"]+)"/.exec(headers.get('www-authenticate') ?? '') ?? []
  if (named === undefined) return { admission: 'token' }
  try {
    const response = await fetch(named, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE) })
    const metadata: unknown = JSON.parse(await readText(response))
    const { resource_name: name } = isObject(metadata) ? metadata : {}
    return { admission: 'oauth', name: typeof name === 'string' ? name : undefined }
  } catch {
    // Its public address may be out of reach from here. Clients of that address sign in all the same.
    return { admission: 'oauth' }
  }
}

function redirected({ headers, status }: Response): Probed {
  const to = headers.get('location')
  const cause = `The address redirects (status ${status})${to === null ? '' : ` to ${JSON.stringify(to.slice(0, 200))}`}.`
  return { problem: { cause, cure: 'Use the address that it redirects to: clients do not follow.' } }
}

/** The name of the server in the result of `server/discover`. */
function nameIn(body: string): string | undefined {
  const [, event] = /^data: (.*)$/m.exec(body) ?? []
  try {
    const message: unknown = JSON.parse(event ?? body)
    const result = isObject(message) && isObject(message.result) ? message.result : {}
    const meta = isObject(result._meta) ? result._meta : {}
    const info = meta[SERVER_INFO]
    const name = isObject(info) ? info.name : undefined
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}

/** The body as text, as far as it is not too long. */
async function readText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  if (body === null) return text
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > MAX_BYTES) break
    text += decoder.decode(chunk, { stream: true })
  }
  return text
}

function unreachable(error: unknown): Explanation {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  const code = cause?.code
  if (name === 'TimeoutError') return { cause: `It does not answer within ${PATIENCE / 1_000} s.`, cure: START }
  if (code === 'ECONNREFUSED') return { cause: 'Nothing listens at this address.', cure: START }
  if (code === 'ENOTFOUND') return { cause: 'There is no host of this name.', cure: 'Correct the address.' }
  return {
    cause: `It cannot be reached (${code ?? (cause?.message ?? message).slice(0, 200)}).`,
    cure: 'Correct the address, or see whether the server runs.',
  }
}

const START = 'Start the server, for example with npx mcp-anywhere dev, or name the address where it runs.'
