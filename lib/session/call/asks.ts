/** The asks of one call that wait for the client's answer. Mail brings answers fast; the store has those that it lost. */
import type { Timer } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { isObject, type JsonObject, notificationText } from '../../protocol/jsonrpc.ts'
import type { Instance } from '../../runtime/instance.ts'
import { LONGEST_TIMER } from '../../runtime/timers.ts'
import { AskError, AskPending } from '../../server/context/errors.ts'
import { TIMED_OUT } from '../../store/journal.ts'
import type { SessionKey } from '../../store/store.ts'
import type { OpenAsks } from './durable/run.ts'

interface Waiting {
  method: string
  /** ms, as the handler gave it. */
  timeout: number
  /**
   * Of a durable call, where the store decides whether the time of the ask is over: when it must have done so, by the clock's `now`. A
   * store that has not by then has lost the ask (a failover). Undefined: this process decides.
   */
  decidedBy: number | undefined
  resolve(result: JsonObject): void
  reject(error: unknown): void
  timer: Timer
}

/** How long an ask waits on whose time is over by the clock of this process alone, in ms. */
const NOT_YET = 250

function timedOut({ method, timeout }: Waiting): AskError {
  return new AskError('timeout', `${method}: the client did not answer within ${Math.min(timeout, LONGEST_TIMER)} ms.`)
}

export class Asks implements OpenAsks {
  readonly #instance: Instance
  readonly #key: SessionKey
  #waiting: Map<string, Waiting> | undefined
  #ids: string[] = []

  constructor(instance: Instance, key: SessionKey) {
    this.#instance = instance
    this.#key = key
  }

  /** Every ask of the call, for the store to forget with its end. */
  get ids(): string[] {
    return this.#ids
  }

  /** The asks without an answer. */
  get waiting(): string[] {
    return this.#waiting ? [...this.#waiting.keys()] : []
  }

  /**
   * Begins to wait. The id is random within the session: ids of the server are unique across instances and
   * cannot be guessed.
   */
  open(
    method: string,
    timeout: number,
    send: (text: string) => void,
    durable?: Parameters<OpenAsks['open']>[3],
  ): { id: string; answer: Promise<JsonObject> } {
    const { id, left } = durable?.earlier ?? { id: randomId(12), left: timeout }
    this.#waiting ??= new Map()
    this.#ids.push(id)
    const waiting = this.#waiting
    const answer = new Promise<JsonObject>((resolve, reject) => {
      const timer = this.#expireAfter(left, id, send)
      const { clock, options } = this.#instance
      // The ask may have been on its way for as long as the store is waited for.
      const decidedBy = durable && clock.now() + left + 2 * options.storePatience
      waiting.set(id, { method, timeout, decidedBy, resolve, reject, timer })
    })
    // The handler may give up on the answer before it is rejected.
    answer.catch(() => {})
    return { id, answer }
  }

  answered(id: string, value: string): void {
    const waiting = this.#take(id)
    if (!waiting) return
    if (value === TIMED_OUT) return waiting.reject(timedOut(waiting))
    const answer: unknown = JSON.parse(value)
    const { result, error } = isObject(answer) ? answer : {}
    if (isObject(result)) return waiting.resolve(result)
    const { code, message, data } = isObject(error) ? error : {}
    const reason = typeof message === 'string' ? message : 'no result'
    const details = { ...(typeof code === 'number' && { code }), data }
    waiting.reject(new AskError('refused', `${waiting.method}: the client answered with an error: ${reason}`, details))
  }

  /** The run is over: every ask is rejected. `pending`: a later run goes on with the answers. */
  abandon(pending = false): void {
    for (const id of this.waiting) {
      const ended = new DOMException('The call ended before the client answered.', 'AbortError')
      this.#take(id)?.reject(pending ? new AskPending(id) : ended)
    }
  }

  #expireAfter(ms: number, id: string, send: (text: string) => void): Timer {
    return this.#instance.clock.after(Math.min(ms, LONGEST_TIMER), () => void this.#expire(id, send))
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting?.get(id)
    this.#waiting?.delete(id)
    waiting?.timer.cancel()
    return waiting
  }

  /** The server no longer waits for the answer. */
  async cancel(id: string, send: (text: string) => void): Promise<void> {
    const waiting = await this.#close(id)
    if (!waiting) return
    send(notificationText('notifications/cancelled', { requestId: id, reason: 'The server no longer waits for it.' }))
    waiting.reject(new DOMException(`${waiting.method}: the server no longer waits for the answer.`, 'AbortError'))
  }

  /** Sends the client that an answer comes too late. */
  withdraw(id: string, send: (text: string) => void): void {
    send(notificationText('notifications/cancelled', { requestId: id, reason: 'The answer took too long.' }))
  }

  async #expire(id: string, send: (text: string) => void): Promise<void> {
    const open = this.#waiting?.get(id)
    if (open?.decidedBy !== undefined) {
      const stored = await this.#stored(id)
      if (this.#waiting?.get(id) !== open) return
      const isLost = this.#instance.clock.now() > open.decidedBy
      // The clock of the store decides, so that every run finds the same.
      const value = stored ?? (isLost ? TIMED_OUT : undefined)
      if (value === undefined) open.timer = this.#expireAfter(NOT_YET, id, send)
      if (value === TIMED_OUT) this.withdraw(id, send)
      if (value !== undefined) this.answered(id, value)
      return
    }
    const waiting = await this.#close(id)
    if (!waiting) return
    this.withdraw(id, send)
    waiting.reject(timedOut(waiting))
  }

  /** What the store has for an ask whose time is over here. */
  async #stored(id: string): Promise<string | undefined> {
    const value = await this.#instance.store.closeAsk(this.#key, id).catch((error) => this.#instance.report(error))
    return value ?? undefined
  }

  /** Before it is given up, the store is asked for an answer whose mail was lost. Undefined: there is no open ask any longer. */
  async #close(id: string): Promise<Waiting | undefined> {
    if (!this.#waiting?.has(id)) return undefined
    const value = await this.#stored(id)
    if (value === undefined) return this.#take(id)
    this.answered(id, value)
    return undefined
  }
}
