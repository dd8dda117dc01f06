/** Polls a condition, for changes in another process that send no event. */
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Calls `ask` until it returns a value.
 * @throws Error after `limit` ms. The limit only ends a hanging test; no assertion depends on it.
 */
export async function eventually<T>(ask: () => Promise<T | undefined>, limit = 20_000): Promise<T> {
  const deadline = Date.now() + limit
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`No value after ${limit} ms: ${ask.toString()}`)
    await sleep(20)
  }
}
