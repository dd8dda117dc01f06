/** Requests to an endpoint in this process, in a session and without one. */
import type { Endpoint } from '../../lib/endpoint.ts'
import { body, META, headers as statelessHeaders } from '../stateless/requests.ts'
import { ACCEPT_BOTH, ALL_CAPABILITIES, request } from '../support/raw.ts'

export interface Connection {
  /** Sends a request of the kind's revision. Members of `params._meta` are kept. */
  send(method: string, params?: object, headers?: Record<string, string>): Promise<Response>
  /** Sends any message. */
  post(message: object, headers?: Record<string, string>): Promise<Response>
  close(): Promise<void>
}

export const REVISIONS = { session: '2025-11-25', stateless: '2026-07-28' } as const
export type Kind = keyof typeof REVISIONS

export async function connect(endpoint: Endpoint, kind: Kind, more: Record<string, string> = {}): Promise<Connection> {
  let ids = 0
  const fetch = (init: RequestInit) => endpoint.fetch(new Request('http://localhost/mcp', init))
  const post = (message: object, headers: Record<string, string> = {}) =>
    fetch({
      method: 'POST',
      body: JSON.stringify(message),
      headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers },
    })
  if (kind === 'stateless') {
    return {
      post,
      send(method, params = {}, headers = {}) {
        const asked = { id: ++ids, method, params: params as Record<string, unknown> }
        const { _meta } = params as { _meta?: Record<string, unknown> }
        const meta = { ..._meta, [META.info]: { name: 'tester', version: '7' } }
        return post(body({ ...asked, meta }), { ...statelessHeaders(asked), ...headers })
      },
      close: async () => {},
    }
  }
  const clientInfo = { name: 'tester', version: '7' }
  const opening = { protocolVersion: REVISIONS.session, capabilities: ALL_CAPABILITIES, clientInfo }
  const response = await post(request(0, 'initialize', opening), more)
  await response.text()
  const session = { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
  return {
    post: (message, headers) => post(message, { ...session, ...headers }),
    send: (method, params = {}, headers = {}) => post(request(++ids, method, params), { ...session, ...headers }),
    close: async () => void (await fetch({ method: 'DELETE', headers: session })),
  }
}
