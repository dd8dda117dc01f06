/** `subscriptions/listen`: a stream of the changes that a client asked for, on whichever instance it was opened. */

import type { HeldBytes } from '../base/byte-budget.ts'
import type { Timer } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { MAX_LISTENED, MAX_LISTENED_CHARACTERS } from '../protocol/bounds.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest, RawJson, RequestId } from '../protocol/jsonrpc.ts'
import { isObject, notificationText, resultText } from '../protocol/jsonrpc.ts'
import { META } from '../protocol/meta.ts'
import { SSE_COMMENT, sseMessage } from '../protocol/sse.ts'
import type { ServerCapabilities } from '../protocol/types.ts'
import { UriSet } from '../protocol/uri.ts'
import type { Caller } from '../runtime/caller.ts'
import type { HeldConnection } from '../runtime/held.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Mail } from '../runtime/mail.ts'
import { tooManyBytes } from '../runtime/refusals.ts'
import type { ResponseWriter, StreamSource } from '../runtime/reply.ts'
import { at, before } from '../runtime/timers.ts'
import type { ChangeEntry, Owner } from '../store/store.ts'

interface Filter {
  /** The lists whose changes are sent. */
  lists: (typeof LISTS)[number][]
  uris: UriSet
}

const LISTS = ['tools', 'prompts', 'resources'] as const

interface ListenParts {
  /** Makes a result complete, as the revision has it. */
  complete(result: JsonObject): RawJson
  /** Whether the client may learn that a resource has changed. */
  mayHear(uri: string): boolean
  /** The tasks that the client waits for. */
  tasks?: WatchedTasks | undefined
}

/** The tasks of a stream: each change of one is sent with its state then. */
export interface WatchedTasks {
  /** Those that are honoured. */
  readonly ids: string[]
  /** @param watcher the name of the stream; `send` takes the parameters of `notifications/tasks` */
  open(watcher: string, send: (params: JsonObject) => void): Promise<void>
  receive(mail: Mail): Promise<void> | undefined
  beat(): Promise<void>
}

export class Listening implements HeldConnection, StreamSource {
  readonly token = randomId(6)
  readonly #instance: Instance
  /** Nothing else is kept of the request. */
  readonly #id: RequestId
  /** Counts the URIs of the filter. */
  readonly #held: HeldBytes
  readonly #principal: string
  readonly #parts: ListenParts
  readonly #filter: Filter
  readonly #meta: JsonObject
  #writer: ResponseWriter | undefined
  /** Messages to send when the response begins, or when its reader has caught up. Equal messages are sent once. */
  readonly #queue = new Set<string>()
  #done = false
  /** The planned end has come. A response that has not begun ends as it begins. */
  #ending = false
  #planned: Timer | undefined
  /** Fires when the access token of the request expires. */
  #until: Timer | undefined

