/**
 * Hands the messages of one local client to an endpoint in this process, and writes what it answers. The endpoint is the same as
 * over HTTP: what is special here is what HTTP has and lines have not. The session id is kept for the client, the headers of
 * the stateless revision are made from the message, and `notifications/cancelled` closes the response of a stateless request.
 */
import type { Endpoint } from '../endpoint.ts'
import type { FetchOptions } from '../http/fetch-options.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { errorText, isObject, isRequestId, type RequestId } from '../protocol/jsonrpc.ts'
import { META } from '../protocol/meta.ts'
import type { Dispatcher } from '../server/dispatcher.ts'
import { type SseEvent, sseEvents } from './sse.ts'

/** A POST with a request, or with a batch, which has no id. */
interface Running {
  id: RequestId | undefined
  isStateless: boolean
  controller: AbortController
}

interface BridgeParts {
  endpoint: Endpoint
  dispatcher: Dispatcher
  /** Writes a message. Resolves when the next one may follow. */
  write(text: string): Promise<void>
  /** Receives what the client cannot be told. */
  report(error: unknown): void
  /** Resolves after `ms`. */
  wait(ms: number): Promise<void>
}

const ADDRESS = 'http://localhost/mcp'
const BOTH = { accept: 'application/json, text/event-stream' }
/** ms until a response that was closed on purpose is taken up again, where the endpoint names no time. */
const RETRY = 1_000

const utf8 = new TextDecoder('utf-8', { fatal: true })

export class StdioBridge {
  readonly #parts: BridgeParts
  readonly #running = new Set<Running>()
  readonly #work = new Set<Promise<void>>()
  /** Ids of asks that the client has not answered. */
  readonly #asked = new Map<string, RequestId>()
  readonly #over = new AbortController()
  #session: string | undefined

  constructor(parts: BridgeParts) {
    this.#parts = parts
  }

  /** Takes a line. Resolves when the next one may follow: requests run on. Undefined: the line was too long. */
  async receive(line: Uint8Array | undefined): Promise<void> {
    if (line === undefined) return this.#refuse(ErrorCode.InvalidRequest, 'The message is longer than it may be.')
    let message: unknown
    try {
      message = JSON.parse(utf8.decode(line))
    } catch {
      return this.#refuse(ErrorCode.ParseError, 'The line is no JSON in UTF-8.')
    }
    const { id, method, params, result, error } = isObject(message) ? message : {}
    const isAnswer = method === undefined && (result !== undefined || error !== undefined)
    // A batch, and what is no message, too: both get something back.
    const isRequest = !isAnswer && (method === undefined || id !== undefined)
    if (method === 'notifications/cancelled' && this.#cancelled(params)) return
    if (isAnswer && isRequestId(id)) this.#asked.delete(keyOf(id))
    const work = this.#post(message, isRequest, isRequestId(id) ? id : undefined)
    // What follows may need the session, and notifications keep their order.
    if (!isRequest || method === 'initialize') await work
    if (method === 'notifications/initialized') this.#track(this.#listen())
  }

  /** The client has gone: it answers no ask. Resolves when the running requests are done. */
  async finish(): Promise<void> {
    const error = { code: ErrorCode.ServerError, message: 'The client has closed its connection.' }
    for (const id of this.#asked.values()) await this.#post({ jsonrpc: '2.0', id, error }, false, undefined)
    while (this.#running.size > 0) await Promise.race(this.#work)
  }

  /** Ends what still runs. */
  async end(): Promise<void> {
    this.#over.abort()
    await Promise.all(this.#work)
  }

  #refuse(code: number, message: string): Promise<void> {
    return this.#parts.write(errorText({ code, message }))
  }

  /** True where the request was stateless: over HTTP its client would close the response. */
  #cancelled(params: unknown): boolean {
    const { requestId } = isObject(params) ? params : {}
    const running = [...this.#running].find(({ id, isStateless }) => isStateless && id === requestId)
    running?.controller.abort()
    return running !== undefined
  }

  #track(work: Promise<void>): Promise<void> {
    const tracked: Promise<void> = work
      .catch((error) => {
        if (!this.#over.signal.aborted) this.#parts.report(error)
      })
      .finally(() => this.#work.delete(tracked))
    this.#work.add(tracked)
    return tracked
  }

  #post(message: unknown, isRequest: boolean, id: RequestId | undefined): Promise<void> {
    const stateless = this.#statelessHeaders(message)
    const controller = new AbortController()
    const running: Running = { id, isStateless: stateless !== undefined, controller }
    if (isRequest) this.#running.add(running)
    const session = stateless || this.#session === undefined ? {} : { 'mcp-session-id': this.#session }
    const headers = { ...BOTH, 'content-type': 'application/json', ...session, ...stateless }
    const work = async () => {
      try {
        const response = await this.#fetch('POST', headers, controller.signal, { parsedBody: message })
        this.#session = response.headers.get('mcp-session-id') ?? this.#session
        await this.#answer(response, isRequest, id, controller.signal)
      } catch (error) {
        if (!controller.signal.aborted) throw error
      } finally {
        this.#running.delete(running)
      }
    }
    return this.#track(work())
  }

  #fetch(
    method: string,
    headers: Record<string, string>,
    signal: AbortSignal,
    options: FetchOptions = {},
  ): Promise<Response> {
    const both = AbortSignal.any([signal, this.#over.signal])
    return this.#parts.endpoint.fetch(new Request(ADDRESS, { method, headers, signal: both }), {
      ...options,
      local: true,
    })
  }

  async #answer(response: Response, isRequest: boolean, id: RequestId | undefined, signal: AbortSignal): Promise<void> {
    if (response.headers.get('content-type') === 'text/event-stream') return this.#follow(response, id, signal)
    const text = await response.text()
    if (text === '') return
    if (isRequest) return this.#parts.write(text)
    // A notification has no response, and an answer neither.
    this.#parts.report(new Error(`A message of the client was refused: ${text}`))
  }

  /** The stream of the session, beside its calls. */
  async #listen(): Promise<void> {
    const { signal } = this.#over
    const response = await this.#get(undefined, signal)
    if (response.ok) await this.#follow(response, undefined, signal)
    else await response.body?.cancel()
  }

