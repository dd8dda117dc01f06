/**
 * `tasks/result` (2025-11-25): waits until a task has ended, in whichever instance it runs, and sends on its stream what the task
 * asks. It is a call like any other: its stream can be resumed, another instance takes it over, and answers come through any.
 */
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject, type Result } from '../../protocol/jsonrpc.ts'
import type { Caller } from '../../runtime/caller.ts'
import { AskError, AskPending } from '../../server/context/errors.ts'
import type { TaskAsk, TaskKey, TaskView } from '../../store/tasks.ts'
import type { TaskEngine } from '../../tasks/engine-types.ts'
import { LOST } from '../../tasks/outcome.ts'
import { refusedWith } from '../../tasks/refused.ts'
import type { SessionChannel } from './channel.ts'
import type { CallParts } from './host.ts'
import { isTerminal, outcomeOf, related, taskOf } from './task-shape.ts'
import { TaskWatch } from './task-watch.ts'

export async function waitForResult(
  parts: CallParts,
  channel: SessionChannel,
  engine: TaskEngine,
  key: TaskKey,
  unknown: () => ProtocolError,
): Promise<Result> {
  const { caller, carrier, host } = parts
  const first = await engine.get(key, caller)
  if (!first) throw unknown()
  if (isTerminal(first)) return resultOf(key.id, first)
  const watch = new TaskWatch(host.instance, engine, key, carrier.streams ? channel.stream : undefined)
  const delivery = new Delivery(parts, channel, engine, key)
  try {
    await watch.begin()
    let sent = ''
    let { progress } = first
    for (;;) {
      watch.looking()
      const view = await engine.get(key, caller)
      if (!view) throw unknown()
      const status = taskOf(key.id, view)
      const text = JSON.stringify(status)
      if (text !== sent) await channel.notify('notifications/tasks/status', status)
      sent = text
      if (view.progress !== undefined && view.progress !== progress) {
        await channel.notify('notifications/progress', related(JSON.parse(view.progress) as JsonObject, key.id))
      }
      progress = view.progress
      if (isTerminal(view)) return resultOf(key.id, view)
      // The connection that has sent the asks may be gone.
      if (view.asks.length > 0) await watch.renew()
      channel.awaited = view.asks.length > 0 ? { task: key.id, leg: view.leg } : undefined
      delivery.deliver(view, watch.turn)
      await untilChanged(watch, channel.signal, delivery.suspended)
    }
  } finally {
    delivery.end()
    // After a suspension, or where another instance goes on with this call, a later run asks the same.
    const isOver = channel.outcome === undefined || channel.outcome === 'cancelled'
    host.instance.track(watch.end(isOver))
  }
}

/** @throws AskPending where the call is suspended: an answer, or the next poll, begins it again */
async function untilChanged(watch: TaskWatch, signal: AbortSignal, suspended: Promise<never>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  // The call is over, and nobody gets this.
  const abort = () => reject(new ProtocolError(ErrorCode.InternalError, String(signal.reason)))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  await Promise.race([watch.changed, promise, suspended]).finally(() => signal.removeEventListener('abort', abort))
}

/** What the call would have been answered with. @throws ProtocolError where that is an error */
function resultOf(taskId: string, view: TaskView): JsonObject {
  const outcome = outcomeOf(view)
  if (outcome && 'result' in outcome) return related(outcome.result, taskId)
  const { code, message, data } = outcome?.error ?? {}
  const text = typeof message === 'string' ? message : undefined
  if (view.status === 'cancelled') throw new ProtocolError(ErrorCode.ServerError, `Task ${taskId} was cancelled.`)
  throw new ProtocolError(typeof code === 'number' ? code : ErrorCode.InternalError, text ?? LOST, data)
}

/** The asks of a task, as one stream sends them. */
class Delivery {
  readonly #caller: Caller
  readonly #channel: SessionChannel
  readonly #engine: TaskEngine
  readonly #key: TaskKey
  /** What this stream has asked, by turn and key. */
  readonly #asked = new Map<string, AbortController>()
  readonly #suspended = Promise.withResolvers<never>()

  constructor({ caller }: CallParts, channel: SessionChannel, engine: TaskEngine, key: TaskKey) {
    this.#caller = caller
    this.#channel = channel
    this.#engine = engine
    this.#key = key
    this.#suspended.promise.catch(() => {})
  }

  /** Rejects where the call is suspended while it waits for an answer. */
  get suspended(): Promise<never> {
    return this.#suspended.promise
  }

  /**
   * Sends those that were not sent on this stream, and withdraws those that wait no longer: they were answered elsewhere, or another
   * stream asks them now.
   *
   * @param turn undefined: another stream asks
   */
  deliver({ asks, ttl, created, updated }: TaskView, turn: number | undefined): void {
    const open = new Map(turn === undefined ? [] : asks.map((ask) => [`${turn} ${ask.key}`, ask]))
    for (const [name, asked] of this.#asked) {
      if (open.has(name)) continue
      this.#asked.delete(name)
      asked.abort()
    }
    for (const [name, ask] of open) {
      if (this.#asked.has(name)) continue
      const asked = new AbortController()
      this.#asked.set(name, asked)
      void this.#ask(ask, `task ${turn}`, Math.max(1, ttl - (updated - created)), asked.signal)
    }
  }

  end(): void {
    for (const asked of this.#asked.values()) asked.abort()
  }

  async #ask({ request }: TaskAsk, place: string, timeout: number, signal: AbortSignal): Promise<void> {
    const { key, method, params } = JSON.parse(request) as { key: string; method: string; params?: unknown }
    const named = related(isObject(params) ? params : {}, this.#key.id)
    // The key makes it the same ask for a run that takes this call over.
    const ask = { method, params: named, key: `${place} ${key}`, timeout, signal }
    try {
      const result = await this.#channel.ask(ask)
      await this.#engine.update(this.#key, { [key]: result }, this.#caller)
    } catch (error) {
      if (error instanceof AskPending) return this.#suspended.reject(error)
      // The client refused: that is the answer. Else nobody answered here, and another stream may bring it.
      if (!(error instanceof AskError) || error.reason !== 'refused') return
      await this.#engine.update(this.#key, { [key]: refusedWith(error) }, this.#caller)
    }
  }
}
