/**
 * The commands of calls. ioredis assigns a function to each command where it writes the function (`this.reject = (error) => …`).
 * V8 allocates such a function in its old space, and all that it refers to stays there until the next major garbage
 * collection: with a streaming call that made each minor one ten times as long. These commands are without it.
 */
import { hash } from 'node:crypto'
import type { Client } from './client.ts'
import { Cluster, Command, Redis } from './ioredis.ts'
import type { Script } from './scripts/script.ts'

/** What a command of ioredis has. Its types hide a part of this. */
interface Internals {
  transformed: boolean
  isResolved: boolean
  isSettled: boolean
  resolve: (value: unknown) => unknown
  reject: (error: Error) => void
  promise: Promise<unknown>
  stringifyArguments(): void
  _convertValue(resolve: (value: unknown) => void): (value: unknown) => unknown
  _clearTimers(): void
}

class CallCommand extends Command {}

/** Takes the place of the method by which ioredis makes the promise of a command. */
function initPromise(this: Internals): void {
  this.isResolved = false
  this.isSettled = false
  this.promise = new Promise((resolve, reject) => {
    this.transformed = true
    this.stringifyArguments()
    this.resolve = this._convertValue(resolve)
    // A variable first: see above.
    const fail = (error: Error) => {
      this._clearTimers()
      this.isSettled = true
      reject(error)
    }
    this.reject = fail
  })
}
Object.defineProperty(CallCommand.prototype, 'initPromise', { value: initPromise })

type Sent = Pick<Script<never, unknown>, 'lua'>

/** The scripts that were sent to a connection in full. */
const sentTo = new WeakMap<object, Set<Sent>>()
const hashes = new WeakMap<Sent, string>()

function hashOf(script: Sent): string {
  let known = hashes.get(script)
  if (known === undefined) {
    known = hash('sha1', script.lua)
    hashes.set(script, known)
  }
  return known
}

/** A script: in full where a connection has not had it, then by its hash. */
class ScriptCommand extends CallCommand {
  readonly #script: Sent
  #connection: object | undefined

  constructor(script: Script<never, unknown>, args: (string | number)[]) {
    const { numberOfKeys } = script
    const rest = numberOfKeys === undefined ? args : [numberOfKeys, ...args]
    super('evalsha', [hashOf(script), ...rest], { replyEncoding: 'utf8' })
    this.#script = script
  }

  override toWritable(connection: object): string | Buffer {
    this.#connection = connection
    const sent = sentTo.get(connection)
    if (sent?.has(this.#script)) {
      this.name = 'evalsha'
      this.args[0] = hashOf(this.#script)
    } else {
      if (sent) sent.add(this.#script)
      else sentTo.set(connection, new Set([this.#script]))
      this.name = 'eval'
      this.args[0] = this.#script.lua
    }
    return super.toWritable(connection)
  }

  /** Redis has lost the script: it is sent in full again. */
  forget(): void {
    if (this.#connection) sentTo.get(this.#connection)?.delete(this.#script)
  }
}

/** The client takes the commands of this file. That of an author may be of another copy of the package. */
export function isOwn(client: Client): boolean {
  return client instanceof Redis || client instanceof Cluster
}

/** Reads fields of a hash, in their order. */
export function readFields(client: Client, key: string, names: readonly string[]): Promise<(string | null)[]> {
  if (!isOwn(client)) return client.hmget(key, ...names)
  const command = new CallCommand('hmget', [key, ...names], { replyEncoding: 'utf8' })
  client.sendCommand(command)
  return command.promise
}

/** Runs a script. */
export function sendScript(
  client: Client,
  script: Script<never, unknown>,
  args: (string | number)[],
): Promise<unknown> {
  const command = new ScriptCommand(script, args)
  client.sendCommand(command)
  return command.promise.catch((error: Error) => {
    if (!error.message.startsWith('NOSCRIPT')) throw error
    command.forget()
    return sendScript(client, script, args)
  })
}
