/** The settings of a command that serves, and the address at which this machine reaches it. */
import { BadSetting, parseEnvironment, type Settings } from '../platform/environment.ts'
import { Failure } from './command.ts'

/** @throws Failure with the line of a variable that has a wrong value */
export function settingsOf(env: NodeJS.ProcessEnv): Settings {
  return orFailure(() => parseEnvironment(env))
}

/** The result of `read`. @throws Failure with the line of a variable that has a wrong value */
export function orFailure<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof BadSetting)) throw error
    throw new Failure(error.message)
  }
}

/** @param port where it listens */
export function localAddress(host: string, port: number, path: string): string {
  return `http://${reachable(host)}:${port}${path}`
}

/** An address that a client can use. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
