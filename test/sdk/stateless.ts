/** Requests of the stateless revision to endpoints in this process. */
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import type { Servable } from '../../lib/sdk/official.ts'
import { body, headers, retry, type StatelessRequest } from '../stateless/requests.ts'
import { ACCEPT_BOTH, answerOf, EventReader, type RpcMessage } from '../support/raw.ts'

/** The key of every endpoint of these tests. */
const keys = [Buffer.alloc(32, 'a key for tests')]

export function endpointOf(server: Servable, options: EndpointOptions = {}): Endpoint {
  return createEndpoint(server, { keys, ...options })
}

export interface SendOptions {
  accept?: string
  signal?: AbortSignal
  /** The caller, as a middleware gives it. */
  clientId?: string
}

export function send(endpoint: Endpoint, request: StatelessRequest, options: SendOptions = {}): Promise<Response> {
  const { accept = ACCEPT_BOTH, signal, clientId } = options
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers(request) },
    body: JSON.stringify(body(request)),
    ...(signal && { signal }),
  }
  const auth = clientId === undefined ? undefined : { token: clientId, clientId, scopes: [], extra: { sub: clientId } }
  return endpoint.fetch(new Request('http://localhost/mcp', init), auth && { auth })
}

/** The retry of a request that was asked for a name. */
export function answered(request: StatelessRequest, asked: RpcMessage, name = 'Ada', key = 'elicit-1') {
  return retry(request, asked, { [key]: { action: 'accept', content: { name } } })
}

/** All messages of the response to a request. */
export async function messages(
  endpoint: Endpoint,
  request: StatelessRequest,
  options: SendOptions = {},
): Promise<RpcMessage[]> {
  const response = await send(endpoint, request, options)
  if (response.headers.get('content-type') === 'text/event-stream') return new EventReader(response).rest()
  return [(await response.json()) as RpcMessage]
}

/** The response to a request. */
export async function ask(
  endpoint: Endpoint,
  request: StatelessRequest,
  options: SendOptions = {},
): Promise<RpcMessage> {
  return answerOf(await send(endpoint, request, options))
}
