/** Promises that the library gives to an author. */

const ignore = () => {}

/**
 * Marks the rejection of `promise` as handled, and returns the same promise: an author who awaits it gets the error, and an
 * author who forgot the `await` does not end the process.
 */
export function handled<P extends Promise<unknown>>(promise: P): P {
  promise.catch(ignore)
  return promise
}

/** Calls `cancel` where the signal is aborted before the answer is there. */
export function cancelBy(signal: AbortSignal, answer: Promise<unknown>, cancel: () => void): void {
  signal.addEventListener('abort', cancel, { once: true })
  const forget = () => signal.removeEventListener('abort', cancel)
  answer.then(forget, forget)
}
