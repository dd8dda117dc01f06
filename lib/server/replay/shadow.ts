/**
 * A replay of a handler beside its run: it finds the answers and the results so far, says nothing to anybody, and ends where it comes
 * to what the run has not done yet.
 */
import { systemClock } from '../../base/clock.ts'
import { handled } from '../../base/promises.ts'
import type { JsonObject, Result } from '../../protocol/jsonrpc.ts'
import type { Ask, ClientChannel, HandlerStep } from '../context/client-channel.ts'
import { AskPending } from '../context/errors.ts'
import { askStep, messageStep, onceStep, resultStep, type Settled, settle } from './steps.ts'

/** What the run has got so far. */
interface Journal {
  /** By the key of the ask. */
  answers: ReadonlyMap<string, Settled<JsonObject>>
  /** By the name of the `ctx.once`. */
  results: ReadonlyMap<string, Settled<unknown>>
}

/** How a replay has ended. caught: the handler went on after the error with which its run ends. slow: it came to no end. */
type End = 'over' | 'ended' | 'caught' | 'slow'

/** How long a replay that waits for one step may take to come to the others, and to end once it should, in ms. */
const OTHERS = 300
const TO_END = 1_000

export class Shadow {
  readonly steps: HandlerStep[] = []
  /** The handler has returned, or thrown, by itself. */
  isOver = false
  readonly #channel: ClientChannel
  readonly #journal: Journal
  /** How long the replay may take, in ms. */
  readonly #patience: number
  /** What waits for the end of this replay. */
  readonly #blocked: { kind: HandlerStep['kind']; end(): void }[] = []
  #isClosed = false

  constructor(channel: ClientChannel, journal: Journal, patience: number) {
    this.#channel = channel
    this.#journal = journal
    this.#patience = patience
  }

  /**
   * Runs the handler until it has come to what the run has not.
   *
   * @param due steps that it should come to
   */
  async run(dispatch: (channel: ClientChannel) => Result | Promise<Result>, due: readonly HandlerStep[]): Promise<End> {
    let outcome: Settled<Result> | undefined
    const work = settle(() => dispatch(this.#own())).then((settled) => {
      outcome = settled
    })
    const isInTime = await this.#come(due, () => outcome !== undefined)
    if (outcome) {
      this.steps.push(resultStep(outcome))
      this.isOver = true
      return 'over'
    }
    this.#isClosed = true
    const isAsking = this.#blocked.some(({ kind }) => kind === 'ask')
    for (const each of this.#blocked) each.end()
    await Promise.race([work, pause(TO_END)])
    if (!isInTime) return 'slow'
    return isAsking && hasValue(outcome) ? 'caught' : 'ended'
  }

  /** Resolves when the handler is over, or waits for what the run has not got. False: it took too long. */
  async #come(due: readonly HandlerStep[], isOver: () => boolean): Promise<boolean> {
    const began = systemClock.now()
    let seen = -1
    for (let turn = 0; ; turn++) {
      await (turn < 20 ? nextTurn() : pause(5))
      if (isOver()) return true
      const passed = systemClock.now() - began
      const isQuiet = this.steps.length === seen
      seen = this.steps.length
      const hasAll = due.every((step) => this.steps.some(({ kind, name }) => kind === step.kind && name === step.name))
      if (this.#blocked.length > 0 && isQuiet && (hasAll || passed > OTHERS)) return true
      if (passed > this.#patience) return false
    }
  }

  /** The channel of this replay. */
  #own(): ClientChannel {
    return channelWith(this.#channel, {
      event: undefined,
      wants: () => true,
      onAsk: undefined,
      notify: async (method: string, params: JsonObject) => this.#add(messageStep(method, params)),
      ask: (ask: Ask) => this.#known(askStep(ask), this.#journal.answers.get(ask.key)),
      once: <T>(name: string) => this.#known(onceStep(name), this.#journal.results.get(name) as Settled<T> | undefined),
      closeStream: () => {},
      leave: () => {},
    })
  }

  #add(step: HandlerStep | undefined): void {
    if (step && !this.#isClosed) this.steps.push(step)
  }

  #known<T>(step: HandlerStep, known: Settled<T> | undefined): Promise<T> {
    this.#add(step)
    if (this.#isClosed) return handled(Promise.reject(new AskPending(step.name)))
    if (!known) return this.#block(step)
    if ('error' in known) return handled(Promise.reject(known.error))
    // The run keeps its own: a handler may change what it has got.
    return Promise.resolve(JSON.parse(JSON.stringify(known.value ?? null)) as T)
  }

  #block<T>({ kind, name }: HandlerStep): Promise<T> {
    const { promise, reject } = Promise.withResolvers<T>()
    this.#blocked.push({ kind, end: () => reject(new AskPending(name)) })
    return handled(promise)
  }
}

/** `channel` with other members. */
export function channelWith(channel: ClientChannel, members: Partial<ClientChannel>): ClientChannel {
  return new Proxy(channel, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name)
      // The channels have private members: their getters and methods need the channel itself as `this`.
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
    set: (target, name, value) =>
      Object.hasOwn(members, name) ? Reflect.set(members, name, value) : Reflect.set(target, name, value, target),
  })
}

function hasValue(outcome: Settled<Result> | undefined): boolean {
  return outcome !== undefined && 'value' in outcome
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.after(ms, resolve))
}
