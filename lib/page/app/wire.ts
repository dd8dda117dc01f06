/**
 * Records what goes over HTTP: each message, the call that it belongs to, and the instance that answered. The endpoint names the
 * instance in the response to requests that have the header of the page.
 */
import type { Refused } from '../../connect/explain.ts'
import { INSTANCE_HEADER, PAGE_HEADER } from '../about.ts'
import { Changes } from './changes.ts'
import type { JsonObject } from './forms/json.ts'
import { asksOf, isAnswer, type Message, messagesOf } from './messages.ts'
import { sseReader } from './sse.ts'

export interface Entry {
  readonly number: number
  /** ms since the page was opened. */
  readonly at: number
  readonly kind: 'sent' | 'received' | 'note'
  /** The call that it belongs to. */
  readonly run: number | undefined
  /** Of a message that was sent: once the response has begun. */
  instance: string | undefined
  message?: Message
  /** The method of the request that the message answers. */
  answers?: string | undefined
  /** Of a note, or of a request without a message: a few words. */
  text?: string
  /** Of what was sent: the method of HTTP, and the status once it is there. */
  http?: { method: string; status?: number }
}

/** A question that the server has asked, and whose handler has not begun. */
interface Asked {
  run: number
  key: string
  params: string
}

export class Wire {
  /** An entry is new, or its request got a status. */
  readonly recorded = new Changes<[entry: Entry, isNew: boolean]>()
  /** The calls of questions, of requests and of the last events of streams, by their ids. */
  readonly #runs = {
    asks: new Map<string, number>(),
    requests: new Map<string, number>(),
    events: new Map<string, number>(),
  }
  readonly #asked: Asked[] = []
  /** The methods of requests, by the side that sent them and their ids. */
  readonly #methods = { sent: new Map<string, string>(), received: new Map<string, string>() }
  #count = 0
  /** The last response that was refused: the client does not pass on all of them. */
  lastRefusal: Refused | undefined

  /** Finds the number of the call that a question belongs to. The handler of the client is called after its message was recorded. */
  takeAsk(id: string | number, params: unknown): number | undefined {
    const known = this.#runs.asks.get(String(id))
    if (known !== undefined) return known
    const text = JSON.stringify(params)
    const withKey = this.#asked.filter(({ key }) => key === String(id))
    const found = withKey.find((asked) => asked.params === text) ?? withKey[0]
    if (!found) return undefined
    this.#asked.splice(this.#asked.indexOf(found), 1)
    return found.run
  }

  /** As `fetch`, for the transport of the client. */
  readonly fetch = async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers)
    const method = init.method ?? 'GET'
    const sent = typeof init.body === 'string' ? messagesOf(init.body) : []
    const run = Number(headers.get(PAGE_HEADER)) || this.#runOf(headers, sent)
    headers.set(PAGE_HEADER, String(run ?? 0))
    const entries = sent.map((message) => this.#add({ kind: 'sent', run, message, http: { method } }))
    if (sent.length === 0)
      entries.push(this.#add({ kind: 'sent', run, text: textOf(method, headers), http: { method } }))
    for (const { id, method } of sent) if (run && id !== undefined && method) this.#runs.requests.set(String(id), run)
    let response: Response
    try {
      response = await fetch(input, { ...init, headers })
    } catch (error) {
      if (!init.signal?.aborted) this.#note(run, `${method} got no response.`)
      throw error
    }
    const { status } = response
    const instance = response.headers.get(INSTANCE_HEADER) ?? undefined
    for (const entry of entries) {
      entry.instance = instance
      entry.http = { method, status }
      this.recorded.emit(entry, false)
    }
    return this.#recorded(response, run, instance, init.signal ?? undefined)
  }

  #runOf(headers: Headers, sent: readonly Message[]): number | undefined {
    const lastEvent = headers.get('last-event-id')
    if (lastEvent !== null) return this.#runs.events.get(lastEvent)
    const [first] = sent
    if (!first) return undefined
    if (isAnswer(first)) return this.#runs.asks.get(String(first.id))
    const { requestId } = first.params ?? {}
    return first.method === 'notifications/cancelled' ? this.#runs.requests.get(String(requestId)) : undefined
  }

  async #recorded(response: Response, run: number | undefined, instance: string | undefined, signal?: AbortSignal) {
    const { status, statusText, headers, body } = response
    const type = headers.get('content-type') ?? ''
    if (body && type.startsWith('text/event-stream')) {
      return new Response(this.#recordedStream(body, run, instance, signal), { status, statusText, headers })
    }
    if (!type.includes('json')) {
      if (status >= 400) this.lastRefusal = { status, headers, body: undefined }
      return response
    }
    const text = await response.text()
    if (status >= 400) this.lastRefusal = { status, headers, body: text }
    for (const message of messagesOf(text)) this.#received(message, run, instance)
    return new Response(text, { status, statusText, headers })
  }

  #recordedStream(body: ReadableStream<Uint8Array>, run: number | undefined, instance?: string, signal?: AbortSignal) {
    const reader = body.getReader()
    const decoder = new TextDecoder()
    const read = sseReader()
    const record = (chunk: Uint8Array) => {
      for (const { id, data } of read(decoder.decode(chunk, { stream: true }))) {
        if (id !== undefined && run) this.#runs.events.set(id, run)
        for (const message of data === undefined ? [] : messagesOf(data)) this.#received(message, run, instance)
      }
    }
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const { value, done } = await reader.read()
          if (done) return controller.close()
          record(value)
          controller.enqueue(value)
        } catch (error) {
          if (!signal?.aborted) this.#note(run, 'The connection broke.', instance)
          controller.error(error)
        }
      },
      cancel: (reason) => reader.cancel(reason),
    })
  }

  #received(message: Message, run: number | undefined, instance: string | undefined): void {
    if (run) {
      const { id, method } = message
      if (method !== undefined && id !== undefined) this.#runs.asks.set(String(id), run)
      for (const [key, request] of asksOf(message)) {
        this.#asked.push({ run, key, params: JSON.stringify(request.params as JsonObject | undefined) ?? '' })
      }
    }
    this.#add({ kind: 'received', run, instance, message })
  }

  #note(run: number | undefined, text: string, instance?: string): void {
    this.#add({ kind: 'note', run, instance, text })
  }

  #add(entry: Pick<Entry, 'kind' | 'run'> & Partial<Entry>): Entry {
    const answers = this.#answeredBy(entry)
    const whole: Entry = { instance: undefined, ...entry, answers, number: ++this.#count, at: performance.now() }
    this.recorded.emit(whole, true)
    return whole
  }

  /** Remembers the method of a request, and finds that of the request which an answer is for. */
  #answeredBy({ kind, message }: Pick<Entry, 'kind'> & Partial<Entry>): string | undefined {
    if (kind === 'note' || message?.id === undefined) return undefined
    const { id, method } = message
    if (method !== undefined) this.#methods[kind].set(String(id), method)
    return method === undefined ? this.#methods[kind === 'sent' ? 'received' : 'sent'].get(String(id)) : undefined
  }
}

function textOf(method: string, headers: Headers): string {
  if (method === 'DELETE') return 'end the session'
  return headers.has('last-event-id') ? 'resume the stream' : 'open the stream'
}
