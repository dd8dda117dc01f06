/** What the commands of the CLI have in common. */

/** A command of `mcp-anywhere`. */
export interface Command {
  /** The arguments, as `--help` shows them after the command: `[server.ts] [--instances 2]`. */
  usage: string
  /** One line for `--help`. */
  summary: string
  /**
   * Runs the command. The process goes on as long as something in it waits.
   *
   * @param args the arguments after the name of the command
   * @throws Failure with one line for whoever called the command
   */
  run(args: string[]): Promise<void>
}

/** Why a command cannot go on: one line with the file, the reason and the cure. The process ends with 1. */
export class Failure extends Error {
  override readonly name = 'Failure'
}

/** Ends the process with 1, and with one line where a {@link Failure} has one. */
export async function orExit(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    console.error(error.message)
    process.exit(1)
  }
}