  #get(last: string | undefined, signal: AbortSignal): Promise<Response> {
    const resumed = last === undefined ? {} : { 'last-event-id': last }
    const session = { 'mcp-session-id': this.#session ?? '' }
    return this.#fetch('GET', { accept: 'text/event-stream', ...session, ...resumed }, signal)
  }

  /** Writes the messages of a stream. One that was closed before its response is taken up again. */
  async #follow(first: Response, id: RequestId | undefined, signal: AbortSignal): Promise<void> {
    let last: string | undefined
    let retry = RETRY
    for (let response = first; response.body; response = await this.#get(last, signal)) {
      if (!response.ok) return void (await response.body.cancel())
      for await (const event of sseEvents(response.body, signal)) {
        last = event.id || last
        retry = event.retry ?? retry
        if (await this.#pass(event, id)) return
      }
      if (last === undefined || signal.aborted || this.#over.signal.aborted) return
      await this.#parts.wait(retry)
    }
  }

  /** True for the response of the request. */
  async #pass({ data }: SseEvent, id: RequestId | undefined): Promise<boolean> {
    if (data === '') return false
    const message: unknown = JSON.parse(data)
    if (!isObject(message)) return false
    if (typeof message.method === 'string' && isRequestId(message.id)) this.#asked.set(keyOf(message.id), message.id)
    await this.#parts.write(data)
    return id !== undefined && message.method === undefined && message.id === id
  }

  /** The headers by which a client of the stateless revision repeats the body; undefined for another message. */
  #statelessHeaders(message: unknown): Record<string, string> | undefined {
    const { method, params } = isObject(message) ? message : {}
    if (typeof method !== 'string' || !isObject(params) || !isObject(params._meta)) return undefined
    const version = params._meta[META.protocolVersion]
    if (typeof version !== 'string') return undefined
    const { dispatcher } = this.#parts
    const headers: Record<string, string> = { 'mcp-protocol-version': wire(version), 'mcp-method': wire(method) }
    const row = dispatcher.methods.get(method)
    const name = row?.mirrored === undefined ? undefined : params[row.mirrored]
    if (typeof name === 'string') headers['mcp-name'] = encoded(name)
    const mirrored = row?.about === 'tool' ? dispatcher.policyOf(method, params).paramHeaders : []
    for (const { name, path } of mirrored) {
      let value: unknown = params.arguments
      for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
      if (value !== undefined && value !== null) headers[`mcp-param-${name.toLowerCase()}`] = encoded(String(value))
    }
    return headers
  }
}

function keyOf(id: RequestId): string {
  return `${typeof id} ${id}`
}

/** A header value of any text, as `=?base64?…?=`. */
function encoded(text: string): string {
  return `=?base64?${Buffer.from(text).toString('base64')}?=`
}

/** A value that is no header is another one than that of the body, and is refused. */
function wire(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : ''
}
