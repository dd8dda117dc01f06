/**
 * Keeps a program that was written to be the process of one client from ending that of many: `process.exit`, listeners to signals,
 * exceptions, stdin and stdout.
 */
import { syncBuiltinESMExports } from 'node:module'
import { asError, stackOf, warning } from '../../../base/errors.ts'
import type { Output } from '../../../platform/log.ts'
import { type KeptListeners, keepListeners } from './listeners.ts'
import { placeOf } from './place.ts'
import { silenceStdin } from './stdin.ts'
import { redirectStdout } from './stdout.ts'

/** How long the listeners of the program to a signal may take, in ms. */
const LAST_STEPS = 1_000

interface GuardParts {
  /** The program, for people. */
  name: string
  /** Receives what an operator should know. */
  report(error: Error): void
  /** Ends the process in good order, with the exit code 1. */
  end(): void
  /** The start has failed: the line for people. The process ends with it. */
  fail(line: string): never
}

/** The program has called `process.exit`, which does not return: it is thrown in its place. */
class ExitCalled extends Error {
  override readonly name = 'ExitCalled'
}

/** `starting`: until the endpoint listens. `ending`: the program's listeners to signals run. */
type Phase = 'starting' | 'serving' | 'ending' | 'ended'

export class Guard {
  /** stdout, which the program does not reach. */
  readonly stdout: Output
  readonly #parts: GuardParts
  readonly #exit = process.exit.bind(process)
  #listeners: KeptListeners | undefined
  #phase: Phase = 'starting'
  #exited: () => void = () => {}

  constructor(parts: GuardParts) {
    this.#parts = parts
    this.stdout = redirectStdout(() => parts.report(warning(writesToStdout(parts.name))))
  }

  /** The program runs from now on. What this process has set up before is not affected. */
  begin(): void {
    process.on('uncaughtException', (error) => this.#caught(error, 'An exception that nobody catches'))
    process.on('unhandledRejection', (reason) => this.#caught(reason, 'A rejection that nobody handles'))
    silenceStdin()
    this.#listeners = keepListeners()
    const exit = (code?: number | string | null): never => this.#called(code)
    Object.defineProperty(process, 'exit', { configurable: true, writable: true, value: exit })
    syncBuiltinESMExports()
  }

  /** The endpoint listens. */
  serving(): void {
    this.#phase = 'serving'
  }

  /** Gives `process.exit` back, for a start that has failed. */
  giveBack(): void {
    Object.defineProperty(process, 'exit', { configurable: true, writable: true, value: this.#exit })
  }

  /** Lets the program clean up as it does on a signal. Resolves when it has called `process.exit`, or its time is over. */
  async finish(): Promise<void> {
    this.#phase = 'ending'
    const exited = new Promise<void>((resolve) => {
      this.#exited = resolve
    })
    if (this.#emit()) {
      const late = new Promise<void>((resolve) => void setTimeout(resolve, LAST_STEPS))
      await Promise.race([exited, late])
    }
    this.#phase = 'ended'
  }

  #emit(): boolean {
    try {
      return this.#listeners?.emitSignal() ?? false
    } catch (error) {
      // Other listeners are not called, as in a process that has ended.
      if (!(error instanceof ExitCalled)) this.#parts.report(asError(error))
      return false
    }
  }

  #called(code: number | string | null | undefined): never {
    const { name, report, end, fail } = this.#parts
    const call = `process.exit(${code ?? ''})`
    if (this.#phase === 'starting') fail(endedAtStart(name, `has called ${call}${placeOf(new Error())}`))
    if (this.#phase === 'serving') {
      this.#phase = 'ended'
      report(
        warning(
          `${name} has called ${call}${placeOf(new Error())}: this instance ends as on SIGTERM, with the exit code 1.`,
        ),
      )
      end()
    }
    this.#exited()
    throw new ExitCalled(`The program has ended: it has called ${call}.`)
  }

  #caught(thrown: unknown, what: string): void {
    if (thrown instanceof ExitCalled) return
    const { name, report, fail } = this.#parts
    if (this.#phase === 'starting') fail(`${stackOf(thrown)}\n${endedAtStart(name, 'has failed')}`)
    const error = new Error(`${what}, in ${name}`)
    error.stack = `${what}, in ${name}: ${stackOf(thrown)}`
    report(error)
  }
}

function endedAtStart(name: string, what: string): string {
  return `${name} ${what} before it was served. Does it need arguments (after --) or variables?`
}

function writesToStdout(name: string): string {
  return `${name} writes to stdout, where stdio servers write messages only: a local host could not read it. Here it is on stderr.`
}
