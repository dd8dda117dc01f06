/**
 * A call whose handler is replayed after each of its steps, for development: what a replay says, asks and returns must be what the
 * run has said. Effects outside of `ctx.once` cannot be compared; they happen again, as they do in production.
 */
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import type { JsonObject, Result } from '../../protocol/jsonrpc.ts'
import { features } from '../../protocol/revisions.ts'
import type { LoggingLevel } from '../../protocol/types.ts'
import type { Ask, ClientChannel, HandlerStep } from '../context/client-channel.ts'
import { AskPending } from '../context/errors.ts'
import { differenceOf, messagesOf } from './difference.ts'
import { changedByJson } from './json-value.ts'
import { channelWith, Shadow } from './shadow.ts'
import { askStep, messageStep, onceStep, resultStep, type Settled, settle } from './steps.ts'

interface ReplayedParts {
  /** Runs the handler. */
  dispatch(channel: ClientChannel): Result | Promise<Result>
  /** How a difference names the handler: `tool "transfer"`. */
  name: string
  /** replay: after each step. compare: only runs that take place anyway are compared (a client of 2026-07-28 has answered). */
  mode: 'replay' | 'compare'
  /** The handler must return the same. */
  compareResults: boolean
  /** The handler gets {@link AskPending}, and should not go on after it. */
  seesPending: boolean
  /** How long a replay may take, in ms. */
  patience: number
  /** A difference is the error of the call. Otherwise it is reported. */
  strict: boolean
  report(text: string): void
}

/** Steps that go to the client and back with the answers. */
const MAX_KEPT = 50

