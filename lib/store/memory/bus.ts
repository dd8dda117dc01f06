/** Mail, signs of life and the list of changes of the instances in one process. */
import { type BusStore, type ChangeEntry, comparePositions, hasMailSign, type Receiver } from '../bus.ts'
import { DEFAULT_CHANGES, DEFAULT_MAIL_BOUNDS, type StoreOptions } from '../options.ts'
import type { State } from './state.ts'

interface Box {
  messages: string[]
  bytes: number
  /** Mail was dropped, since more waited than the mailbox holds. */
  lost: boolean
}

/** Delivers in order, and never during the call of the sender. */
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

export function busOperations(state: State, options: StoreOptions): BusStore {
  const { lifetimes } = state
  const max = options.changes ?? DEFAULT_CHANGES
  const bounds = { ...DEFAULT_MAIL_BOUNDS, ...options.mail }
  const boxes = state.map<Box>()
  const up = state.map<string>()
  const receiving = new Map<string, Delivery>()
  let changes: ChangeEntry[] = []
  let last = '0-0'
  let trimmed = '0-0'

  function nextPosition(): string {
    const [ms = '0', seq = '0'] = last.split('-')
    const now = state.position()
    return now > Number(ms) ? `${now}-0` : `${ms}-${Number(seq) + 1}`
  }

  function added(box: Box = { messages: [], bytes: 0, lost: false }, message: string): Box {
    box.bytes += Buffer.byteLength(message)
    if (box.messages.length > 0 && box.bytes > bounds.bytes) {
      Object.assign(box, { messages: [], bytes: Buffer.byteLength(message), lost: true })
    }
    if (box.messages.push(message) > bounds.messages) box.bytes -= Buffer.byteLength(box.messages.shift() ?? '')
    return box
  }

  return {
    async send(instance, message) {
      const delivery = receiving.get(instance)
      if (delivery) return delivery.push((receiver) => receiver.mail(message))
      if (hasMailSign(instance) && !up.has(instance)) return
      boxes.set(instance, added(boxes.get(instance), message), lifetimes.mailbox)
    },

    async receive(instance, receiver) {
      const delivery = new Delivery(receiver, options.onError ?? (() => {}))
      receiving.set(instance, delivery)
      const box = boxes.get(instance)
      if (box?.lost) delivery.push((to) => to.resumed())
      for (const message of box?.messages ?? []) delivery.push((to) => to.mail(message))
      boxes.delete(instance)
      return {
        async stop() {
          delivery.stopped = true
          if (receiving.get(instance) === delivery) receiving.delete(instance)
        },
      }
    },

    async up(instance, ttl, sign) {
      const before = up.get(instance)
      up.set(instance, sign, ttl)
      return before
    },

    async down(instance) {
      up.delete(instance)
      boxes.delete(instance)
    },

    async alive(instances) {
      return instances.map((instance) => up.has(instance))
    },

    async publish(change) {
      last = nextPosition()
      const entry = { at: last, change }
      changes.push(entry)
      if (changes.length > max) trimmed = changes.at(-max - 1)?.at ?? trimmed
      changes = changes.slice(-max)
      for (const delivery of receiving.values()) delivery.push((receiver) => receiver.change(entry))
    },

    async changesAfter(position) {
      return {
        entries: changes.filter(({ at }) => comparePositions(at, position) > 0),
        trimmed: comparePositions(trimmed, position) > 0,
      }
    },
  }
}
