/** The run of a durable call, as its leg uses it. */
import type { JsonObject } from '../../../protocol/jsonrpc.ts'
import type { Instance } from '../../../runtime/instance.ts'
import type { Journal, KeepReply } from '../../../store/journal.ts'
import type { DurableAsk, Owner, SessionKey, StoreUnavailable } from '../../../store/store.ts'

/** A step of `ctx.once`. */
export interface Step {
  /** A digest. */
  name: string
  step: 'begin' | 'end' | 'fail'
  value?: string
}

/** The asks of the call that wait for their answers. */
export interface OpenAsks {
  readonly waiting: string[]
  /**
   * Begins to wait, for `timeout` ms. `earlier`: an earlier run has asked, and so many ms of the time are left.
   */
  open(
    method: string,
    timeout: number,
    send: (text: string) => void,
    durable: { earlier?: { id: string; left: number } },
  ): { id: string; answer: Promise<JsonObject> }
  answered(id: string, value: string): void
  /** Sends the client that its answer is no longer waited for. */
  withdraw(id: string, send: (text: string) => void): void
  cancel(id: string, send: (text: string) => void): Promise<void>
}

export interface DurableRun {
  readonly instance: Instance
  readonly sessionKey: SessionKey
  /** The stream. */
  readonly name: string
  readonly owner: Owner
  readonly over: boolean
  /** It is over since it was suspended. */
  readonly isSuspended: boolean
  /** The store has the call. */
  readonly isStored: boolean
  /** The lapses of the sign of life before the store had this owner. */
  readonly lapses: number
  readonly asks: OpenAsks
  /** Has the store keep a step; the call is registered with it where it is not yet. */
  keep(step: Step): Promise<KeepReply>
  /** Takes the call from itself, under a new name. */
  retake(): Promise<void>
  send(text: string, ask?: DurableAsk): Promise<void>
  /** Ends the call with an error. */
  giveUp(message: string): void
  interrupt(ending: 'cancelled' | 'lost' | 'gone' | 'unreachable', trouble?: StoreUnavailable): void
  /** Tries until the store has done the work. Undefined: the call is over before, or ends since the store is away. */
  patiently<T>(work: () => Promise<T>): Promise<T | undefined>
}

/** What an earlier run has left. */
export interface Earlier extends Journal {
  /** The asks whose withdrawal the log has. */
  withdrawn: ReadonlySet<string>
  /** The versions of the handler, where it is another one than that which has begun the call. */
  changed?: string | undefined
}
