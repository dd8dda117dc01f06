/** A program that speaks MCP on its stdin and stdout, one message a line, as a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { systemClock } from '../../../../base/clock.ts'
import { isObject, type JsonObject } from '../../../../protocol/jsonrpc.ts'
import { linesOf } from '../../../../stdio/lines.ts'
import type { Guard } from '../../../dev/guard.ts'
import type { Program } from './program.ts'

/** Bytes of a line on stderr that the log gets. */
const MAX_LOGGED = 8 * 1024
/** How long the last lines of a process may take to arrive, in ms. */
const LAST_LINES = 200
/** Bytes that may wait for a program to read its stdin. */
const MAX_UNREAD = 16 * 1024 * 1024

/** What a line on stdout is that is no message. */
type Noise = 'text' | 'long'

interface ChildParts {
  program: Program
  /** Bytes of a line on stdout. */
  maxLine: number
  /** Ends the process with this one, however this one ends. */
  guard: Pick<Guard, 'watch'>
  /** Takes a message. The next line is read when the promise has resolved. */
  message(message: JsonObject): Promise<void> | undefined
  noise(kind: Noise): void
  /** Takes a line of stderr. */
  log(line: string): void
}

export class Child {
  /** Resolves when it answers no more, with how it ended: `exit code 1`. */
  readonly ended: Promise<string>
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>
  #over = false
  readonly #process: ChildProcessWithoutNullStreams
  readonly #parts: ChildParts

  constructor(parts: ChildParts) {
    this.#parts = parts
    const { command, args, cwd, env } = parts.program
    // A group of its own: Ctrl-C at a terminal goes to every process of a group, and here it drains first.
    const detached = process.platform !== 'win32'
    this.#process = spawn(command, args, { cwd, env: { ...env }, stdio: 'pipe', detached })
    parts.guard.watch(this.#process, detached)
    const { stdin, stdout, stderr } = this.#process
    // Its end says all that there is to say.
    stdin.on('error', () => {})
    void this.#log(stderr)
    const read = this.#read(stdout)
    const exited = new Promise<string>((resolve) => {
      this.#process.once('error', ({ message }) => resolve(message))
      this.#process.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    this.gone = exited.then(() => {})
    const exit = exited.then(async (how) => {
      // The last lines arrive after it. A process that it started may keep its output open.
      const late = new Promise<void>((resolve) => void systemClock.after(LAST_LINES, resolve))
      await Promise.race([read, late])
      return how
    })
    // It may close its output a moment before it ends.
    const closed = read.then(async () => {
      const late = new Promise<string>((resolve) => {
        systemClock.after(LAST_LINES, () => resolve('it closed its output'))
      })
      return Promise.race([exited, late])
    })
    this.ended = Promise.race([exit, closed])
    void this.ended.then(() => {
      this.#over = true
    })
  }

  /** It answers no more. */
  get over(): boolean {
    return this.#over
  }

  /** So much waits for it to read its stdin that it gets no more requests. */
  get isStuck(): boolean {
    return this.#process.stdin.writableLength > MAX_UNREAD
  }

  send(message: JsonObject): void {
    const { stdin } = this.#process
    if (stdin.writable) stdin.write(`${JSON.stringify(message)}\n`)
  }

  /**
   * Closes its stdin, which is how a client leaves. A process that does not end by that gets SIGTERM after `grace` ms, and SIGKILL
   * after as many more. Resolves when it is gone.
   */
  async end(grace: number): Promise<void> {
    this.#process.stdin.end()
    const timers = [
      systemClock.after(grace, () => this.#signal('SIGTERM')),
      systemClock.after(2 * grace, () => this.kill()),
    ]
    await this.gone
    for (const timer of timers) timer.cancel()
    // The processes that it has started belong to its group, and would stay.
    this.kill()
  }

  kill(): void {
    this.#signal('SIGKILL')
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#process
    if (pid === undefined) return
    try {
      if (process.platform === 'win32') this.#process.kill(signal)
      else process.kill(-pid, signal)
    } catch {
      // It is gone already.
    }
  }

  async #read(stdout: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const line of linesOf(stdout, this.#parts.maxLine)) {
        if (line === undefined) this.#parts.noise('long')
        else for (const message of this.#messagesOf(line)) await this.#parts.message(message)
      }
    } catch {
      // A pipe that breaks has ended.
    }
  }

  /** The messages of a line: one, those of a batch (2025-03-26), or none where it is no JSON-RPC. */
  #messagesOf(line: Uint8Array): JsonObject[] {
    let value: unknown
    try {
      value = JSON.parse(Buffer.from(line).toString('utf8'))
    } catch {
      value = undefined
    }
    const all: unknown[] = Array.isArray(value) ? value : [value]
    const messages = all.filter(isMessage)
    if (messages.length < Math.max(1, all.length)) this.#parts.noise('text')
    return messages
  }

  async #log(stderr: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const line of linesOf(stderr, MAX_LOGGED)) {
        this.#parts.log(line ? Buffer.from(line).toString('utf8') : `(a line of more than ${MAX_LOGGED} bytes)`)
      }
    } catch {
      // As for stdout.
    }
  }
}

function isMessage(value: unknown): value is JsonObject {
  return isObject(value) && (typeof value.method === 'string' || (value.id !== undefined && isAnswer(value)))
}

function isAnswer({ result, error }: JsonObject): boolean {
  return result !== undefined || isObject(error)
}

/** Kills `children` when this process ends. */
export function killAtExit(children: ReadonlySet<Child>): () => void {
  const kill = () => {
    for (const child of children) child.kill()
  }
  process.on('exit', kill)
  return () => process.off('exit', kill)
}
