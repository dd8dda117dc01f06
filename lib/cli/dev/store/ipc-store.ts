/**
 * A store that another process keeps, which this one asks by messages. `dev` uses it where there is no Redis: what its
 * instances keep outlives them. It passes the contract suite, like the stores of a deployment.
 */
import type { Receiver, Store } from '../../../store/store.ts'
import type { TaskStore } from '../../../store/tasks.ts'
import { StoreUnavailable } from '../../../store/unavailable.ts'
import {
  type Channel,
  errorOf,
  isOfStore,
  OPERATIONS,
  type Operation,
  type StoreAnswer,
  sendTo,
  TASK_OPERATIONS,
} from './messages.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

interface IpcStoreOptions {
  /** Receives exceptions of receivers. */
  onError?: ((error: unknown) => void) | undefined
}

/** @param channel to a process that runs {@link serveStore} */
export function ipcStore(channel: Channel, { onError = () => {} }: IpcStoreOptions = {}): Store {
  const waiting = new Map<number, Waiting>()
  const receivers = new Map<number, Receiver>()
  let asked = 0
  let nearlyFull = false
  let closed = false
  /** Called when nothing waits any more, once the store is closed. */
  let idle = () => {}

  function ask(question: object): Promise<unknown> {
    const id = ++asked
    return new Promise((resolve, reject) => {
      if (closed) return reject(new StoreUnavailable('The store is closed.', { trouble: 'closed' }))
      if (!channel.connected) return reject(gone())
      waiting.set(id, { resolve, reject })
      sendTo(channel, { ...question, id })
    })
  }

  function deliver(answer: Exclude<StoreAnswer, { store: 'reply' }>): void {
    const receiver = receivers.get(answer.receiver)
    if (!receiver) return
    try {
      if (answer.store === 'mail') receiver.mail(answer.message)
      else if (answer.store === 'change') receiver.change(answer.entry)
      else receiver.resumed()
    } catch (error) {
      onError(error)
    }
  }

  const listener = (message: unknown) => {
    if (!isOfStore(message)) return
    const answer = message as StoreAnswer
    if (answer.store !== 'reply') return deliver(answer)
    nearlyFull = answer.nearlyFull
    const one = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (answer.failure) one?.reject(errorOf(answer.failure))
    else one?.resolve(answer.value)
    if (waiting.size === 0) idle()
  }
  const disconnected = () => {
    for (const { reject } of waiting.values()) reject(gone())
    waiting.clear()
    idle()
  }
  channel.on('message', listener)
  channel.once('disconnect', disconnected)

  const run =
    (operation: string) =>
    (...args: unknown[]) =>
      ask({ store: 'run', operation, args })
  const operations = Object.fromEntries(OPERATIONS.map((name) => [name, run(name)])) as Pick<Store, Operation>
  const tasks: unknown = Object.fromEntries(TASK_OPERATIONS.map((name) => [name, run(`tasks.${name}`)]))

  const stop = async (receiver: number) => {
    receivers.delete(receiver)
    if (channel.connected && !closed) await ask({ store: 'stop', receiver })
  }

  return {
    ...operations,
    // A function does not cross to the other process: this one looks whether the call waits for the answer, and attends first.
    async answer(key, id, value, taker, attend) {
      if (!taker || !attend) return operations.answer(key, id, value, taker)
      const reply = await operations.answer(key, id, value)
      if (!('owner' in reply) || reply.owner !== '') return reply
      await attend()
      return operations.answer(key, id, value, taker)
    },
    tasks: async () => tasks as TaskStore,
    name: 'memory',
    leavesProcess: true,
    nearlyFull() {
      // Each reply brings the newest state. Where none is asked for, since the store is nearly full, this question does.
      if (nearlyFull) operations.ping().catch(() => {})
      return nearlyFull
    },
    async receive(instance, given) {
      const receiver = ++asked
      receivers.set(receiver, given)
      await ask({ store: 'receive', receiver, instance })
      return { stop: () => stop(receiver) }
    },
    async close() {
      await Promise.all([...receivers.keys()].map(stop))
      closed = true
      if (waiting.size > 0) await new Promise<void>((resolve) => (idle = resolve))
      channel.off('message', listener)
      channel.off('disconnect', disconnected)
    },
    wake() {},
  }
}

function gone(): StoreUnavailable {
  return new StoreUnavailable('The process that keeps the sessions has ended.')
}
