/** The requests of each workload, and the pattern that each response must match. */
import { type Connection, postBytes } from './connection.ts'
import { ECHO, STEPS } from './tools.ts'

export type WorkloadName = 'stateless' | 'sessionless' | 'session' | 'initialize' | 'list' | 'stream'

/** Returns the bytes of the next request of a connection. */
export type Requests = () => Buffer

export interface Workload {
  /** The pattern that the body of every response matches. */
  expects: RegExp
  /** Prepares a connection. */
  prepare(connection: Connection, revision: string, n: number, headers: Record<string, string>): Promise<Requests>
}

const STATELESS = '2026-07-28'
const CLIENT_INFO = { name: 'bench', version: '1.0.0' }
const TEXT = 'The quick brown fox jumps over the lazy dog.'
const ECHOED = /The quick brown fox/

function initializeBytes(revision: string, headers: Record<string, string> = {}): Buffer {
  const params = { protocolVersion: revision, capabilities: { elicitation: {}, roots: {} }, clientInfo: CLIENT_INFO }
  return postBytes({ jsonrpc: '2.0', id: 0, method: 'initialize', params }, headers)
}

/** Opens a session and returns its headers, with the given ones. */
export async function openSession(
  connection: Connection,
  revision: string,
  own: Record<string, string> = {},
): Promise<Record<string, string>> {
  const { status, head } = await connection.ask(initializeBytes(revision, own))
  const id = /\r\nmcp-session-id: (.*)/i.exec(head)?.[1]?.trim()
  if (status !== 200 || id === undefined) throw new Error(`initialize got ${status}: ${head}`)
  const headers = { ...own, 'Mcp-Session-Id': id, 'MCP-Protocol-Version': revision }
  await connection.ask(postBytes({ jsonrpc: '2.0', method: 'notifications/initialized', params: {} }, headers))
  return headers
}

function inSession(expects: RegExp, body: object): Workload {
  return {
    expects,
    async prepare(connection, revision, _n, headers) {
      const bytes = postBytes(body, await openSession(connection, revision, headers))
      return () => bytes
    },
  }
}

const echo = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: ECHO, arguments: { text: TEXT } } }

export const WORKLOADS: Record<WorkloadName, Workload> = {
  stateless: {
    expects: ECHOED,
    async prepare() {
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': STATELESS,
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': CLIENT_INFO,
      }
      const headers = { 'MCP-Protocol-Version': STATELESS, 'Mcp-Method': 'tools/call', 'Mcp-Name': ECHO }
      const bytes = postBytes({ ...echo, params: { ...echo.params, _meta } }, headers)
      return () => bytes
    },
  },
  /** A call of a revision with sessions, to a server that asks for none. */
  sessionless: {
    expects: ECHOED,
    async prepare(_connection, revision) {
      const bytes = postBytes(echo, { 'MCP-Protocol-Version': revision })
      return () => bytes
    },
  },
  session: inSession(ECHOED, echo),
  initialize: {
    expects: /protocolVersion/,
    async prepare(_connection, revision) {
      const bytes = initializeBytes(revision)
      return () => bytes
    },
  },
  list: inSession(/listed_49/, { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
  stream: inSession(/(?:notifications\/progress[\s\S]*){10}done/, {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: STEPS, arguments: { steps: 10 }, _meta: { progressToken: 't' } },
  }),
}

/** A workload of tool calls in many sessions in turn. */
export function acrossSessions(ids: readonly string[], connections: number): Workload {
  return {
    expects: ECHOED,
    async prepare(_connection, revision, n) {
      const template = postBytes(echo, { 'Mcp-Session-Id': ids[0] ?? '', 'MCP-Protocol-Version': revision })
      const at = template.indexOf(ids[0] ?? '')
      let next = n
      return () => {
        template.write(ids[next % ids.length] ?? '', at, 'latin1')
        next += connections
        return template
      }
    },
  }
}
