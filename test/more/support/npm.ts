/** npm in another folder, as a person would call it there. */
import { run } from './run.ts'

/** The variables of an npm that started the tests would steer the npm started here. */
const STEERING = /^npm_config_(global|local_prefix|prefix|location|workspaces?|omit|include|only|production|dry_run)$/i

const QUIET = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']

/**
 * Runs `npm <command> <args>` in `folder`.
 *
 * @returns what it wrote to stdout
 * @throws Error with everything that it printed
 */
export async function npm(folder: string, command: string, ...args: string[]): Promise<string> {
  const steering = Object.keys(process.env).filter((name) => STEERING.test(name))
  const env = Object.fromEntries(steering.map((name) => [name, undefined]))
  return run('npm', [command, ...QUIET, ...args], { cwd: folder, env })
}
