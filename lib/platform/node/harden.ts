/** Protection of Node's HTTP server against clients that send invalid requests or do not read their responses. */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ErrorCode } from '../../protocol/errors.ts'
import { errorText } from '../../protocol/jsonrpc.ts'

/** How long a client may read nothing while bytes wait for it, in ms. */
const PATIENCE = 60_000

const REFUSALS: Record<string, [number, string, string]> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'The headers of the request are too large.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Payload Too Large', 'The chunk extensions of the request are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request took too long to arrive.'],
}
const MALFORMED: [number, string, string] = [400, 'Bad Request', 'This is no HTTP request.']

/** Answers invalid HTTP with a JSON-RPC error, and closes connections whose clients have stopped reading. */
export function harden<S extends Server>(http: S, patience = PATIENCE): S {
  http.on('clientError', refuse)
  const progress = new Map<Socket, number>()
  http.on('connection', (socket: Socket) => {
    progress.set(socket, 0)
    socket.once('close', () => progress.delete(socket))
  })
  const timer = setInterval(() => cutStalled(progress), patience)
  timer.unref()
  http.once('close', () => clearInterval(timer))
  return http
}

export interface AnsweringSocket extends Socket {
  /** The response that Node is writing to this socket. */
  _httpMessage?:
    | (Pick<ServerResponse, 'headersSent' | 'shouldKeepAlive' | 'finished' | 'req'> & { _last?: boolean })
    | null
}

function refuse(error: NodeJS.ErrnoException, socket: AnsweringSocket): void {
  const [status, reason, message] = REFUSALS[error.code ?? ''] ?? MALFORMED
  if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy()
    return
  }
  const body = errorText({ code: ErrorCode.InvalidRequest, message })
  const head = `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json\r\n`
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy())
}

/** @param progress bytes that each client had read at the last check; -1 where no byte waited for it */
function cutStalled(progress: Map<Socket, number>): void {
  for (const [socket, before] of progress) {
    const waiting = socket.writableLength
    const taken = socket.bytesWritten - waiting
    if (waiting > 0 && taken === before) socket.destroy()
    progress.set(socket, waiting > 0 ? taken : -1)
  }
}
