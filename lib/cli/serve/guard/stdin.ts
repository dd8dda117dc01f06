/** The stdin of a program whose client is not there: it gets neither data nor an end. */
import { syncBuiltinESMExports } from 'node:module'
import { Readable } from 'node:stream'

/** From now on `process.stdin` is silent, whatever stdin of the process is: a terminal, a pipe that ends, nothing. */
export function silenceStdin(): void {
  const silent = new Readable({ read() {} })
  Object.defineProperty(process, 'stdin', { configurable: true, enumerable: true, value: silent })
  syncBuiltinESMExports()
}
