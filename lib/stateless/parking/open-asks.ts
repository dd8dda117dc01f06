/** The asks of a parked run that have no answer yet, by key. */
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import { readAnswer } from '../../server/context/answers.ts'
import { type Ask, withMeta } from '../../server/context/client-channel.ts'

interface OpenAsk {
  method: string
  request: JsonObject
  resolve(answer: JsonObject): void
  reject(error: unknown): void
}

/** The ask as the client gets it. What is added for this run has no part in the digest, by which a replay finds the answer. */
export function requestOf({ method, params, sending }: Ask): JsonObject {
  const meta = sending?.()
  if (meta) return { method, params: withMeta(params, meta) }
  return params === undefined ? { method } : { method, params }
}

export class OpenAsks {
  readonly #max: number
  readonly #open = new Map<string, OpenAsk>()
  #asked = 0

  /** @param max the most asks of one run */
  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#open.size
  }

  /** The requests, as the client gets them. */
  get requests(): Record<string, JsonObject> {
    return Object.fromEntries([...this.#open].map(([key, { request }]) => [key, request]))
  }

  /** Resolves with the answer. @throws RangeError (rejects with it) beyond the most asks */
  add(ask: Ask): Promise<JsonObject> {
    const { key, method, signal } = ask
    if (++this.#asked > this.#max) {
      return Promise.reject(new RangeError(`A call may ask the client ${this.#max} times.`))
    }
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>()
    this.#open.set(key, { method, request: requestOf(ask), resolve, reject })
    const withdraw = () => {
      const reason = new DOMException(`${method}: the server no longer waits for the answer.`, 'AbortError')
      if (this.#open.delete(key)) reject(reason)
    }
    signal?.addEventListener('abort', withdraw, { once: true })
    return promise
  }

  /** A sentence about the first of the answers that has a wrong shape. Answers are changed where a member stands for an absent one. */
  problemIn(answers: JsonObject): string | undefined {
    for (const [key, { method }] of this.#open) {
      if (!Object.hasOwn(answers, key)) continue
      const read = readAnswer(method, answers[key])
      if (typeof read === 'string') return `inputResponses[${JSON.stringify(key)}], the answer to ${method}: ${read}`
    }
    return undefined
  }

  /** Takes answers without a problem. What was not asked is left out. */
  answer(answers: JsonObject): void {
    for (const [key, ask] of this.#open) {
      const answer = Object.hasOwn(answers, key) ? answers[key] : undefined
      if (!isObject(answer)) continue
      this.#open.delete(key)
      ask.resolve(answer)
    }
  }

  rejectAll(error: unknown): void {
    const asks = [...this.#open.values()]
    this.#open.clear()
    for (const { reject } of asks) reject(error)
  }
}
