/** Communication between instances: mail, signs of life, and the list of changes. */

/** Notifications from the server that belong to no call. `to`: the one principal that gets it; default everybody. */
export type Change = ({ kind: 'tools' | 'prompts' | 'resources' } | { kind: 'updated'; uri: string }) & {
  to?: string
}

export interface ChangeEntry {
  /** Position in the list; positions are compared with {@link comparePositions}. */
  at: string
  change: Change
}

export interface Changes {
  entries: ChangeEntry[]
  /** True where the list no longer reaches back to the position. */
  trimmed: boolean
}

/**
 * An instance id that ends in `~` is of a build that keeps its sign of life where a store may look before it keeps mail.
 * Builds before had shorter ids, and may live without such a sign.
 */
export function hasMailSign(instance: string): boolean {
  return instance.endsWith('~')
}

/**
 * The slot of the bus in which an instance has its mailbox: its id ends in `.<slot>~`, or in `~` for the first slot, which is the
 * one that builds before know.
 */
export function busSlotOf(instance: string): number {
  return Number(/\.(\d+)~$/.exec(instance)?.[1] ?? 0)
}

/** The callbacks of an instance that receives. Mail that was sent before a change is delivered before it. */
export interface Receiver {
  mail(message: string): void
  change(entry: ChangeEntry): void
  /** The connection was lost and is back, or mail may have been lost: compare with the store. */
  resumed(): void
}

export interface Receiving {
  stop(): Promise<void>
}

export interface BusStore {
  /**
   * Puts a message into the mailbox of an instance. It may be lost where that instance has no sign of life, and where more
   * waits than a mailbox holds: the instance gets {@link Receiver.resumed} then, or compares by itself.
   */
  send(instance: string, message: string): Promise<void>
  /** Delivers mail from the beginning of the mailbox, in order, and changes from now on, until it is stopped. */
  receive(instance: string, receiver: Receiver): Promise<Receiving>
  /**
   * Makes {@link alive} return true for the instance for another `ttl` ms. Returns the `sign` of the call before, where that
   * has not expired: an instance that finds another one than its last knows that the store lost what it had confirmed.
   */
  up(instance: string, ttl: number, sign: string): Promise<string | undefined>
  /** Removes the instance's sign of life and its mailbox. */
  down(instance: string): Promise<void>
  /** For each of these instances whether it has a sign of life. */
  alive(instances: string[]): Promise<boolean[]>
  /** Adds to the list of changes: every instance that receives gets it, and every session that exists can read it. */
  publish(change: Change): Promise<void>
  /** The changes after a position, in order. */
  changesAfter(position: string): Promise<Changes>
}

/** Orders positions `<ms>-<seq>` in the list of changes: negative, zero or positive. */
export function comparePositions(a: string, b: string): number {
  const [aMs = '0', aSeq = '0'] = a.split('-')
  const [bMs = '0', bSeq = '0'] = b.split('-')
  return Number(aMs) - Number(bMs) || Number(aSeq) - Number(bSeq)
}
