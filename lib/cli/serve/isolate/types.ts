/** The interface between `serve` and the dispatcher of a program that has a process for each session. */
import type { Dispatcher } from '../../../server/dispatcher.ts'

/** A program that speaks MCP on stdin and stdout, and how many processes of it there may be. */
export interface IsolateOptions extends Partial<IsolateBounds> {
  /** The program: an absolute path, or a name on PATH. */
  command: string
  args: readonly string[]
  /** The working folder of its processes: an absolute path. */
  cwd: string
  /** The whole environment of its processes. */
  env: Readonly<Record<string, string | undefined>>
  /** The program for people, as the log and errors name it: the package with its version, or the file. Default: the command. */
  name?: string | undefined
}

/** Bounds of the processes of one instance. */
export interface IsolateBounds {
  /** Processes at once. */
  processes: number
  /** Processes of one principal at once. */
  processesPerPrincipal: number
  /** How long a process without a request is kept, in ms. */
  idle: number
}

/**
 * `isolateDispatcher` of `open.ts`. It starts nothing before `Dispatcher.open`, which starts one process, learns from it how the
 * server describes itself, and returns sentences for the log of the start. `Dispatcher.close` ends all processes.
 *
 * `open` rejects with a TypeError of one line, with the last line of the program's stderr, where the program does not answer
 * `initialize`.
 */
export type IsolateDispatcher = (options: IsolateOptions) => Dispatcher