export class ReplayedCall {
  readonly #parts: ReplayedParts
  readonly #channel: ClientChannel
  readonly #steps: HandlerStep[] = []
  /** The asks that are answered, and the functions that were done. */
  readonly #done: HandlerStep[] = []
  readonly #journal = {
    answers: new Map<string, Settled<JsonObject>>(),
    results: new Map<string, Settled<unknown>>(),
  }
  /** The last replay, and when it was. It may have come further than this run. */
  #last: { shadow: Shadow; at: string } | undefined
  /** Replays take turns. */
  #turn: Promise<void> = Promise.resolve()
  #difference: string | undefined
  /** The ask that has ended this run. */
  #pending: string | undefined

  constructor(parts: ReplayedParts, channel: ClientChannel) {
    this.#parts = parts
    this.#channel = channel
  }

  async run(): Promise<Result> {
    const outcome = await settle(() => this.#parts.dispatch(this.#own()))
    if (this.#pending !== undefined) this.#leave(outcome, this.#pending)
    else await this.#end(outcome)
    if (this.#difference !== undefined && this.#parts.strict && this.#pending === undefined) {
      throw new ProtocolError(ErrorCode.InternalError, this.#difference)
    }
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  #own(): ClientChannel {
    return channelWith(this.#channel, {
      // A client may set its level between two runs.
      wants: () => true,
      notify: (method: string, params: JsonObject) => {
        const step = messageStep(method, params)
        // What is sent while the run ends is sent at the end of each run.
        if (step && this.#pending === undefined) this.#add(step)
        const { level } = params
        const isWanted = method !== 'notifications/message' || this.#channel.wants(level as LoggingLevel)
        return isWanted ? this.#channel.notify(method, params) : Promise.resolve()
      },
      ask: (ask: Ask) => {
        const step = askStep(ask)
        this.#add(step)
        return this.#answered(step, this.#channel.ask(ask))
      },
      once: (name, fn, options) => this.#once(name, fn, options),
    })
  }

  #add(step: HandlerStep): void {
    this.#steps.push(step)
    if (this.#last) this.#compare(this.#last.shadow.steps, this.#last.at, [])
  }

  async #answered(step: HandlerStep, answer: Promise<JsonObject>): Promise<JsonObject> {
    // A client of the stateless revision answers with another request, whose run is a replay.
    const waits = features(this.#channel.revision).sessions
    if (waits) void this.#replay(`while the client has yet to answer "${step.name}"`)
    const settled = await settle(() => answer)
    if ('error' in settled && isEnd(settled.error)) {
      if (settled.error instanceof AskPending) this.#pending = step.name
      throw settled.error
    }
    this.#journal.answers.set(step.name, settled)
    this.#done.push(step)
    if (waits) await this.#replay(`after the answer to "${step.name}"`)
    if ('error' in settled) throw settled.error
    return settled.value
  }

  async #once<T>(name: string, fn: () => T | Promise<T>, options?: { single?: boolean }): Promise<T> {
    let isDone = false
    const work = () => {
      isDone = true
      return fn()
    }
    const settled = await settle(() => this.#channel.once(name, work, options))
    if ('error' in settled && isEnd(settled.error)) throw settled.error
    const step = onceStep(name)
    const isNew = !this.#steps.some((each) => each.kind === 'once' && each.name === name)
    if (isNew) this.#steps.push(step)
    this.#journal.results.set(name, settled)
    if ('error' in settled) throw settled.error
    if (isNew) this.#done.push(step)
    const changed = isDone ? changedByJson(settled.value) : undefined
    if (changed !== undefined)
      this.#found(`of ctx.once("${name}") ${changed}. Return plain values of JSON.`, 'the result')
    if (isDone) await this.#replay(`after ctx.once("${name}")`)
    return settled.value
  }

  /** The run is over, and the call too. */
  async #end(outcome: Settled<Result>): Promise<void> {
    const { mode, compareResults } = this.#parts
    const hasSteps = this.#done.length > 0 || compareResults
    this.#steps.push(resultStep(outcome))
    await this.#turn
    this.#compareEarlier()
    if (mode === 'compare' || this.#difference !== undefined) return
    if (this.#last?.shadow.isOver) return this.#compare(this.#last.shadow.steps, 'at its end', [])
    if (hasSteps) await this.#replay('at its end')
  }

  /** The run ends with an ask. The next one finds the steps of this one. */
  #leave(outcome: Settled<Result>, key: string): void {
    this.#compareEarlier()
    if ('value' in outcome && this.#parts.seesPending) this.#found(caught(key), '')
    if (!('steps' in this.#channel)) return
    const left = this.#steps.slice(0, MAX_KEPT)
    const difference = this.#difference
    // The client is asked all the same, and gets the error with its answer.
    if (difference !== undefined) left.unshift({ kind: 'difference', name: '', text: difference })
    this.#channel.steps = left
  }

  #compareEarlier(): void {
    const { steps: earlier } = this.#channel
    if (!earlier || this.#difference !== undefined) return
    const [first] = earlier
    if (first?.kind === 'difference') {
      // It was reported by that run.
      this.#difference = first.text
      return
    }
    const due = earlier.filter(({ kind }) => kind === 'ask' || kind === 'once')
    const said = messagesOf(earlier).length
    const found = differenceOf({ run: earlier, replay: this.#steps, due, said, compareResults: false })
    if (found !== undefined) this.#found(found, 'with the answers of its client')
  }

  #replay(at: string): Promise<void> {
    if (this.#parts.mode === 'compare') return Promise.resolve()
    const turn = this.#turn.then(() => this.#replayNow(at))
    this.#turn = turn
    return turn
  }

  async #replayNow(at: string): Promise<void> {
    if (this.#difference !== undefined || this.#channel.signal.aborted) return
    const due = [...this.#done]
    const shadow = new Shadow(this.#channel, this.#journal, this.#parts.patience)
    const end = await shadow.run(this.#parts.dispatch, due)
    this.#last = { shadow, at }
    if (end === 'slow') return this.#found(slow(this.#parts.patience), at)
    this.#compare(shadow.steps, at, due)
    const asked = shadow.steps.findLast(({ kind }) => kind === 'ask')?.name ?? ''
    if (end === 'caught' && this.#parts.seesPending) this.#found(caught(asked), '')
  }

  #compare(replay: readonly HandlerStep[], at: string, due: readonly HandlerStep[]): void {
    const run = this.#steps
    const { compareResults } = this.#parts
    const said = due.length > 0 ? saidBefore(run, due.at(-1)) : 0
    const found = differenceOf({ run, replay, due, said, compareResults })
    if (found !== undefined) this.#found(found, at)
  }

  /** The first difference is published: others follow from it. */
  #found(sentence: string, at: string): void {
    if (this.#difference !== undefined) return
    const { name, strict, report } = this.#parts
    this.#difference = `REPLAY: the handler of the ${name} ${at === '' ? '' : `differs where it is run again ${at}: `}${sentence}`
    if (!strict) report(this.#difference)
  }
}

/** The messages that the run had sent when it came to a step. */
function saidBefore(run: readonly HandlerStep[], step: HandlerStep | undefined): number {
  return step === undefined ? 0 : messagesOf(run.slice(0, run.indexOf(step))).length
}

/** The call has ended, or this run of it. */
function isEnd(error: unknown): boolean {
  return error instanceof AskPending || (error instanceof DOMException && error.name === 'AbortError')
}

function caught(key: string): string {
  return (
    `caught AskPending and went on, though the client has yet to answer ${JSON.stringify(key)}: its run ends there, and what it does ` +
    'then outside of ctx.once happens without an answer. Catch AskError alone, or throw AskPending again.'
  )
}

function slow(patience: number): string {
  return (
    `the replay took ${patience / 1_000} s and came to no further step. What takes long belongs in ctx.once, since each run waits for ` +
    'it again; and a replay never gets what this run holds, such as a lock.'
  )
}
