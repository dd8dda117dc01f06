/** The legs of durable calls, which few calls have: this is loaded with the first of them. */
import { randomId } from '../../base/ids.ts'
import type { Instance } from '../../runtime/instance.ts'
import type { KeepReply } from '../../store/journal.ts'
import { type DurableAsk, type Owner, type SessionKey, StoreUnavailable } from '../../store/store.ts'
import type { Asks } from './asks.ts'
import type { SessionChannel } from './channel.ts'
import { Leg } from './durable/leg.ts'
import { writeNote } from './durable/note.ts'
import type { Step } from './durable/run.ts'
import type { SuspendableRun } from './durable/suspension.ts'
import { type CallParts, hasJournal } from './host.ts'
import { patiently } from './patiently.ts'
import type { AutoProgress } from './progress.ts'
import type { CallState, Ending } from './state.ts'
import type { CallStream, StreamedCall } from './stream.ts'
import { maySuspend } from './suspendable.ts'

/** What the leg of a call works with. */
export interface LegParts {
  call: LegCall
  stream: CallStream
  parts: CallParts
  channel: SessionChannel
  progress: AutoProgress
}

/** The call, as its leg uses it. */
interface LegCall extends StreamedCall {
  readonly state: CallState
  readonly over: boolean
  send(data: string, ask?: DurableAsk): Promise<void>
  /** Makes the queue in front of the log, where there is none. */
  openQueue(): void
}

export function openLeg(parts: LegParts): Leg {
  return new Leg(new CallRun(parts), parts.parts.continued?.journal, maySuspend(parts.parts))
}

class CallRun implements SuspendableRun {
  readonly #parts: LegParts

  constructor(parts: LegParts) {
    this.#parts = parts
  }

  get instance(): Instance {
    return this.#parts.parts.host.instance
  }
  get sessionKey(): SessionKey {
    return this.#parts.parts.session.key
  }
  get name(): string {
    return this.#parts.stream.name
  }
  get owner(): Owner {
    return this.#parts.stream.owner
  }
  get over(): boolean {
    return this.#parts.call.over
  }
  get isSuspended(): boolean {
    const { state } = this.#parts.call
    return state.at === 'over' && state.outcome === 'suspended'
  }
  get isStored(): boolean {
    return this.#parts.call.isStored
  }
  get lapses(): number {
    return this.#parts.stream.run.lapses
  }
  get asks(): Asks {
    const { asks } = this.#parts.channel
    if (!asks) throw new Error('The call has not asked.')
    return asks
  }
  get note(): string | undefined {
    const { channel, progress } = this.#parts
    const [ask] = this.asks.waiting
    const awaited = channel.awaited && ask !== undefined ? { ...channel.awaited, ask } : undefined
    return writeNote({ progress: progress.wanted ? progress : undefined, awaited })
  }

  patiently<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { call } = this.#parts
    const patient = {
      get isClosed() {
        return call.over
      },
      giveUp: (trouble: StoreUnavailable | undefined) => call.interrupt('unreachable', trouble),
    }
    return patiently(this.instance, patient, work)
  }

  async keep(step: Step): Promise<KeepReply> {
    const { call, stream } = this.#parts
    if (!call.isStored) {
      const registered = await this.#register(step)
      if (registered) return registered
    }
    // What was sent before the call had a journal is in the log before the step, which has the number of the last message.
    if (!hasJournal(this.#parts.parts) && stream.outbox?.busy) await stream.settled()
    const { owner } = stream
    const { said } = stream.outbox ?? {}
    const reply = await this.instance.store.keep(this.sessionKey, { ...step, stream: this.name, owner, said })
    return reply.status === 'lost' && (await stream.run.isRenamed(owner)) ? this.keep(step) : reply
  }

  /** Registers the call with the step. Undefined: something else has registered it. @throws StoreUnavailable */
  async #register(step: Step): Promise<KeepReply | undefined> {
    const { call, stream } = this.#parts
    let reply: KeepReply | undefined
    let trouble: unknown
    await stream.registerBy(async (store, register) => {
      const { stream: name, owner } = register
      try {
        reply = await store.keep(this.sessionKey, { ...step, stream: name, owner, register })
      } catch (error) {
        trouble = error
        throw error
      }
      const { status } = reply
      if (status === 'lost' || status === 'gone') return { status }
      return { status: 'ok', cancelled: status === 'cancelled', level: undefined }
    })
    if (trouble) throw trouble
    if (!reply && !call.isStored && !call.over) throw new StoreUnavailable('did not register the call')
    return reply
  }

  retake(): Promise<void> {
    return this.#parts.stream.run.renaming(() => this.#retake())
  }

  async #retake(): Promise<void> {
    const { call, stream } = this.#parts
    const { instance } = this
    const { lapses } = instance.presence
    const [before, token] = [stream.run.token, randomId(6)]
    // Mail by the new name may come before the reply.
    instance.calls.set(token, call)
    const reply = await this.patiently(async () => {
      const store = await instance.attend()
      return store.claim(this.sessionKey, this.name, instance.name(before), instance.name(token))
    })
    if (reply?.status !== 'ok') {
      instance.calls.delete(token)
      if (reply) call.interrupt(reply.status === 'gone' ? 'gone' : 'lost')
      return
    }
    stream.run.rename(token, lapses)
    instance.calls.delete(before)
    if (reply.cancelled) call.interrupt('cancelled')
  }

  send(text: string, ask?: DurableAsk): Promise<void> {
    return this.#parts.call.send(text, ask)
  }

  giveUp(message: string): void {
    this.#parts.call.giveUp(message)
  }

  interrupt(ending: Ending, trouble?: StoreUnavailable): void {
    this.#parts.call.interrupt(ending, trouble)
  }

  async isQuiet(): Promise<boolean> {
    const { call, stream, parts } = this.#parts
    // A run that has taken the call over, and has sent nothing, has its log all the same.
    if (call.state.at === 'registered' && parts.continued) call.openQueue()
    // What is in the log may still be on its way to the holder.
    do await stream.settled()
    while (stream.outbox?.busy)
    return !parts.session.full && stream.isKept && call.state.at === 'streaming'
  }

  report(event: 'suspending' | 'resumed' | 'suspended'): void {
    this.#parts.call.report(event)
  }

  receiveAnswer(id: string, value: string): void {
    this.#parts.channel.receiveAnswer(id, value)
  }
}
