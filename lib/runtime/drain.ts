/** The shutdown of an instance. Its sessions go on elsewhere. */
import { pause } from '../base/clock.ts'
import { channels, type DrainStart, publish } from '../base/events.ts'
import type { Afterwork } from './afterwork.ts'
import type { RunningCall } from './held.ts'
import type { Instance } from './instance.ts'

/**
 * Ends the streams that may end before their answer, waits for the calls and the work that handlers left for `drainTimeout`
 * ms, hands over those calls that may run again and fails the rest, and removes the instance's traces from the store.
 *
 * @param within ms for the wait, where that is less
 */
export async function drain(instance: Instance, afterwork: Afterwork, within = Infinity): Promise<void> {
  const { options, clock, calls, unregistered, connections } = instance
  const isHeard = channels['drain-start'].hasSubscribers || channels.drain.hasSubscribers
  const event: DrainStart | undefined = isHeard
    ? {
        instance: instance.id,
        calls: new Set([...calls.values(), ...unregistered.values()]).size,
        streams: connections.size,
      }
    : undefined
  const began = clock.now()
  if (event) publish('drain-start', event)
  instance.beginDrain()
  const time = Math.min(options.drainTimeout, within)
  // A durable call goes on elsewhere. It is handed over while there is time for a `ctx.once` that is under way to end.
  const early = clock.after(time / 2, () => {
    for (const call of calls.values()) if (call.isDurable) void instance.track(call.abandon())
  })
  await Promise.race([settled(instance), pause(clock, time)])
  early.cancel()
  const left = new Set([...instance.calls.values(), ...instance.unregistered.values()])
  // One that was claimed before begins in the rest of this turn, and is given back.
  const giveBack = (call: RunningCall) => {
    if (left.has(call)) return
    left.add(call)
    void instance.track(Promise.resolve().then(() => call.abandon()))
  }
  instance.onLateCall = giveBack
  await Promise.all([...left].map(async (call) => call.abandon()).map((done) => done.catch((e) => instance.report(e))))
  for (const connection of [...instance.connections.values()]) connection.close()
  afterwork.close('when this instance shut down')
  await instance.settled()
  await instance.retry.finish()
  await instance.stop()
  if (event) publish('drain', Object.assign(event, { left: left.size, durationMs: clock.now() - began }))
}

/** Resolves when no call runs here, and no request is on its way to become one. */
async function settled(instance: Instance): Promise<void> {
  do {
    await instance.settled()
    // A request whose session has just been read begins its call in this turn.
    await new Promise((resolve) => setImmediate(resolve))
  } while (!instance.isSettled)
}
