/** The output of a program that is served. It may write to stdout, which has lines of the endpoint. */

import type { Output } from '../../../platform/log.ts'

/**
 * Sends what code writes to the console and to `process.stdout` to stderr from now on.
 *
 * @param onFirst called before the first text that the program writes to stdout
 * @returns stdout
 */
export function redirectStdout(onFirst: () => void): Output {
  const { stdout, stderr } = process
  const write = stdout.write.bind(stdout)
  let isFirst = true
  const redirect = (...args: Parameters<typeof stdout.write>) => {
    if (isFirst) {
      isFirst = false
      onFirst()
    }
    return stderr.write(...args)
  }
  Object.defineProperty(stdout, 'write', { configurable: true, writable: true, value: redirect })
  return { isTTY: stdout.isTTY, write: (text) => write(text) }
}
