/** `GET /mcp`: the session's own stream, and the resuming of any of its streams. */
import { ErrorCode } from '../protocol/errors.ts'
import { errorText } from '../protocol/jsonrpc.ts'
import { isAtLeast } from '../protocol/revisions.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Reply, Sink } from '../runtime/reply.ts'
import { refusal, sessionNotFound } from '../runtime/reply.ts'
import type { StreamStore } from '../store/store.ts'
import type { CallHost } from './call/call.ts'
import { GetConnection } from './get-stream.ts'
import { Connection } from './stream/connection.ts'
import type { EventPosition } from './stream/event-id.ts'
import { GET_STREAM, parseEventId, requestIdOf } from './stream/event-id.ts'
import type { Session } from './stream/session.ts'
import { Feed } from './stream/sse-response.ts'

const NOTHING_TO_SEND: Reply = {
  ...refusal(405, ErrorCode.ServerError, 'There is no stream to GET here.'),
  headers: { Allow: 'POST, DELETE' },
}

/** Opens the session's own stream: what belongs to no call. */
export async function openGetStream(host: CallHost, session: Session, caller: Caller): Promise<Reply> {
  const { options } = host.instance
  if (options.getPolicy === 'off') return NOTHING_TO_SEND
  return holdGetStream(host, session, caller, undefined)
}

/** Goes on with the streams that `Last-Event-ID` names. */
export async function resume(host: CallHost, session: Session, caller: Caller, lastEventId: string): Promise<Reply> {
  const positions = parseEventId(session.key, lastEventId)
  const [first, ...more] = positions ?? []
  if (!first) {
    return refusal(400, ErrorCode.InvalidRequest, 'Last-Event-ID is not an event id that this session was given.')
  }
  if (first.stream === GET_STREAM) {
    return more.length === 0 ? holdGetStream(host, session, caller, first) : NOTHING_TO_SEND
  }
  return resumeCalls(host, session, caller, [first, ...more])
}

function newFeed(host: CallHost, session: Session): Feed {
  return new Feed({
    key: session.key,
    primes: isAtLeast(session.revision, '2025-11-25'),
    retry: host.instance.options.retry,
  })
}

async function holdGetStream(
  host: CallHost,
  session: Session,
  caller: Caller,
  after: EventPosition | undefined,
): Promise<Reply> {
  const { instance } = host
  const { store } = instance
  await instance.attend()
  const feed = newFeed(host, session)
  const connection = new GetConnection(instance, session, feed, host.adoptFor(caller))
  connection.open()
  try {
    // A log that no longer reaches back, or was rolled back: said, and everything that may have changed with it.
    let lost = false
    let reply = await store.take(session.key, GET_STREAM, connection.holder, after)
    if (reply.status !== 'ok' && reply.status !== 'gone') {
      lost = true
      reply = await store.take(session.key, GET_STREAM, connection.holder, undefined)
    }
    if (reply.status !== 'ok') {
      connection.abandoned()
      return sessionNotFound()
    }
    connection.startAt(reply.position, reply.tag ?? '')
    feed.begin()
    feed.endsBefore(instance, caller.deadline)
    feed.endsAt(instance, caller.until)
    connection.deliverTaken(reply)
    await connection.begin(lost)
    return { kind: 'stream', source: feed }
  } catch (error) {
    feed.detached()
    throw error
  }
}

async function resumeCalls(
  host: CallHost,
  session: Session,
  caller: Caller,
  positions: EventPosition[],
): Promise<Reply> {
  const { instance } = host
  await instance.attend()
  const feed = newFeed(host, session)
  const adopt = host.adoptFor(caller)
  const connections = positions.map((position) => {
    const connection = new Connection(instance, session, position.stream, feed, adopt)
    connection.startAt(position.n, position.tag)
    connection.open()
    return connection
  })
  feed.begin()
  feed.endsBefore(instance, caller.deadline)
  feed.endsAt(instance, caller.until)
  try {
    const outcomes = await Promise.all(
      connections.map((connection, i) => continueStream(instance.store, connection, positions[i])),
    )
    if (outcomes.includes('gone')) {
      feed.detached()
      return sessionNotFound()
    }
    // Every stream has ended and the client has all of it: with 405 it stops asking.
    if (outcomes.every((outcome) => outcome === 'complete')) {
      feed.detached()
      return NOTHING_TO_SEND
    }
    return { kind: 'stream', source: feed }
  } catch (error) {
    feed.detached()
    throw error
  }
}

async function continueStream(
  store: StreamStore,
  connection: Connection,
  after: EventPosition | undefined,
): Promise<'ok' | 'complete' | 'gone'> {
  const { session, stream, holder } = connection
  const reply = await store.take(session.key, stream, holder, after)
  if (reply.status === 'gone') return 'gone'
  if (reply.status !== 'ok') {
    // The id was given out by this session, and the store no longer has what followed: said, never silence.
    const id = requestIdOf(stream)
    const message = 'The messages of this call are no longer available; its outcome is unknown.'
    connection.fail(errorText({ code: ErrorCode.InternalError, message }, id))
    return 'ok'
  }
  const complete = reply.ended && reply.entries.every((entry) => entry.data === '')
  if (!reply.ended && reply.owner === undefined) {
    const message = 'The instance that ran this call was lost; its outcome is unknown.'
    connection.fail(errorText({ code: ErrorCode.InternalError, message }, requestIdOf(stream)))
    return 'ok'
  }
  connection.deliverTaken(reply)
  return complete ? 'complete' : 'ok'
}

/**
 * `GET /sse` (2024-11-05): the same stream without ids; its first event names the address to POST to, and the session
 * ends with it.
 */
export async function openLegacyStream(
  host: CallHost,
  session: Session,
  caller: Caller,
  firstEvent: string,
  onClosed: () => void,
): Promise<Reply> {
  const { instance } = host
  await instance.attend()
  const feed = new Feed({ key: session.key, primes: false, retry: instance.options.retry, first: firstEvent })
  const connection = new GetConnection(instance, session, feed, host.adoptFor(caller))
  connection.open()
  try {
    const reply = await instance.store.take(session.key, GET_STREAM, connection.holder, undefined)
    if (reply.status !== 'ok') {
      connection.abandoned()
      return sessionNotFound()
    }
    connection.startAt(reply.position, reply.tag ?? '')
    feed.endsBefore(instance, caller.deadline)
    feed.endsAt(instance, caller.until)
    connection.deliverTaken(reply)
    await connection.begin(false)
  } catch (error) {
    feed.detached()
    onClosed()
    throw error
  }
  const end = (sink: Sink) => {
    sink.end()
    onClosed()
  }
  const source = {
    attach: (sink: Sink) => feed.attach({ write: (text) => sink.write(text), end: () => end(sink) }),
    detached: () => {
      feed.detached()
      onClosed()
    },
  }
  return { kind: 'stream', source }
}
