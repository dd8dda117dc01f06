/** `GET /mcp`: the session's own stream, and the resuming of any of its streams. */
import { ErrorCode } from '../protocol/errors.ts'
import { errorText } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { features } from '../protocol/revisions.ts'
import type { Caller } from '../runtime/caller.ts'
import { sessionNotFound } from '../runtime/refusals.ts'
import { type Reply, type ResponseWriter, watchWriter } from '../runtime/reply.ts'
import { StoreUnavailable, type StreamStore } from '../store/store.ts'
import type { CallHost, Require } from './call/host.ts'
import { GetConnection } from './get-stream.ts'
import { Connection } from './stream/connection.ts'
import { type EventPosition, GET_STREAM, isEnd, parseEventId, requestIdOf, scopesOfStream } from './stream/event-id.ts'
import type { Session } from './stream/session.ts'
import { openResponse, type SseResponse } from './stream/sse-response.ts'

function nothingToSend(): Refusal {
  const headers = { Allow: 'POST, DELETE' }
  return new Refusal(405, ErrorCode.ServerError, 'There is no stream to GET here.', { headers })
}

/** Opens the session's own stream: the messages that belong to no call. */
export async function openGetStream(host: CallHost, session: Session, caller: Caller): Promise<Reply> {
  if (host.instance.options.getPolicy === 'off') throw nothingToSend()
  return holdGetStream(host, session, caller, undefined)
}

/** Goes on with the streams that `Last-Event-ID` names. `require` throws where the caller lacks scopes of their calls. */
export async function resume(
  host: CallHost,
  session: Session,
  caller: Caller,
  lastEventId: string,
  require: Require,
): Promise<Reply> {
  const positions = parseEventId(session, lastEventId, host.maxPositions)
  const [first, ...more] = positions ?? []
  if (!first) {
    const message = 'Last-Event-ID is not an event id that this session was given.'
    throw new Refusal(400, ErrorCode.InvalidRequest, message)
  }
  if (first.stream === GET_STREAM) return holdGetStream(host, session, caller, first)
  require([first, ...more].flatMap(({ stream }) => scopesOfStream(session, stream, host.scopes)))
  if ([first, ...more].every(isEnd)) throw nothingToSend()
  return resumeCalls(host, session, caller, [first, ...more])
}

async function holdGetStream(
  host: CallHost,
  session: Session,
  caller: Caller,
  after: EventPosition | undefined,
): Promise<Reply> {
  const response = openResponse(host.instance, session, caller)
  await hold(host, session, caller, response, after)
  return { kind: 'stream', source: response }
}

/** Makes a response the holder of the session's own stream, and sends what was missed. */
async function hold(
  host: CallHost,
  session: Session,
  caller: Caller,
  response: SseResponse,
  after: EventPosition | undefined,
): Promise<void> {
  const { instance } = host
  try {
    const store = await instance.attend()
    const connection = new GetConnection(host, session, response, caller)
    connection.open()
    // A log that no longer reaches back, or was rolled back: the client is told so, and everything is announced again.
    let lost = false
    let reply = await store.take(session.key, GET_STREAM, connection.holder, after)
    if (reply.status !== 'ok' && reply.status !== 'gone') {
      lost = true
      reply = await store.take(session.key, GET_STREAM, connection.holder, undefined)
    }
    if (reply.status !== 'ok') throw sessionNotFound()
    connection.startAt(reply.position, reply.tag ?? '')
    response.begin()
    connection.deliverTaken(reply)
    if (!connection.done) await connection.begin(lost)
  } catch (error) {
    response.detached()
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
  const polled = await poll(host, session, caller, positions)
  if (polled) return polled
  const response = openResponse(instance, session, caller)
  try {
    const store = await instance.attend()
    const takeOver = host.takeOverFor(caller)
    const connections = positions.map((position) => {
      const connection = new Connection(instance, session, position.stream, response, takeOver)
      connection.startAt(position.n, position.tag)
      connection.open()
      return connection
    })
    response.begin()
    const failures = new Set<string>()
    const outcomes = await Promise.all(
      connections.map((connection, i) => continueStream(store, connection, positions[i], failures)),
    )
    if (outcomes.includes('gone')) throw sessionNotFound()
    // Every stream has ended and the client has all of it: with 405 it stops asking.
    if (outcomes.every((outcome) => outcome === 'complete')) throw nothingToSend()
    return { kind: 'stream', source: response }
  } catch (error) {
    response.detached()
    throw error
  }
}

/** The reply of a suspended call. Undefined: it is none, or it goes on. */
async function poll(
  host: CallHost,
  session: Session,
  caller: Caller,
  [first, ...more]: EventPosition[],
): Promise<Reply | undefined> {
  const mayBe = host.instance.options.suspendAfter > 0 && features(session.revision).streamsMayPause
  if (!mayBe || !first || more.length > 0) return undefined
  const { pollCall } = await import('./poll.ts')
  return pollCall(host, session, caller, first)
}

async function continueStream(
  store: StreamStore,
  connection: Connection,
  after: EventPosition | undefined,
  failures: Set<string>,
): Promise<'ok' | 'complete' | 'gone'> {
  const { session, stream, holder } = connection
  const fail = (message: string) => {
    const text = errorText({ code: ErrorCode.InternalError, message }, requestIdOf(stream))
    // Streams whose names carry no request id have one error together.
    if (failures.has(text)) connection.finish()
    else connection.fail(text)
    failures.add(text)
    return 'ok' as const
  }
  const reply = await store.take(session.key, stream, holder, after)
  if (reply.status === 'gone') return 'gone'
  // This session was given the event id, and the store no longer has what followed: an error, never silence.
  if (reply.status !== 'ok') return fail('The messages of this call are no longer available; its outcome is unknown.')
  const complete = reply.ended && reply.entries.every((entry) => entry.data === '')
  if (!reply.ended && reply.owner === undefined) {
    return fail('The instance that ran this call was lost; its outcome is unknown.')
  }
  connection.deliverTaken(reply)
  return complete ? 'complete' : 'ok'
}

/**
 * `GET /sse` (2024-11-05): the same stream without ids. Its first event names the address to POST to, and the session
 * ends with it.
 */
export async function openLegacyStream(
  host: CallHost,
  session: Session,
  caller: Caller,
  firstEvent: string,
  onClosed: () => void,
): Promise<Reply> {
  const response = openResponse(host.instance, session, caller, firstEvent)
  try {
    await hold(host, session, caller, response, undefined)
  } catch (error) {
    onClosed()
    // The session was opened a moment ago, and nobody has its id: another try opens one.
    const isLost = error instanceof Refusal && error.status === 404
    throw isLost ? new StoreUnavailable('lost the session that it had just opened') : error
  }
  const source = {
    attach: (writer: ResponseWriter) => response.attach(watchWriter(writer, { ended: onClosed })),
    detached: () => {
      response.detached()
      onClosed()
    },
  }
  return { kind: 'stream', source }
}
