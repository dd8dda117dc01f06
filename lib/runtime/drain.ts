/** The shutdown of an instance. Its sessions go on elsewhere. */
import type { Instance } from './instance.ts'

/**
 * Ends the streams that may end before their answer, waits for the calls for `drainTimeout` ms, hands over those that
 * may run again and fails the rest, and removes the instance's traces from the store.
 */
export async function drain(instance: Instance): Promise<void> {
  const { options, clock } = instance
  instance.beginDrain()
  await Promise.race([
    settled(instance),
    new Promise<void>((resolve) => void clock.after(options.drainTimeout, resolve)),
  ])
  const left = [...new Set([...instance.calls.values(), ...instance.unregistered.values()])]
  await Promise.all(left.map(async (call) => call.abandon()).map((done) => done.catch((e) => instance.report(e))))
  for (const connection of [...instance.connections.values()]) connection.close()
  await instance.settled()
  await instance.retry.finish()
  await instance.stop()
}

/** Resolves when no call runs here, and no request is on its way to become one. */
async function settled(instance: Instance): Promise<void> {
  do {
    await instance.settled()
    // A request whose session has just been read begins its call in this turn.
    await new Promise((resolve) => setImmediate(resolve))
  } while (!instance.isSettled)
}
