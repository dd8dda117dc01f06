/**
 * Calls that nobody runs and nobody waits for: their instance died or shut down, and their client has not come back. Such a
 * call counts among those of its session, until an instance that meets it ends it with an error.
 * A call that a connection waits for is not one of them: the instance of that connection takes it over.
 */
import { pause } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { errorText, untypedId } from '../../protocol/jsonrpc.ts'
import type { Instance } from '../../runtime/instance.ts'
import { instanceOf, tokenOf } from '../../runtime/name.ts'
import { SIGN_EVERY } from '../../runtime/presence.ts'
import type { CallEntry } from '../../store/calls.ts'
import type { SessionKey } from '../../store/store.ts'
import { finishLater, releaseLater } from './end-later.ts'
import { lostText } from './interruption.ts'

/**
 * Ends the orphans of a session. A call that was released gets a lease first: its instance shut down a moment ago, perhaps, and
 * its client is about to come back. So they are ended only where there are no others. True if there were any. @throws StoreUnavailable
 */
export async function endOrphans(instance: Instance, key: SessionKey): Promise<boolean> {
  const calls = await instance.store.calls(key)
  const dead = await orphansOf(instance, calls.filter(isOwned))
  return endAll(instance, key, dead.length > 0 ? dead : await stillReleased(instance, key, calls))
}

/** Ends the call with this typed id, which its client has cancelled, if it is an orphan. @throws StoreUnavailable */
export async function endOrphan(instance: Instance, key: SessionKey, id: string): Promise<void> {
  const calls = await instance.store.calls(key)
  const named = calls.filter((call) => call.id === id)
  await endAll(instance, key, await orphansOf(instance, named))
}

/** Ends a call that nobody runs while it waits for its client, with this error. @throws StoreUnavailable */
export async function endSuspended(
  instance: Instance,
  key: SessionKey,
  stream: string,
  message: string,
): Promise<void> {
  const call = (await instance.store.calls(key)).find((one) => one.stream === stream && one.suspended)
  if (call) await end(instance, key, call, message)
}

const isOwned = ({ owner }: CallEntry) => owner !== ''

async function orphansOf(instance: Instance, calls: CallEntry[]): Promise<CallEntry[]> {
  const unowned = await without(instance, calls, ({ owner }) => owner, instance.calls)
  const alone = await without(instance, unowned, ({ holder = '' }) => holder, instance.connections)
  // A run that is about to begin here has no entry among the calls yet, and its client may have left meanwhile.
  // Nor has the run of one whose end is on its way to the store.
  return alone.filter(({ stream }) => !instance.takingOver.has(stream) && !instance.ending.has(stream))
}

/** Those of the released calls that nobody has claimed after a lease. An instance that shuts down does not wait for it. */
async function stillReleased(instance: Instance, key: SessionKey, calls: CallEntry[]): Promise<CallEntry[]> {
  const { clock, options, store } = instance
  const released = await orphansOf(
    instance,
    calls.filter((call) => !isOwned(call)),
  )
  if (released.length === 0) return []
  const until = clock.now() + options.lease
  while (clock.now() < until && !instance.draining) {
    await pause(clock, options.lease * SIGN_EVERY)
  }
  if (instance.draining) return []
  const streams = new Set(released.map(({ stream }) => stream))
  const now = (await store.calls(key)).filter((call) => streams.has(call.stream) && !isOwned(call))
  return orphansOf(instance, now)
}

async function endAll(instance: Instance, key: SessionKey, orphans: CallEntry[]): Promise<boolean> {
  await Promise.all(orphans.map((call) => end(instance, key, call)))
  return orphans.length > 0
}

/** The calls whose owner or holder, which `named` gives, is not there. `here`: those of this instance by token. */
async function without(
  instance: Instance,
  calls: CallEntry[],
  named: (call: CallEntry) => string,
  here: ReadonlyMap<string, unknown>,
): Promise<CallEntry[]> {
  const names = calls.map(named).filter((name) => name !== '' && !instance.isHere(name))
  const others = [...new Set(names.map(instanceOf))]
  const dead = others.length > 0 ? await instance.presence.deadAfterWait(others) : new Set<string>()
  return calls.filter((call) => {
    const name = named(call)
    if (name === '') return true
    return instance.isHere(name) ? !here.has(tokenOf(name)) : dead.has(instanceOf(name))
  })
}

/**
 * Claims the call, so that no other run can go on with it, and ends it. Its client finds the error where it comes back. `message`: that
 * error, of a call that is ended although it waits for its client.
 */
async function end(
  instance: Instance,
  key: SessionKey,
  { stream, owner: expected, holder }: CallEntry,
  message?: string,
): Promise<void> {
  const store = await instance.attend()
  const owner = instance.name(randomId(6))
  const claim = await store.claim(key, stream, expected, owner, message !== undefined).catch((error) => {
    releaseLater(instance, key, stream, owner)
    throw error
  })
  if (claim.status !== 'ok') return
  const error = { code: ErrorCode.InternalError, message: message ?? lostText(expected) }
  const text = errorText(error, claim.id === undefined ? undefined : untypedId(claim.id))
  const durable = claim.journal !== undefined
  await finishLater(instance, key, { stream, owner, from: claim.end + 1, text, durable, forget: claim.asks })
  if (holder !== undefined) await store.release(key, stream, holder)
}
