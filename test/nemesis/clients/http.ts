/** HTTP requests of the clients, and server-sent events. Every wait has an end. */
import http from 'node:http'
import type { Place } from '../processes/fleet.ts'

export interface Message {
  jsonrpc?: string
  id?: string | number
  method?: string
  // biome-ignore lint/suspicious/noExplicitAny: messages of every shape
  params?: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  result?: any
  error?: { code: number; message: string; data?: unknown }
  /** The HTTP status that the message came with, where that matters. */
  status?: number
}

export interface StreamEvent {
  id?: string
  event?: string
  retry?: number
  data?: string
}

export interface Request {
  method: 'GET' | 'POST' | 'DELETE'
  path?: string
  headers?: Record<string, string>
  body?: unknown
  /** How long the client waits for a byte, in ms. */
  patience: number
}

/** A request that had no HTTP response, or lost its connection before the end of it. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export class Reply {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly #response: http.IncomingMessage
  readonly #patience: number

  constructor(response: http.IncomingMessage, patience: number) {
    this.status = response.statusCode ?? 0
    this.headers = response.headers
    this.#response = response
    this.#patience = patience
  }

  get isStream(): boolean {
    return this.headers['content-type'] === 'text/event-stream'
  }

  drop(): void {
    this.#response.destroy()
  }

  /** @throws Broken */
  async text(): Promise<string> {
    let text = ''
    for await (const chunk of this.#chunks()) text += chunk
    return text
  }

  /**
   * The events, until the stream ends.
   * @throws Broken
   */
  async *events(): AsyncGenerator<StreamEvent> {
    let text = ''
    for await (const chunk of this.#chunks()) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = parseEvent(block)
        if (event) yield event
      }
    }
  }

  async *#chunks(): AsyncGenerator<string> {
    const response = this.#response
    response.setEncoding('utf8')
    const timer = setTimeout(() => response.destroy(new Broken('silence')), this.#patience)
    try {
      for await (const chunk of response) {
        timer.refresh()
        yield chunk as string
      }
    } catch (error) {
      throw new Broken(error instanceof Error ? error.message : String(error))
    } finally {
      clearTimeout(timer)
      response.destroy()
    }
    if (!response.complete) throw new Broken('The response is not complete.')
  }
}

function parseEvent(block: string): StreamEvent | undefined {
  const event: StreamEvent = {}
  let found = false
  for (const line of block.split('\n')) {
    if (line === '' || line.startsWith(':')) continue
    found = true
    const colon = line.indexOf(':')
    const value = line.slice(colon + 1).replace(/^ /, '')
    const field = line.slice(0, colon)
    if (field === 'id') event.id = value
    else if (field === 'event') event.event = value
    else if (field === 'retry') event.retry = Number(value)
    else if (field === 'data') event.data = value
  }
  return found ? event : undefined
}

/** The load balancer and the connections behind it. */
export class Http {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  readonly #next: () => Place | undefined

  /** `next`: the place that gets the next request. */
  constructor(next: () => Place | undefined) {
    this.#next = next
  }

  close(): void {
    this.#agent.destroy()
  }

  /** @throws Broken */
  send({ method, path = '/mcp', headers = {}, body, patience }: Request): Promise<Reply> {
    const place = this.#next()
    if (!place) return Promise.reject(new Broken('No instance is up.'))
    const text = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const request = http.request({
        agent: this.#agent,
        host: '127.0.0.1',
        port: place.front.port,
        method,
        path,
        headers: {
          ...headers,
          ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        },
      })
      const timer = setTimeout(() => request.destroy(new Broken('No response came.')), patience)
      request.once('response', (response) => {
        clearTimeout(timer)
        resolve(new Reply(response, patience))
      })
      request.on('error', (error) => {
        clearTimeout(timer)
        reject(new Broken(error.message))
      })
      request.end(text)
    })
  }
}
