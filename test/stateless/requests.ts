/** Makes and sends requests of the stateless revision. */
import { answerOf, type PostOptions, post, type RpcMessage } from '../support/raw.ts'

export const VERSION = '2026-07-28'
const PREFIX = 'io.modelcontextprotocol/'
export const META = {
  version: `${PREFIX}protocolVersion`,
  capabilities: `${PREFIX}clientCapabilities`,
  info: `${PREFIX}clientInfo`,
  logLevel: `${PREFIX}logLevel`,
  subscription: `${PREFIX}subscriptionId`,
}
export const ALL = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }

export interface StatelessRequest {
  id?: string | number
  method: string
  params?: Record<string, unknown>
  capabilities?: object
  meta?: Record<string, unknown>
}

const NAMED: Record<string, string> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' }

export function body({ id = 1, method, params = {}, capabilities = ALL, meta }: StatelessRequest) {
  const _meta = { [META.version]: VERSION, [META.capabilities]: capabilities, ...meta }
  return { jsonrpc: '2.0' as const, id, method, params: { ...params, _meta } }
}

export function headers({ method, params }: StatelessRequest): Record<string, string> {
  const name = params?.[NAMED[method] ?? '']
  return {
    'mcp-protocol-version': VERSION,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': encode(name) }),
  }
}

/** Encodes values that a header cannot carry in base64. */
export function encode(value: string): string {
  const plain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !value.startsWith('=?')
  return plain ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`
}

export async function send(url: URL | string, request: StatelessRequest, options: PostOptions = {}): Promise<Response> {
  return post(url, body(request), { ...options, headers: { ...headers(request), ...options.headers } })
}

/** The response to a request, as JSON or as the last message of a stream. */
export async function ask(
  url: URL | string,
  request: StatelessRequest,
  options: PostOptions = {},
): Promise<RpcMessage> {
  return answerOf(await send(url, request, options))
}

export const tool = (name: string, args: object = {}): StatelessRequest => ({
  method: 'tools/call',
  params: { name, arguments: args },
})

/** The retry of a request: the same request with the answers and the state. */
export function retry(request: StatelessRequest, answer: RpcMessage, inputResponses: object): StatelessRequest {
  const { requestState } = answer.result
  return { ...request, id: 'retry', params: { ...request.params, inputResponses, requestState } }
}
