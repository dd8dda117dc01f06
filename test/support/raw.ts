/** Raw HTTP requests to the endpoint, for tests that the official clients cannot express. */
import { expect } from 'vitest'

export interface SseEvent {
  id?: string
  event?: string
  retry?: number
  /** The parsed data; undefined where the data is empty. */
  message?: RpcMessage
  /** The text of the data; undefined for an event without a data line. */
  data?: string
}

export interface RpcMessage {
  jsonrpc: '2.0'
  id?: string | number
  method?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read messages of every shape
  params?: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  result?: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  error?: { code: number; message: string; data?: any }
}

/** Reads an SSE body event by event. */
export class EventReader {
  readonly response: Response
  /** All events so far, without comments. */
  readonly events: SseEvent[] = []
  comments = 0
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #abort: AbortController | undefined
  #text = ''
  #next = 0
  done = false
  /** The connection broke instead of ending. */
  broken = false
  readonly #decoder = new TextDecoder()

  constructor(response: Response, abort?: AbortController) {
    this.response = response
    if (!response.body) throw new Error('The response has no body.')
    this.#reader = response.body.getReader()
    this.#abort = abort
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<SseEvent | undefined> {
    while (this.#next >= this.events.length) {
      if (this.done) return undefined
      await this.#read()
    }
    return this.events[this.#next++]
  }

  /** The next message. Priming and retry events are skipped. */
  async message(): Promise<RpcMessage | undefined> {
    for (;;) {
      const event = await this.next()
      if (!event) return undefined
      if (event.message) return event.message
    }
  }

  /** Reads until `match` is true of a message, and returns its event. */
  async until(match: (message: RpcMessage) => boolean): Promise<SseEvent> {
    for (;;) {
      const event = await this.next()
      if (!event) throw new Error(`The stream ended without the message. It had: ${JSON.stringify(this.events)}`)
      if (event.message && match(event.message)) return event
    }
  }

  /** Reads to the end and returns every message. */
  async rest(): Promise<RpcMessage[]> {
    const messages: RpcMessage[] = []
    for (;;) {
      const message = await this.message()
      if (!message) return messages
      messages.push(message)
    }
  }

  /** The id of the last event that had one. */
  get lastId(): string | undefined {
    return this.events.findLast((event) => event.id !== undefined)?.id
  }

  /** Drops the connection. */
  drop(): void {
    this.#abort?.abort()
    this.#reader.cancel().catch(() => {})
    this.done = true
  }

  async #read(): Promise<void> {
    try {
      const { value, done } = await this.#reader.read()
      if (done) {
        this.done = true
        return
      }
      this.#text += this.#decoder.decode(value, { stream: true })
    } catch {
      this.done = true
      this.broken = true
      return
    }
    const blocks = this.#text.split('\n\n')
    this.#text = blocks.pop() ?? ''
    for (const block of blocks) this.#parse(block)
  }

  #parse(block: string): void {
    const event: SseEvent = {}
    let seen = false
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) {
        this.comments++
        continue
      }
      if (line === '') continue
      seen = true
      const colon = line.indexOf(':')
      const field = line.slice(0, colon)
      const value = line.slice(colon + 1).replace(/^ /, '')
      if (field === 'id') event.id = value
      else if (field === 'event') event.event = value
      else if (field === 'retry') event.retry = Number(value)
      else if (field === 'data') event.data = value
    }
    if (!seen) return
    if (event.data && (event.event ?? 'message') === 'message') event.message = JSON.parse(event.data) as RpcMessage
    this.events.push(event)
  }
}

export interface RawSession {
  id: string
  version: string
}

export const ACCEPT_BOTH = 'application/json, text/event-stream'

export interface PostOptions {
  session?: RawSession | undefined
  headers?: Record<string, string>
  accept?: string
}

function headersOf(options: PostOptions): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: options.accept ?? ACCEPT_BOTH,
    ...(options.session && { 'mcp-session-id': options.session.id, 'mcp-protocol-version': options.session.version }),
    ...options.headers,
  }
}

export async function post(url: URL | string, body: unknown, options: PostOptions = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: headersOf(options),
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** Sends a POST whose response must be a stream. */
export async function postStream(url: URL | string, body: unknown, options: PostOptions = {}): Promise<EventReader> {
  const abort = new AbortController()
  const response = await fetch(url, {
    method: 'POST',
    headers: headersOf(options),
    body: JSON.stringify(body),
    signal: abort.signal,
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  return new EventReader(response, abort)
}

export async function openGet(url: URL | string, session: RawSession, lastEventId?: string): Promise<Response> {
  return fetch(url, {
    headers: {
      accept: 'text/event-stream',
      'mcp-session-id': session.id,
      'mcp-protocol-version': session.version,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
  })
}

/** Sends a GET whose response must be a stream. */
export async function getStream(url: URL | string, session: RawSession, lastEventId?: string): Promise<EventReader> {
  const abort = new AbortController()
  const response = await fetch(url, {
    signal: abort.signal,
    headers: {
      accept: 'text/event-stream',
      'mcp-session-id': session.id,
      'mcp-protocol-version': session.version,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
  })
  if (response.status !== 200) throw new Error(`GET answered ${response.status}: ${await response.text()}`)
  return new EventReader(response, abort)
}

export const ALL_CAPABILITIES = { sampling: { tools: {} }, elicitation: { form: {}, url: {} }, roots: {} }

export async function initialize(
  url: URL | string,
  version = '2025-11-25',
  capabilities: object = ALL_CAPABILITIES,
  headers: Record<string, string> = {},
): Promise<RawSession> {
  const response = await post(
    url,
    {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: version, capabilities, clientInfo: { name: 'raw', version: '1' } },
    },
    { headers },
  )
  const text = await response.text()
  if (response.status !== 200) throw new Error(`initialize answered ${response.status}: ${text}`)
  const id = response.headers.get('mcp-session-id')
  if (!id) throw new Error('initialize gave no session id')
  const session = { id, version: (JSON.parse(text) as RpcMessage).result.protocolVersion as string }
  const initialized = await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, { session, headers })
  const answer = await initialized.text()
  if (initialized.status !== 202) throw new Error(`notifications/initialized answered ${initialized.status}: ${answer}`)
  return session
}

export function request(id: string | number, method: string, params?: object): object {
  return { jsonrpc: '2.0', id, method, ...(params && { params }) }
}

export function toolCall(id: string | number, name: string, args: object = {}, meta?: object): object {
  return request(id, 'tools/call', { name, arguments: args, ...(meta && { _meta: meta }) })
}

/** Sends a request and returns its response, from JSON or from the end of a stream. */
export async function call(url: URL | string, session: RawSession, message: object): Promise<RpcMessage> {
  return answerOf(await post(url, message, { session }))
}

export async function answerOf(response: Response): Promise<RpcMessage> {
  if (response.headers.get('content-type') === 'text/event-stream') {
    const messages = await new EventReader(response).rest()
    return messages.at(-1) ?? { jsonrpc: '2.0' }
  }
  return (await response.json()) as RpcMessage
}
