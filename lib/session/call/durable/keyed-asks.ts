/**
 * The asks of a durable call. A later run asks the same: it finds the ask under its key, with its answer where that has come, and
 * the client is asked once.
 */
import { digest } from '../../../base/ids.ts'
import { cancelBy } from '../../../base/promises.ts'
import { toJson } from '../../../base/to-json.ts'
import type { JsonObject } from '../../../protocol/jsonrpc.ts'
import { askDigest } from '../../../runtime/ask-digest.ts'
import { type Ask, withMeta } from '../../../server/context/client-channel.ts'
import { TIMED_OUT } from '../../../store/journal.ts'
import type { DurableRun, Earlier } from './run.ts'

interface Asked {
  digest: string
  answer: Promise<JsonObject>
}

export class KeyedAsks {
  readonly #run: DurableRun
  readonly #earlier: Earlier | undefined
  /** When this run read what the earlier one has left, by the clock's `now`. */
  readonly #read: number
  /** Of this run, by digest of the key. */
  readonly #asked = new Map<string, Asked>()

  constructor(run: DurableRun, earlier: Earlier | undefined) {
    this.#run = run
    this.#earlier = earlier
    this.#read = run.instance.clock.now()
  }

  /** @throws where another question was asked under the key: the call ends with an error then */
  async ask(ask: Ask, timeout: number): Promise<JsonObject> {
    const { key, method, params = {} } = ask
    const name = digest(key, 16)
    // The id of an elicitation is random where the author gives none.
    const { elicitationId: _, ...compared } = params
    const asks = askDigest(method, compared)
    const before = this.#asked.get(name)
    const kept = this.#earlier?.asks.get(name)
    const known = before ?? kept
    if (known && known.digest !== asks) {
      const { changed } = this.#earlier ?? {}
      const why = changed === undefined ? '' : ` It has changed since the call began (${changed}).`
      const message = `The handler asks something else than before under the key "${key}": a handler that is run again must ask the same.${why}`
      this.#run.giveUp(message)
      throw new Error(message)
    }
    if (before) return before.answer
    const answer = kept ? this.#again(ask, timeout, kept) : this.#anew(ask, timeout, name, asks)
    this.#asked.set(name, { digest: asks, answer })
    return answer
  }

  /** The client was asked: its answer is there, or waited for. */
  #again({ method, signal }: Ask, timeout: number, { id, due }: { id: string; due: number }): Promise<JsonObject> {
    const { asks, instance } = this.#run
    const send = (text: string) => void this.#run.send(text)
    const left = Math.max(0, due - (instance.clock.now() - this.#read))
    const { answer } = asks.open(method, timeout, send, { earlier: { id, left } })
    const value = this.#earlier?.answers.get(id)
    if (value === TIMED_OUT && !this.#earlier?.withdrawn.has(id)) asks.withdraw(id, send)
    if (value !== undefined) asks.answered(id, value)
    else if (signal) cancelBy(signal, answer, () => void asks.cancel(id, send))
    return answer
  }

  #anew(ask: Ask, timeout: number, key: string, asked: string): Promise<JsonObject> {
    const { asks } = this.#run
    const { method, params, signal } = ask
    toJson(params ?? null, 'params')
    const send = (text: string) => void this.#run.send(text)
    const { id, answer } = asks.open(method, timeout, send, {})
    if (signal) cancelBy(signal, answer, () => void asks.cancel(id, send))
    const meta = ask.sending?.(id)
    const sent = meta ? withMeta(params, meta) : params
    const text = sent === undefined ? '' : `,"params":${toJson(sent, 'params')}`
    const kept = { id, key, digest: asked, timeout }
    void this.#run.send(`{"jsonrpc":"2.0","id":"${id}","method":"${method}"${text}}`, kept)
    return answer
  }
}
