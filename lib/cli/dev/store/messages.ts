/** The messages between a process that keeps a store and one that uses it. They need the serialization `advanced`. */
import type { ChangeEntry } from '../../../store/bus.ts'
import type { Store } from '../../../store/store.ts'
import type { TaskStore } from '../../../store/tasks.ts'
import { StoreRefused, type StoreTrouble, StoreUnavailable } from '../../../store/unavailable.ts'

/** What both sides need of the channel: `process` in a child, and the `ChildProcess` in its parent. */
export interface Channel {
  readonly connected: boolean
  send?(message: object, done: (error: Error | null) => void): boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
  once(event: 'disconnect', listener: () => void): unknown
  off(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown
}

/** The operations that are a question and a reply. */
export type Operation = Exclude<
  keyof Store,
  | 'name'
  | 'leavesProcess'
  | 'nearlyFull'
  | 'answersAnew'
  | 'open'
  | 'serve'
  | 'receive'
  | 'close'
  | 'settled'
  | 'wake'
  | 'busSlots'
  | 'admin'
  | 'tasks'
>

/** A missing name does not compile. */
const NAMES: Record<Operation, true> = {
  createSession: true,
  readSession: true,
  dateSession: true,
  replaceRecord: true,
  deleteSession: true,
  setLevel: true,
  getData: true,
  setData: true,
  relieve: true,
  subscribe: true,
  unsubscribe: true,
  subscriptions: true,
  register: true,
  append: true,
  endCall: true,
  lookCall: true,
  calls: true,
  countCalls: true,
  claim: true,
  releaseCall: true,
  cancel: true,
  post: true,
  take: true,
  look: true,
  trim: true,
  release: true,
  replaceHolder: true,
  readLog: true,
  changePosition: true,
  advance: true,
  answer: true,
  closeAsk: true,
  keep: true,
  suspend: true,
  poll: true,
  send: true,
  up: true,
  down: true,
  alive: true,
  publish: true,
  changesAfter: true,
  getValue: true,
  setValue: true,
  replaceValue: true,
  addValue: true,
  deleteValue: true,
  count: true,
  weigh: true,
  occupy: true,
  ping: true,
}

export const OPERATIONS = Object.keys(NAMES) as Operation[]

type TaskOperation = keyof TaskStore

const TASK_NAMES: Record<TaskOperation, true> = {
  create: true,
  get: true,
  update: true,
  renew: true,
  end: true,
  cancel: true,
  watch: true,
  list: true,
  endSession: true,
}

/** Those of the part of the store that keeps tasks. */
export const TASK_OPERATIONS = Object.keys(TASK_NAMES) as TaskOperation[]

interface Asked {
  /** The number of the question; its reply has the same. */
  id: number
}

/** From the process that uses the store. `receiver` numbers the receivers of one channel. */
export type StoreQuestion =
  | (Asked & { store: 'run'; operation: Operation | `tasks.${TaskOperation}`; args: unknown[] })
  | (Asked & { store: 'receive'; receiver: number; instance: string })
  | (Asked & { store: 'stop'; receiver: number })

/** How a failure travels: the classes of errors do not. */
interface FailureText {
  name: string
  message: string
  trouble: StoreTrouble | undefined
}

/** To the process that uses the store. */
export type StoreAnswer =
  | (Asked & { store: 'reply'; value: unknown; failure?: FailureText; nearlyFull: boolean })
  | { store: 'mail'; receiver: number; message: string }
  | { store: 'change'; receiver: number; entry: ChangeEntry }
  | { store: 'resumed'; receiver: number }

/** Only messages of this file have the member `store`. */
export function isOfStore(message: unknown): message is StoreQuestion | StoreAnswer {
  return typeof message === 'object' && message !== null && 'store' in message
}

/** Sends, where the other process still listens. One that has gone is noticed by its `disconnect`. */
export function sendTo(channel: Channel, message: object): void {
  if (channel.connected) channel.send?.(message, () => {})
}

export function failureText(thrown: unknown): FailureText {
  const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown))
  return { name, message, trouble: thrown instanceof StoreUnavailable ? thrown.trouble : undefined }
}

export function errorOf({ name, message, trouble }: FailureText): Error {
  if (trouble === undefined) return Object.assign(new Error(message), { name })
  return name === 'StoreRefused' ? new StoreRefused(message, { trouble }) : new StoreUnavailable(message, { trouble })
}
