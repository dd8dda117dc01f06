/** A request of a process to the client of its session outside of calls. The answer may arrive at any instance. */
import { randomId } from '../../../base/ids.ts'
import { toJson } from '../../../base/to-json.ts'
import { isObject, type JsonObject } from '../../../protocol/jsonrpc.ts'
import type { RunningCall } from '../../../runtime/held.ts'
import type { Instance } from '../../../runtime/instance.ts'
import type { Mail } from '../../../runtime/mail.ts'
import { requireAnswer } from '../../../server/context/send-ask.ts'
import { Asks } from '../../../session/call/asks.ts'
import { postTo } from '../../../session/relay.ts'
import type { SessionKey } from '../../../store/store.ts'

/**
 * Asks on the session's own stream.
 *
 * @throws AskError where the client does not answer, or with an error; AbortError where the process no longer waits
 */
export async function askOutside(
  instance: Instance,
  key: SessionKey,
  method: string,
  params: JsonObject | undefined,
  signal: AbortSignal,
): Promise<JsonObject> {
  const ask = new OutsideAsk(instance, key)
  const answer = await ask.send(method, withoutToken(params), signal).finally(() => ask.end())
  return requireAnswer(method, answer)
}

/** The token is for the progress of the answer, which is not passed on. */
function withoutToken(params: JsonObject | undefined): JsonObject | undefined {
  if (!isObject(params?._meta)) return params
  const { progressToken: _token, ..._meta } = params._meta
  return { ...params, _meta }
}

/** The store has an ask as that of a call: this one stands for it, and has nothing but the ask. */
class OutsideAsk implements RunningCall {
  readonly token = randomId(6)
  readonly #instance: Instance
  readonly #key: SessionKey
  readonly #asks: Asks

  constructor(instance: Instance, key: SessionKey) {
    this.#instance = instance
    this.#key = key
    this.#asks = new Asks(instance, key)
  }

  get #stream(): string {
    return `ask.${this.token}`
  }

  async send(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<JsonObject> {
    const instance = this.#instance
    const post = (text: string) => void instance.track(postTo(instance, this.#key, text))
    const { id, answer } = this.#asks.open(method, instance.options.askTimeout, post)
    instance.add('call', this)
    const [stream, owner] = [this.#stream, instance.name(this.token)]
    const store = await instance.attend()
    const register = { id: `x:${this.token}`, stream, owner }
    const appended = { stream, owner, from: 1, messages: [], tag: this.token, final: false, asks: [id], register }
    const { status } = await store.append(this.#key, appended)
    if (status !== 'ok') throw new Error('The session has ended.')
    signal.throwIfAborted()
    signal.addEventListener('abort', () => void this.#asks.cancel(id, post), { once: true })
    const given = params === undefined ? '' : `,"params":${toJson(params, 'params')}`
    await postTo(instance, this.#key, `{"jsonrpc":"2.0","id":"${id}","method":${JSON.stringify(method)}${given}}`)
    return answer
  }

  end(): void {
    const { store, retry } = this.#instance
    this.#asks.abandon()
    this.#instance.remove(this)
    const ended = {
      stream: this.#stream,
      owner: this.#instance.name(this.token),
      mark: false,
      forget: this.#asks.ids,
    }
    retry.add(async () => void (await store.endCall(this.#key, ended)))
  }

  receive(mail: Mail): void {
    if (mail.t === 'answer') this.#asks.answered(mail.ask, mail.value)
    else if (mail.t === 'gone') this.#asks.abandon()
  }

  /** The store may have an answer whose mail was lost. */
  beat(): void {
    const { options, store } = this.#instance
    const owner = this.#instance.name(this.token)
    store.lookCall(this.#key, this.#stream, owner, this.#asks.waiting, options.idleLifetime, options.maxLifetime).then(
      (look) => {
        if (look.status !== 'ok') return this.#asks.abandon()
        for (const [ask, value] of look.answers) this.#asks.answered(ask, value)
      },
      (error) => this.#instance.report(error),
    )
  }

  async abandon(): Promise<void> {
    this.#asks.abandon()
  }
}
