/** Runs programs, and shows everything that they printed where they fail. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

interface RunOptions {
  cwd: string
  /** Beside the variables of this process. */
  env?: Readonly<Record<string, string | undefined>>
}

/**
 * Runs `program` until it ends.
 *
 * @returns what it wrote to stdout
 * @throws Error with everything that it printed, where it does not exit with 0
 */
export async function run(program: string, args: readonly string[], { cwd, env }: RunOptions): Promise<string> {
  const options = { cwd, env: { ...process.env, NODE_OPTIONS: undefined, ...env }, maxBuffer: 64 << 20 }
  const { stdout } = await promisify(execFile)(program, args, options).catch(
    (error: { stdout?: string; stderr?: string }) => {
      const printed = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim()
      throw new Error(`${program} ${args.join(' ')} failed:\n${printed || String(error)}`)
    },
  )
  return stdout
}