  /** @throws ProtocolError -32602, or Refusal 503 where the instance cannot keep the URIs */
  constructor(
    instance: Instance,
    request: JsonRpcRequest,
    parts: ListenParts,
    offered: ServerCapabilities,
    caller: Pick<Caller, 'client' | 'principal'>,
  ) {
    this.#instance = instance
    this.#id = request.id
    this.#principal = caller.principal
    this.#parts = parts
    this.#filter = readFilter(request.params?.notifications, offered)
    this.#meta = { [META.subscriptionId]: request.id }
    this.#held = instance.memory.hold(caller.client)
    if (!this.#held.grow(bytesOf(this.#filter.uris))) throw tooManyBytes(request.id)
  }

  /** Begins to receive changes, before the client gets the acknowledgement. */
  async open(deadline: number | undefined, until?: number): Promise<void> {
    this.#instance.add('connection', this)
    this.#planned = before(this.#instance.clock, deadline, this.#instance.options.abandonBefore, 0.25, () =>
      this.drain(),
    )
    this.#until = at(this.#instance.clock, until, () => this.drain())
    try {
      // If the store cannot be reached now, changes would be missed: the request fails and nothing is acknowledged.
      await Promise.all([this.#instance.attend(), this.#instance.store.ping()])
      const { tasks } = this.#parts
      if (tasks) {
        const watcher = this.#instance.name(this.token)
        await tasks.open(watcher, (params) => this.#send(this.#message('notifications/tasks', params)))
      }
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  attach(writer: ResponseWriter): void {
    this.#writer = writer
    const { lists, uris } = this.#filter
    const notifications: JsonObject = Object.fromEntries(lists.map((list) => [`${list}ListChanged`, true]))
    if (uris.size > 0) notifications.resourceSubscriptions = [...uris]
    if (this.#parts.tasks) notifications.taskIds = this.#parts.tasks.ids
    writer.write(this.#message('notifications/subscriptions/acknowledged', { notifications }))
    this.#flush()
    if (this.#ending || this.#instance.draining) this.drain()
  }

  detached(): void {
    this.#writer = undefined
    this.#leave()
  }

  changes(entries: ChangeEntry[]): void {
    if (this.#done) return
    const { lists, uris } = this.#filter
    // Changes that come together are often of the same list or resource.
    const texts = new Set<string>()
    for (const { change } of entries) {
      if (change.to !== undefined && change.to !== this.#principal) continue
      if (change.kind === 'updated') {
        for (const uri of uris.spellings(change)) {
          if (this.#parts.mayHear(uri)) texts.add(this.#message('notifications/resources/updated', { uri }))
        }
      } else if (lists.includes(change.kind)) texts.add(this.#message(`notifications/${change.kind}/list_changed`, {}))
    }
    for (const text of texts) this.#send(text)
  }

  #message(method: string, params: JsonObject): string {
    return sseMessage(notificationText(method, { ...params, _meta: this.#meta }))
  }

  #send(text: string): void {
    if (this.#writer && !this.#writer.room) return this.#writer.write(text)
    if (this.#queue.size === 0) this.#writer?.room?.then(() => this.#flush())
    this.#queue.add(text)
  }

  #flush(): void {
    for (const text of this.#queue) this.#writer?.write(text)
    this.#queue.clear()
  }

  beat(): void {
    if (!this.#writer?.room) this.#writer?.write(SSE_COMMENT)
    const looked = this.#done ? undefined : this.#parts.tasks?.beat()
    if (looked) void this.#instance.track(looked)
  }

  /** Sends the result of the request and ends the stream. */
  drain(): void {
    this.#ending = true
    const writer = this.#writer
    if (!writer) return
    this.#flush()
    writer.write(sseMessage(resultText(this.#id, this.#parts.complete({ _meta: this.#meta }))))
    this.#writer = undefined
    this.#leave()
    writer.end()
  }

  close(): void {
    this.drain()
    this.#leave()
  }

  receive(mail: Mail): void {
    const looked = this.#done ? undefined : this.#parts.tasks?.receive(mail)
    if (looked) void this.#instance.track(looked)
  }
  *owners(): Iterable<Owner> {}
  ownerLost(): void {}

  #leave(): void {
    if (!this.#done) this.#held.release()
    this.#done = true
    this.#planned?.cancel()
    this.#until?.cancel()
    this.#queue.clear()
    this.#instance.remove(this)
  }
}

function bytesOf(uris: Iterable<string>): number {
  let bytes = 0
  for (const uri of uris) bytes += uri.length
  return bytes
}

/** The part of the client's filter that the server offers. No more is acknowledged. */
function readFilter(value: unknown, offered: ServerCapabilities): Filter {
  if (!isObject(value)) {
    throw new ProtocolError(ErrorCode.InvalidParams, '"notifications" must be an object that names what to listen for.')
  }
  for (const list of LISTS) {
    const wanted = value[`${list}ListChanged`] ?? false
    if (typeof wanted === 'boolean') continue
    throw new ProtocolError(ErrorCode.InvalidParams, `"notifications.${list}ListChanged" must be true or false.`)
  }
  const uris = value.resourceSubscriptions ?? []
  if (!Array.isArray(uris) || uris.length > MAX_LISTENED || !uris.every((uri) => typeof uri === 'string')) {
    throw new ProtocolError(ErrorCode.InvalidParams, `"resourceSubscriptions" must be at most ${MAX_LISTENED} URIs.`)
  }
  if (bytesOf(uris) > MAX_LISTENED_CHARACTERS) {
    const message = `The URIs in "resourceSubscriptions" may have ${MAX_LISTENED_CHARACTERS} characters together.`
    throw new ProtocolError(ErrorCode.InvalidParams, message)
  }
  return {
    lists: LISTS.filter((list) => value[`${list}ListChanged`] === true && offered[list]?.listChanged === true),
    uris: new UriSet(offered.resources?.subscribe === true ? (uris as string[]) : []),
  }
}
