/** Answers to asks, and cancels: what clients send to calls that run, wherever that is. */
import { isObject, type RequestId, typedId } from '../protocol/jsonrpc.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Instance } from '../runtime/instance.ts'
import { instanceOf } from '../runtime/name.ts'
import { tooManyStored } from '../runtime/refusals.ts'
import type { CallHost } from './call/host.ts'
import { endOrphan } from './call/on-demand.ts'
import type { Session } from './stream/session.ts'

/**
 * Stores an answer, and notifies the run that waits for it. A call that was suspended goes on here. When this resolves, the
 * answer may be acknowledged.
 */
export async function takeAnswer(
  host: CallHost,
  session: Session,
  caller: Caller,
  { id: ask, result, error }: { id: string; result?: unknown; error?: unknown },
): Promise<void> {
  // The store keeps it so.
  const value = JSON.stringify(isObject(error) ? { error } : { result })
  const { instance } = host
  // An instance that shuts down, or that has no time left, does not go on with calls: a poll finds the answer.
  const wakes = instance.options.suspendAfter > 0 && !instance.draining && !session.legacy
  const storing = wakes
    ? import('./wake.ts').then(({ answerAndWake }) => answerAndWake(host, session, caller, ask, value))
    : instance.store.answer(session.key, ask, value)
  const reply = await storing
  if (reply.status === 'full') throw tooManyStored()
  if (reply.status !== 'unknown' && !reply.taken) await instance.send({ t: 'answer', to: reply.owner, ask, value })
}

/** Cancels a call of the session. Where nobody runs it, it has ended when this resolves. */
export async function cancelCall(
  instance: Instance,
  session: Session,
  requestId: RequestId,
  reason: string | undefined,
): Promise<void> {
  const id = typedId(requestId)
  const unregistered = instance.unregistered.get(session.key + id)
  if (unregistered) return unregistered.cancel(reason)
  const reply = await instance.store.cancel(session.key, id)
  if (reply.status === 'ended' && reply.holder !== undefined) await instance.send({ t: 'look', to: reply.holder })
  if (reply.status !== 'ok') return
  const { owner } = reply
  const mail = instance.send({ t: 'cancel', to: owner, ...(reason !== undefined && { reason }) })
  if (!session.legacy && !instance.isHere(owner)) {
    const [alive] = owner === '' ? [false] : await instance.store.alive([instanceOf(owner)])
    if (alive === false) void instance.track(endOrphan(instance, session.key, id))
  }
  await mail
}
