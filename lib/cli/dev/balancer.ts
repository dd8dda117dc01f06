/** The round robin of `dev`: sends each request to the next instance and its response back as it is written. */
import { Agent, type ClientRequest, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { harden } from '../../platform/node/harden.ts'
import { createCheckedServer } from '../../platform/node/target.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { errorText } from '../../protocol/jsonrpc.ts'
import { Failure } from '../command.ts'

/** An instance, by the Unix socket (on Windows: the named pipe) that it listens on. */
export interface Target {
  readonly socket: string
}

/** Headers that belong to one connection (RFC 9110, 7.6.1). Node answers `Expect` by itself. */
const OF_A_CONNECTION = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect'])

export class Balancer {
  readonly #http: Server
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  #targets: readonly Target[] = []
  #turn = 0
  /** Why requests are refused while there is no target; undefined: one is about to come, and they wait for it. */
  #reason: string | undefined
  /** Requests that wait for a target. */
  #waiting: (() => void)[] = []

  constructor() {
    this.#http = createCheckedServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (incoming, outgoing) => {
      this.#serve(incoming, outgoing, new Set())
    })
    harden(this.#http)
  }

  /** @throws Failure where the port is taken */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', ({ code, message }: NodeJS.ErrnoException) =>
        reject(
          new Failure(
            code === 'EADDRINUSE'
              ? `Port ${port} is in use on ${host}. End the other process, or choose another port: --port ${port + 1}`
              : `HOST, PORT: ${message}.`,
          ),
        ),
      )
      this.#http.listen(port, host, resolve)
    })
    return (this.#http.address() as AddressInfo).port
  }

  /** From now on requests go to these. Those that are under way stay where they are. */
  use(targets: readonly Target[]): void {
    this.#targets = targets
    if (targets.length > 0) this.#reason = undefined
    this.#wake()
  }

  /** Refuses requests with this reason, while there is no target. */
  refuse(reason: string): void {
    this.#reason = reason
    this.#wake()
  }

  /** Requests wait for the next target. */
  hold(): void {
    this.#reason = undefined
  }

  close(): void {
    this.#http.close()
    this.#http.closeAllConnections()
    this.#agent.destroy()
  }

  #wake(): void {
    for (const go of this.#waiting.splice(0)) go()
  }

  #next(tried: ReadonlySet<Target>): Target | undefined {
    const all = this.#targets.filter((target) => !tried.has(target))
    return all[this.#turn++ % all.length]
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse, tried: Set<Target>): void {
    if (outgoing.destroyed) return
    const target = this.#next(tried)
    if (target) return this.#forward(incoming, outgoing, target, tried)
    if (tried.size > 0 || this.#reason !== undefined) return refuse(outgoing, this.#reason ?? 'No instance answers.')
    this.#waiting.push(() => this.#serve(incoming, outgoing, tried))
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse, target: Target, tried: Set<Target>): void {
    const upstream = request({
      socketPath: target.socket,
      agent: this.#agent,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: [...forwarded(incoming.rawHeaders), 'X-Forwarded-For', forwardedFor(incoming)],
    })
    let sent = false
    const send = () => {
      sent = true
      incoming.pipe(upstream)
    }
    upstream.once('socket', (socket) => (socket.connecting ? socket.once('connect', send) : send()))
    upstream.once('response', (response) => respond(response, outgoing))
    upstream.on('error', () => {
      // The instance has had nothing of the request: another one can have it.
      if (!sent) return this.#serve(incoming, outgoing, tried.add(target))
      if (!outgoing.headersSent) refuse(outgoing, 'The instance that had this request has ended.', 502)
      else if (!outgoing.writableFinished) outgoing.destroy()
    })
    outgoing.once('close', () => abort(upstream, outgoing))
  }
}

/** A client that has gone is noticed by the instance. */
function abort(upstream: ClientRequest, outgoing: ServerResponse): void {
  if (!outgoing.writableFinished) upstream.destroy()
}

function respond(response: IncomingMessage, outgoing: ServerResponse): void {
  const headers = withoutHeaders(response.rawHeaders, (name) => name === 'transfer-encoding')
  outgoing.writeHead(response.statusCode ?? 502, response.statusMessage, headers)
  // The head of a stream arrives before its first event.
  outgoing.flushHeaders()
  response.pipe(outgoing)
  response.once('error', () => outgoing.destroy())
}

function refuse(outgoing: ServerResponse, message: string, status = 503): void {
  const body = errorText({ code: ErrorCode.InternalError, message })
  outgoing.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
  outgoing.end(body)
}

function forwarded(raw: readonly string[]): string[] {
  return withoutHeaders(raw, (name) => name === 'x-forwarded-for')
}

function withoutHeaders(raw: readonly string[], also: (name: string) => boolean): string[] {
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const [name = '', value = ''] = [raw[i], raw[i + 1]]
    const lower = name.toLowerCase()
    if (!OF_A_CONNECTION.has(lower) && !also(lower)) kept.push(name, value)
  }
  return kept
}

/** The addresses that the client sent, and its own at the end: instances trust one proxy more than the settings name. */
function forwardedFor({ headers, socket }: IncomingMessage): string {
  const before = headers['x-forwarded-for']
  return [before, socket.remoteAddress ?? ''].filter((part) => part !== undefined).join(', ')
}
