/** Keeps a store for another process. */
import type { Receiver, Receiving, Store } from '../../../store/store.ts'
import {
  type Channel,
  failureText,
  isOfStore,
  OPERATIONS,
  type StoreAnswer,
  type StoreQuestion,
  sendTo,
  TASK_OPERATIONS,
} from './messages.ts'

type AnyOperation = (...args: unknown[]) => Promise<unknown>

/**
 * Answers the questions of the process at the other end of `channel`, until that ends. What it receives ends with it; its
 * sign of life expires, as in every store.
 *
 * @returns a function that ends it
 */
export function serveStore(store: Store, channel: Channel): () => void {
  const receivers = new Map<number, Promise<Receiving>>()
  const operations = new Map<string, AnyOperation>(
    // The other side has the types: `args` are those of the operation.
    [
      ...OPERATIONS.map((name): [string, AnyOperation] => [name, (store[name] as AnyOperation).bind(store)]),
      ...TASK_OPERATIONS.map((name): [string, AnyOperation] => [`tasks.${name}`, (...args) => onTask(name, args)]),
    ],
  )
  async function onTask(name: (typeof TASK_OPERATIONS)[number], args: unknown[]): Promise<unknown> {
    const tasks = await store.tasks?.()
    return (tasks?.[name] as AnyOperation | undefined)?.(...args)
  }
  const send = (answer: StoreAnswer) => sendTo(channel, answer)

  function receiverOf(receiver: number): Receiver {
    return {
      mail: (message) => send({ store: 'mail', receiver, message }),
      change: (entry) => send({ store: 'change', receiver, entry }),
      resumed: () => send({ store: 'resumed', receiver }),
    }
  }

  async function run(question: StoreQuestion): Promise<unknown> {
    if (question.store === 'run') return operations.get(question.operation)?.(...question.args)
    const { receiver } = question
    if (question.store === 'receive') {
      const receiving = store.receive(question.instance, receiverOf(receiver))
      receivers.set(receiver, receiving)
      await receiving
    } else {
      const receiving = await receivers.get(receiver)
      receivers.delete(receiver)
      await receiving?.stop()
    }
    return undefined
  }

  const listener = (message: unknown) => {
    if (!isOfStore(message)) return
    const question = message as StoreQuestion
    const { id } = question
    run(question).then(
      (value) => send({ store: 'reply', id, value, nearlyFull: store.nearlyFull() }),
      (error) =>
        send({ store: 'reply', id, value: undefined, failure: failureText(error), nearlyFull: store.nearlyFull() }),
    )
  }
  const end = () => {
    channel.off('message', listener)
    channel.off('disconnect', end)
    for (const receiving of receivers.values()) receiving.then((one) => one.stop()).catch(() => {})
    receivers.clear()
  }
  channel.on('message', listener)
  channel.once('disconnect', end)
  return end
}
