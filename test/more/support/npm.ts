/** npm in another folder, as a person would call it there. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The variables of an npm that started the tests would steer the npm started here. */
const STEERING = /^npm_config_(global|local_prefix|prefix|location|workspaces?|omit|include|only|production|dry_run)$/i

const QUIET = ['--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline', '--loglevel=error']

/**
 * Runs `npm <command> <args>` in `folder`.
 *
 * @returns what it wrote to stdout
 * @throws Error with everything that it printed
 */
export async function npm(folder: string, command: string, ...args: string[]): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !STEERING.test(name)))
  const run = promisify(execFile)('npm', [command, ...QUIET, ...args], { cwd: folder, env, maxBuffer: 64 << 20 })
  const { stdout } = await run.catch((error: { stdout?: string; stderr?: string }) => {
    const printed = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim()
    throw new Error(`npm ${command} ${args.join(' ')} failed in ${folder}:\n${printed || String(error)}`)
  })
  return stdout
}
