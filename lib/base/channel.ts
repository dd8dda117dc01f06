/** The channels of `node:diagnostics_channel`, as far as they are used. */
import { channel } from 'node:diagnostics_channel'

/** An interface of its own: declarations with Node's would need Node's types. */
export interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
  /** Runs `fn` with what the listeners bind to the channel, an async context for example. */
  runStores<T>(message: unknown, fn: () => T): T
  subscribe(listener: (message: unknown) => void): void
  unsubscribe(listener: (message: unknown) => void): void
}

export const openChannel = (name: string): Channel => channel(name)
