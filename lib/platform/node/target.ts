/** Requests whose Host or target cannot be read are refused before anything makes a URL of them. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { ErrorCode } from '../../protocol/errors.ts'
import { errorText } from '../../protocol/jsonrpc.ts'
import { targetProblem } from '../target.ts'

/** Makes an HTTP server, as `createServer` of `node:http`, of which Hono's adapter uses the overload with two parameters. */
export const createCheckedServer = checkedServer as typeof createServer

function checkedServer(options: ServerOptions, listener: RequestListener): Server {
  return createServer({ ...options, requireHostHeader: false }, (request, response) => {
    if (!refuseTarget(request, response)) listener(request, response)
  })
}

/** Answers a request whose Host or target cannot be read. False: they can. */
export function refuseTarget(request: IncomingMessage, response: ServerResponse): boolean {
  const problem = problemOf(request)
  if (problem === undefined) return false
  const body = errorText({ code: ErrorCode.InvalidRequest, message: problem })
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  }
  response.writeHead(400, headers).end(body)
  return true
}

function problemOf({ url = '', headers: { host }, rawHeaders, httpVersion }: IncomingMessage): string | undefined {
  // A request of HTTP/1.0 may have no Host (RFC 9112, 3.2).
  if (host === undefined && httpVersion !== '1.0') return 'The Host header is missing.'
  if (hosts(rawHeaders) > 1) return 'The request has more than one Host header.'
  const end = url.indexOf('?')
  const target = end < 0 ? url : url.slice(0, end)
  if (target.startsWith('/')) return targetProblem(host ?? 'localhost', target)
  // The absolute form has a host of its own (RFC 9112, 3.2.2). The checks of Host must not see another one.
  const [, authority = '', path = ''] = /^https?:\/\/([^/]*)(.*)$/i.exec(target) ?? []
  if (authority.toLowerCase() === (host ?? authority).toLowerCase()) return targetProblem(authority, path || '/')
  return 'The target of the request must be a path, or an address with the host of the Host header.'
}

/** How many Host headers there are: Node keeps the first one only. */
function hosts(rawHeaders: readonly string[]): number {
  let found = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') found++
  }
  return found
}
