/** The interface between `serve` and the dispatcher of a program that has a process for each session. */
import type { OfficialOptions } from '../../../sdk/options.ts'
import type { Dispatcher } from '../../../server/dispatcher.ts'
import type { ServeOptions } from '../../../settings-serve.ts'
import type { Program } from './process/program.ts'

/** A program, and how it is served. Bounds that are not given have the defaults of lib/settings-serve.ts. */
export interface IsolateOptions extends Program, Partial<ServeOptions> {
  /** The program for people, as the log and errors name it: the package with its version, or the file. Default: the command. */
  name?: string | undefined
  /** What the endpoint should know of the tools, by name, as for a server of the official SDK. */
  tools?: OfficialOptions['tools']
  /**
   * Receives each line that a process writes to stderr, and the session in the form of the events (empty: a process of the
   * start). Default: a line on stderr.
   */
  log?: ((line: string, session: string) => void) | undefined
}

/**
 * `isolateDispatcher` of `open.ts`. It starts nothing before `Dispatcher.open`, which starts one process, learns from it how the
 * server describes itself, and returns sentences for the log of the start. `Dispatcher.close` ends all processes.
 *
 * `open` rejects with a TypeError of one line, with the last line of the program's stderr, where the program does not answer
 * `initialize`.
 */
export type IsolateDispatcher = (options: IsolateOptions) => Dispatcher
