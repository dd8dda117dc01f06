/** An instance, as the process that started it sees it. */
import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { systemClock } from '../../base/clock.ts'
import type { Target } from './balancer.ts'
import type { Guard } from './guard.ts'
import { isOfDev, type List, type Order, type Refused, type Report, type Roll, type Start } from './messages.ts'
import type { Terminal } from './terminal.ts'

/** How long an instance may take to obey, in ms. One that stands still in a debugger does not. */
const PATIENCE = 1_000
/** How long the last lines of a process may take to arrive, in ms. */
const LAST_LINES = 200

interface InstanceParts {
  /** From 1 on. */
  number: number
  /** The file to run. */
  file: string
  start: Start
  env: NodeJS.ProcessEnv
  guard: Guard
  terminal: Terminal
  /** Gives the process what it asks its parent for. */
  connect(child: ChildProcess): void
  /** The page ends the instance of this number. */
  onKill(number: number): void
  /** It has refused a request. */
  refused(refused: Refused): void
}

/** ready: it serves. leaving: it takes no more requests. ended: it is no more. */
type State = 'starting' | 'ready' | 'leaving' | 'ended'

export class InstanceProcess implements Target {
  readonly number: number
  readonly socket: string
  readonly #child: ChildProcess
  /** When it became ready, by the clock's `now`. */
  #since = 0
  state: State = 'starting'
  /** Another version has its place. */
  old = false
  /** A person has ended it. */
  wasKilled = false
  /** The lists that its server has, and its name. */
  lists: readonly List[] = []
  name = ''
  /** Resolves once it serves, or with false once it has ended before. */
  readonly ready: Promise<boolean>
  /** Resolves when it leaves or has ended without being asked: it serves no more requests. */
  readonly left: Promise<void>
  /** Resolves with how it ended. */
  readonly ended: Promise<string>
  #done = () => {}

  constructor({ number, file, start, env, guard, terminal, connect, refused, onKill }: InstanceParts) {
    this.number = number
    this.socket = start.socket
    const child = fork(file, [JSON.stringify(start)], {
      execArgv: [...process.execArgv.filter((arg) => !arg.startsWith('--inspect')), '--enable-source-maps'],
      env,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C at a terminal goes to every process of a group. `dev` decides when an instance ends.
      detached: process.platform !== 'win32',
    })
    this.#child = child
    guard.watch(child)
    connect(child)
    for (const input of [child.stdout, child.stderr]) {
      if (input) createInterface({ input }).on('line', (line) => terminal.relay(number, this.old, line))
    }
    let leave = () => {}
    this.left = new Promise((resolve) => {
      leave = resolve
    })
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.state = 'ended'
        // Requests go elsewhere at once.
        leave()
        const how = signal ?? `exit code ${code}`
        // `close` comes after the last line that the process wrote, unless a process that it started has its output.
        child.once('close', () => resolve(how))
        systemClock.after(LAST_LINES, () => resolve(how))
      })
    })
    this.ready = new Promise((resolve) => {
      child.on('message', (message) => {
        if (!isOfDev(message)) return
        const report = message as Report
        if (report.dev === 'done') return this.#done()
        if (report.dev === 'kill') return onKill(report.number)
        if (report.dev === 'refused') return refused(report.refused)
        if (report.dev === 'ready') {
          this.name = report.name
          this.lists = report.lists
          this.#since = systemClock.now()
          this.state = 'ready'
          return resolve(true)
        }
        this.state = 'leaving'
        leave()
      })
      child.once('error', () => resolve(false))
      this.ended.then(() => resolve(false))
    })
  }

  /** How long it has served, in ms. */
  get age(): number {
    return this.#since === 0 ? 0 : systemClock.now() - this.#since
  }

  /** Resolves when the order is done, or the instance does not answer. */
  async obey(order: Order): Promise<void> {
    if (!this.#child.connected) return
    await new Promise<void>((resolve) => {
      this.#done = resolve
      const late = systemClock.after(PATIENCE, resolve)
      this.ended.then(() => resolve()).finally(() => late.cancel())
      this.#child.send(order, () => {})
    })
  }

  /** Sends what the page shows of the instances. */
  send(roll: Roll): void {
    if (this.#child.connected) this.#child.send(roll, () => {})
  }

  /** Ends it in good order: calls under way have `patience` ms. */
  async drain(patience: number): Promise<void> {
    this.#child.kill('SIGTERM')
    const late = systemClock.after(patience, () => this.kill())
    await this.ended
    late.cancel()
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** The instances that take requests. */
export function serving(instances: readonly InstanceProcess[]): InstanceProcess[] {
  return instances.filter(({ state }) => state === 'ready')
}
