/**
 * The begin of a connection in one round trip: the first commands leave together with the greeting (HELLO, with user and
 * password), and the reply to the greeting has the version, the mode and the role of the server. ioredis alone waits for the
 * reply to HELLO, then for that to INFO, and sends commands after both.
 */
import type { Client } from './client.ts'
import type { Redis } from './ioredis.ts'

/** What a server says of itself. */
export interface Greeting {
  version: string | undefined
  /** `standalone`, `cluster` or `sentinel`. */
  mode: string | undefined
  /** `master` or `replica`; undefined where INFO was asked. */
  role?: string | undefined
}

interface Item {
  command: { name: string; isSettled: boolean; reject(error: Error): void }
  stream?: unknown
}

/** What a connection of ioredis has. Its types hide a part of this. */
interface Connection {
  status: string
  stream: { cork(): void; uncork(): void }
  options: { sentinels?: unknown }
  condition: { select: number }
  connector: { check(info: { role?: string | undefined }): boolean }
  offlineQueue: Queue
  prevCondition?: object | null
  prevCommandQueue?: object | null
  hello(...args: unknown[]): Promise<unknown>
  setStatus(status: string, arg?: unknown): void
  resetCommandQueue(): void
  resetOfflineQueue(): void
  handleReconnection(error: Error, item: Item): void
  sendCommand(command: Item['command'], stream: unknown): unknown
  disconnect(reconnect: boolean): void
}

interface Queue {
  readonly length: number
  shift(): Item | undefined
  push(item: Item): unknown
  unshift(item: Item): unknown
}

interface State {
  /** Of the connection: itself, or a cluster. */
  client: Client
  /** The commands that were sent before the server has answered the greeting. */
  early: Item[]
  /** The greeting is sent, and commands may follow it. */
  isOpen: boolean
}

const greetings = new WeakMap<Client, Greeting>()

/** What the server of this client has said last, or that of a node; undefined before, and where it has no HELLO. */
export function greetingOf(client: Client): Greeting | undefined {
  return greetings.get(client)
}

const states = new WeakMap<object, State>()
const stateOf = (connection: object) => states.get(connection) as State

/**
 * Has a connection that is not opened yet send its first commands with the greeting, where it is the first greeting, the
 * database is 0 and no Sentinel named the server: a wrong database, and a replica for a primary, must get no command.
 *
 * @param client what the connection is for: itself, or a cluster
 */
export function greetEarly(connection: Redis, client: Client): void {
  states.set(connection, { client, early: [], isOpen: false })
  Object.setPrototypeOf(connection, prototypesFrom(Object.getPrototypeOf(connection)).first)
}

/** The server has no HELLO, or not that of RESP3: the login comes by another command. Any other error refuses the login. */
const LACKS_HELLO = /unknown command|NOPROTO/i

/** The commands of a greeting. */
const GREETING = ['hello', 'auth', 'select', 'client', 'readonly', 'info']

interface Prototypes {
  /** Until the connection is ready for the first time. */
  first: object
  later: object
}
const prototypes = new WeakMap<object, Prototypes>()

/** The prototypes of connections that greet early. A bundle has a second copy of the client for clusters. */
function prototypesFrom(base: Connection): Prototypes {
  const known = prototypes.get(base)
  if (known) return known
  const methods: Partial<Connection> & ThisType<Connection> = {
    hello(...args) {
      const { stream } = this
      stateOf(this).isOpen = false
      stream.cork()
      // The other commands of the greeting, such as SELECT, are sent in this turn.
      queueMicrotask(() => {
        if (greetsForTheFirstTime(this)) open(this)
        stream.uncork()
      })
      return base.hello.apply(this, args).then((reply) => greeted(this, reply))
    },
    setStatus(status, arg) {
      // From now on the client itself sends again what has no reply.
      if (status === 'ready') {
        stateOf(this).early = []
        Object.setPrototypeOf(this, later)
      }
      base.setStatus.call(this, status, arg)
    },
    // The client calls it for each connection, and forgets what it sent on one that never was ready.
    resetCommandQueue() {
      base.resetCommandQueue.call(this)
      const state = stateOf(this)
      for (const item of state.early.reverse()) if (!item.command.isSettled) this.offlineQueue.unshift(item)
      state.early = []
    },
    handleReconnection(error, item) {
      // The server may have run the early commands as its default user. Their replies come next, and settle nothing any more.
      if (item.command.name === 'hello' && !LACKS_HELLO.test(error.message)) {
        for (const { command } of stateOf(this).early) command.reject(error)
      }
      // The greeting has the reason, or the password comes by another command: a server without HELLO.
      const isEarly = stateOf(this).early.some(({ command }) => command === item.command)
      if (isEarly && error.message.startsWith('NOAUTH')) this.offlineQueue.push(item)
      else base.handleReconnection.call(this, error, item)
    },
  }
  const later: object = Object.assign(Object.create(base), methods)
  const waiting: Partial<Connection> & ThisType<Connection> = {
    sendCommand(command, stream) {
      const follows = this.status === 'connect' && stateOf(this).isOpen && !GREETING.includes(command.name)
      return follows ? sendEarly(this, { command, stream }) : base.sendCommand.call(this, command, stream)
    },
  }
  const made = { first: Object.assign(Object.create(later), waiting), later }
  prototypes.set(base, made)
  return made
}

function greetsForTheFirstTime({ options, condition, prevCondition, prevCommandQueue }: Connection): boolean {
  return !options.sentinels && !condition.select && !prevCondition && !prevCommandQueue
}

/** Sends what waits for the connection, and from now on what comes before the reply to the greeting. */
function open(connection: Connection): void {
  if (connection.status !== 'connect') return
  const queue = connection.offlineQueue
  connection.resetOfflineQueue()
  stateOf(connection).isOpen = true
  for (let item = queue.shift(); item; item = queue.shift()) sendEarly(connection, item)
}

function sendEarly(connection: Connection, item: Item): unknown {
  stateOf(connection).early.push(item)
  // The client writes commands only on a connection that is ready.
  connection.status = 'ready'
  const sent = connection.sendCommand(item.command, item.stream)
  connection.status = 'connect'
  return sent
}

function greeted(connection: Connection, reply: unknown): unknown {
  const greeting = readGreeting(reply)
  if (greeting) greetings.set(stateOf(connection).client, greeting)
  const role = greeting?.role === 'replica' ? 'slave' : greeting?.role
  if (connection.connector.check({ role })) return reply
  // Sentinel named a primary that is none: ask again.
  connection.disconnect(true)
  return new Promise(() => {})
}

function readGreeting(reply: unknown): Greeting | undefined {
  if (!Array.isArray(reply)) return undefined
  const fields = new Map<unknown, unknown>()
  for (let i = 0; i < reply.length; i += 2) fields.set(reply[i], reply[i + 1])
  const text = (name: string) => {
    const value = fields.get(name)
    return typeof value === 'string' ? value : undefined
  }
  return { version: text('version'), mode: text('mode'), role: text('role') }
}
