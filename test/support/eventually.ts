/** Asks again until there is an answer: for what happens in another process and tells nobody. */
import { setTimeout as sleep } from 'node:timers/promises'

/** @throws Error when `limit` ms have passed, which no assertion depends on: something hangs. */
export async function eventually<T>(ask: () => Promise<T | undefined>, limit = 20_000): Promise<T> {
  const deadline = Date.now() + limit
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`It did not happen: ${ask.toString()}`)
    await sleep(20)
  }
}
