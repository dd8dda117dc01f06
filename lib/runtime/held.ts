/** The parts that an instance holds: connections, calls that the store has, and calls that only this process has. */
import type { ChangeEntry, Owner } from '../store/store.ts'
import type { Mail } from './mail.ts'

/** A connection as the instance drives it. */
export interface HeldConnection {
  readonly token: string
  /** The runs, on other instances, whose messages come through this connection. */
  owners(): Iterable<Owner>
  /** Asks the store for the owners, where the connection does not hear of them otherwise. */
  findOwners?(): Promise<void>
  receive(mail: Mail): void
  /** While much waits for the reader of the connection: resolves when it has caught up, or when the connection ends. */
  readonly room?: Promise<void> | undefined
  /** The heartbeat: a comment to the client, a look at the store. */
  beat(): void
  changes(entries: ChangeEntry[]): void
  /** The instance of `owner` is dead. */
  ownerLost(owner: Owner): void
  /** The instance shuts down: end the stream, if that may end before its response. */
  drain(): void
  /** The drain is over: end the stream in any case. */
  close(): void
}

/** A registered call as the instance drives it. */
export interface RunningCall {
  readonly token: string
  receive(mail: Mail): void
  beat(): void
  /** Another instance goes on with the call where it is abandoned, and repeats nothing that has an effect. */
  readonly isDurable?: boolean
  /** The instance waits no longer: hand the call over, or fail it. Resolves when this process is done with it. */
  abandon(): Promise<void>
}

/** A call that only this process has. */
export interface UnregisteredCall {
  cancel(reason?: string): void
  /** As {@link RunningCall.abandon}. */
  abandon(): void | Promise<void>
}
