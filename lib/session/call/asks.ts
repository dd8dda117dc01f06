/** The asks of one call that wait for the client's answer. Mail brings answers fast; the store has those that it lost. */
import type { Timer } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { isObject, type JsonObject, notificationText } from '../../protocol/jsonrpc.ts'
import type { Instance } from '../../runtime/instance.ts'
import { LONGEST_TIMER } from '../../runtime/timers.ts'
import { AskError } from '../../server/context/errors.ts'
import type { SessionKey } from '../../store/store.ts'

interface Waiting {
  method: string
  resolve(result: JsonObject): void
  reject(error: unknown): void
  timer: Timer
}

export class Asks {
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
  open(method: string, timeout: number, send: (text: string) => void): { id: string; answer: Promise<JsonObject> } {
    const id = randomId(12)
    this.#waiting ??= new Map()
    this.#ids.push(id)
    const waiting = this.#waiting
    const answer = new Promise<JsonObject>((resolve, reject) => {
      const time = Math.min(timeout, LONGEST_TIMER)
      const timer = this.#instance.clock.after(time, () => void this.#expire(id, time, send))
      waiting.set(id, { method, resolve, reject, timer })
    })
    // The handler may give up on the answer before it is rejected.
    answer.catch(() => {})
    return { id, answer }
  }

  answered(id: string, value: string): void {
    const waiting = this.#take(id)
    if (!waiting) return
    const answer: unknown = JSON.parse(value)
    const { result, error } = isObject(answer) ? answer : {}
    if (isObject(result)) return waiting.resolve(result)
    const { code, message, data } = isObject(error) ? error : {}
    const reason = typeof message === 'string' ? message : 'no result'
    const details = { ...(typeof code === 'number' && { code }), data }
    waiting.reject(new AskError('refused', `${waiting.method}: the client answered with an error: ${reason}`, details))
  }

  /** The call has ended: every ask is rejected. */
  abandon(): void {
    for (const id of this.waiting) {
      this.#take(id)?.reject(new DOMException('The call ended before the client answered.', 'AbortError'))
    }
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

  async #expire(id: string, timeout: number, send: (text: string) => void): Promise<void> {
    const waiting = await this.#close(id)
    if (!waiting) return
    send(notificationText('notifications/cancelled', { requestId: id, reason: 'The answer took too long.' }))
    waiting.reject(new AskError('timeout', `${waiting.method}: the client did not answer within ${timeout} ms.`))
  }

  /** Before it is given up, the store is asked for an answer whose mail was lost. Undefined: there is no open ask any longer. */
  async #close(id: string): Promise<Waiting | undefined> {
    if (!this.#waiting?.has(id)) return undefined
    const value = await this.#instance.store.closeAsk(this.#key, id).catch((error) => this.#instance.report(error))
    if (typeof value !== 'string') return this.#take(id)
    this.answered(id, value)
    return undefined
  }
}

/** The result or the error that a client sent for an ask, as the store keeps it. */
export function answerText(response: { result?: unknown; error?: unknown }): string {
  return JSON.stringify(isObject(response.error) ? { error: response.error } : { result: response.result })
}
