/** Where failures go whose cause no client is sent. */
import { asError } from '../base/errors.ts'
import { handled } from '../base/promises.ts'

/** One line on stderr. */
export function logError(thrown: unknown): void {
  const { name, message } = asError(thrown)
  console.error(`${name}: ${message}`)
}

/** `onError` as the endpoint calls it: with an error that can be read, and its own failure is no failure of a call. */
export function reporter(onError: (error: unknown) => unknown): (error: unknown) => void {
  return (thrown) => {
    try {
      const done = onError(asError(thrown))
      if (done instanceof Promise) handled(done)
    } catch (fault) {
      logError(fault)
    }
  }
}
