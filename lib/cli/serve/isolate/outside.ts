/** What a process sends outside of calls: it goes on the session's own stream, which a GET of the client carries. */
import { asError, textOf } from '../../../base/errors.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { type JsonObject, notificationText } from '../../../protocol/jsonrpc.ts'
import { compareLevels, isLoggingLevel, type LoggingLevel } from '../../../protocol/types.ts'
import { UriSet } from '../../../protocol/uri.ts'
import type { Instance } from '../../../runtime/instance.ts'
import { changedList } from '../../../sdk/notify.ts'
import { postTo } from '../../../session/relay.ts'
import { GET_STREAM } from '../../../store/names.ts'
import type { SessionKey } from '../../../store/store.ts'
import { askOutside } from './ask-outside.ts'
import type { Answer, Receiver } from './process/receiver.ts'

/** No connection has this name. */
const NOBODY = '-'
/** Messages of one session that may wait for the store. More are dropped: clients may not rely on them. */
const MOST_WAITING = 500

interface OutsideParts {
  instance: Instance
  key: SessionKey
  /** Announces that the user is done with a page. */
  completed(elicitationId: string): Promise<unknown>
  /** A running request: another way to the client, where it has no stream of the session open. */
  another(): Receiver | undefined
}

/** The messages of a session's process that belong to no call. */
export class SessionStream implements Receiver {
  /** The log level of the session; undefined: all. */
  level: LoggingLevel | undefined
  readonly #parts: OutsideParts
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()
  /** Texts that wait to be posted: the same change twice is one message. */
  readonly #queued = new Set<string>()

  constructor(parts: OutsideParts) {
    this.#parts = parts
  }

  notify(method: string, params: JsonObject): undefined {
    const { completed, instance } = this.#parts
    if (method === 'notifications/elicitation/complete') {
      const { elicitationId } = params
      if (typeof elicitationId === 'string') instance.track(completed(elicitationId))
      return
    }
    const text = notificationText(method, Object.keys(params).length > 0 ? params : undefined)
    if (this.#waiting >= MOST_WAITING || this.#queued.has(text)) return
    this.#waiting++
    if (method !== 'notifications/message') this.#queued.add(text)
    this.#last = this.#last.then(() => instance.track(this.#post(method, params, text)))
  }

  async #post(method: string, params: JsonObject, text: string): Promise<void> {
    this.#waiting--
    this.#queued.delete(text)
    const { instance, key } = this.#parts
    if (method === 'notifications/resources/updated' && !(await this.#isSubscribed(params.uri))) return
    // Log messages are for a client that listens now. The stream of one that never does would fill the store.
    if (method === 'notifications/message' && !(await this.#isWanted(params.level))) return
    await postTo(instance, key, text)
  }

  async #isSubscribed(uri: unknown): Promise<boolean> {
    if (typeof uri !== 'string') return false
    const { instance, key } = this.#parts
    return [...new UriSet(await instance.store.subscriptions(key)).spellings({ uri })].length > 0
  }

  async #isWanted(level: unknown): Promise<boolean> {
    if (isLoggingLevel(level) && this.level !== undefined && compareLevels(level, this.level) < 0) return false
    return this.#isOpen()
  }

  /** A client holds the stream of the session. */
  async #isOpen(): Promise<boolean> {
    const { instance, key } = this.#parts
    const reply = await instance.store.replaceHolder(key, GET_STREAM, NOBODY, NOBODY)
    return reply.status === 'moved' && reply.holder !== undefined
  }

  async ask(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<Answer> {
    const { instance, key, another } = this.#parts
    try {
      const running = another()
      if (running && !(await this.#isOpen())) return await running.ask(method, params, signal)
      return { result: await askOutside(instance, key, method, params, signal) }
    } catch (thrown) {
      return { error: { code: ErrorCode.InternalError, message: textOf(asError(thrown)) } }
    }
  }
}

/** What the process of a principal sends outside of calls: there is no session that it could go to. */
export class PrincipalStream implements Receiver {
  readonly #instance: Instance
  readonly #principal: string

  constructor(instance: Instance, principal: string) {
    this.#instance = instance
    this.#principal = principal
  }

  /** Changes reach the clients of the principal that listen. */
  notify(method: string, { uri }: JsonObject): undefined {
    const { store } = this.#instance
    const to = this.#principal
    const kind = changedList(method)
    if (kind !== undefined) this.#instance.track(store.publish({ kind, to }))
    else if (method === 'notifications/resources/updated' && typeof uri === 'string') {
      this.#instance.track(store.publish({ kind: 'updated', uri, to }))
    }
  }

  async ask(method: string): Promise<Answer> {
    const message = `${method}: a client without a session can be asked only while one request of it runs.`
    return { error: { code: ErrorCode.InvalidRequest, message } }
  }
}
