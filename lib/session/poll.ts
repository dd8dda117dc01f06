/** A poll of a suspended call: its client gets what it lacks, and when to come back. Nobody becomes the holder of the stream. */
import { around } from '../base/ids.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Reply } from '../runtime/reply.ts'
import { type PollReply, TIMED_OUT } from '../store/journal.ts'
import { type AwaitedLeg, awaitedIn, messageAfter } from './call/durable/note.ts'
import type { CallHost } from './call/host.ts'
import type { EventPosition } from './stream/event-id.ts'
import type { Session } from './stream/session.ts'
import { openResponse } from './stream/sse-response.ts'

/** From one poll to the next, in ms: a quarter of the time that the call has waited. */
const SOONEST = 1_000
const LATEST = 15_000

/** The reply to a client that comes back to its call. Undefined: the call is not suspended, or goes on now. @throws StoreUnavailable */
export async function pollCall(
  host: CallHost,
  session: Session,
  caller: Caller,
  after: EventPosition,
): Promise<Reply | undefined> {
  const { store } = host.instance
  const reply = await store.poll(session.key, after.stream, after)
  if (reply.status !== 'suspended') return undefined
  const awaited = awaitedIn(reply.note)
  if (!awaited || (await isAwaited(host, session, caller, awaited))) return replyTo(host, session, caller, after, reply)
  // The call is due from now on. Its next run finds how its task has gone on.
  await store.answer(session.key, awaited.ask, TIMED_OUT)
  return undefined
}

/** The task of a `tasks/result` waits for its answers still: no other stream has brought them, and nobody has cancelled it. */
async function isAwaited(host: CallHost, session: Session, caller: Caller, { task: id, leg }: AwaitedLeg) {
  const engine = await host.tasks?.engine.load()
  const view = await engine?.get({ scope: session.key, id, inSession: true }, caller)
  return view?.status === 'input_required' && view.leg === leg
}

function replyTo(
  { instance }: CallHost,
  session: Session,
  caller: Caller,
  after: EventPosition,
  { entries, since, note }: Extract<PollReply, { status: 'suspended' }>,
): Reply {
  const retry = around(Math.min(Math.max(since / 4, SOONEST), LATEST))
  const response = openResponse(instance, session, caller, undefined, retry)
  let position = after
  response.add({ position: () => position, drain: () => {}, abandoned: () => {} })
  response.begin()
  for (const { n, tag, data } of entries) {
    position = { stream: after.stream, n, tag }
    response.message(data)
  }
  const progress = messageAfter(note, since)
  if (progress !== undefined) response.aside(progress)
  response.closeWith(retry)
  return { kind: 'stream', source: response }
}
