/** What instances in one process tell each other, and the list of changes, in memory. */
import type { Change, ChangeEntry, Receiver, Store, StoreOptions } from '../store.ts'
import { comparePositions, DEFAULT_CHANGES } from '../store.ts'
import type { State } from './state.ts'

type BusOperations = Pick<
  Store,
  'send' | 'receive' | 'up' | 'down' | 'alive' | 'publish' | 'changesAfter' | 'lastChange'
>

/** A mailbox that nobody empties keeps the newest of this many. */
const MAX_MAIL = 10_000

/** Hands over in order, and never in the turn of the one who sends. */
class Delivery {
  readonly #receiver: Receiver
  readonly #onError: (error: unknown) => void
  #queue: ((receiver: Receiver) => void)[] = []
  stopped = false

  constructor(receiver: Receiver, onError: (error: unknown) => void) {
    this.#receiver = receiver
    this.#onError = onError
  }

  push(hand: (receiver: Receiver) => void): void {
    this.#queue.push(hand)
    if (this.#queue.length === 1) queueMicrotask(() => this.#run())
  }

  #run(): void {
    for (let hand = this.#queue[0]; hand; hand = this.#queue[0]) {
      try {
        if (!this.stopped) hand(this.#receiver)
      } catch (error) {
        this.#onError(error)
      }
      this.#queue.shift()
    }
  }
}

export function busOperations(state: State, options: StoreOptions): BusOperations {
  const { clock, lifetimes, sweeper } = state
  const max = options.changes ?? DEFAULT_CHANGES
  const boxes = sweeper.map<string[]>()
  const up = sweeper.map<true>()
  const receiving = new Map<string, Delivery>()
  let changes: ChangeEntry[] = []
  let last = '0-0'
  let trimmed = '0-0'

  function nextPosition(): string {
    const [ms = '0', seq = '0'] = last.split('-')
    const now = clock.now()
    return now > Number(ms) ? `${now}-0` : `${ms}-${Number(seq) + 1}`
  }

  function publish(change: Change): void {
    last = nextPosition()
    const entry = { at: last, change }
    changes.push(entry)
    if (changes.length > max) trimmed = changes.at(-max - 1)?.at ?? trimmed
    changes = changes.slice(-max)
    for (const delivery of receiving.values()) delivery.push((receiver) => receiver.change(entry))
  }

  return {
    async send(instance, message) {
      const delivery = receiving.get(instance)
      if (delivery) return delivery.push((receiver) => receiver.mail(message))
      const box = boxes.get(instance) ?? []
      if (box.push(message) > MAX_MAIL) box.shift()
      boxes.set(instance, box, lifetimes.mailbox)
    },

    async receive(instance, receiver) {
      const delivery = new Delivery(receiver, options.onError ?? (() => {}))
      receiving.set(instance, delivery)
      for (const message of boxes.get(instance) ?? []) delivery.push((to) => to.mail(message))
      boxes.delete(instance)
      return {
        async stop() {
          delivery.stopped = true
          if (receiving.get(instance) === delivery) receiving.delete(instance)
        },
      }
    },

    async up(instance, ttl) {
      up.set(instance, true, ttl)
    },

    async down(instance) {
      up.delete(instance)
      boxes.delete(instance)
    },

    async alive(instances) {
      return instances.map((instance) => up.has(instance))
    },

    async publish(change) {
      publish(change)
    },

    async changesAfter(position) {
      return {
        entries: changes.filter(({ at }) => comparePositions(at, position) > 0),
        trimmed: comparePositions(trimmed, position) > 0,
      }
    },

    async lastChange() {
      return last
    },
  }
}
