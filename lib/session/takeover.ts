/** Taking over the call of an instance that died or was told to go: run again where that is safe, else an error. */
import { randomId } from '../base/ids.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { JsonRpcRequest } from '../protocol/jsonrpc.ts'
import { errorText, isObject, untypedId } from '../protocol/jsonrpc.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Instance } from '../runtime/instance.ts'
import type { LogEntry } from '../store/store.ts'
import type { CallHost } from './call/call.ts'
import { Call } from './call/call.ts'
import { continuedCarrier } from './call/exchange.ts'
import type { Adopt, Connection } from './stream/connection.ts'
import { GET_STREAM } from './stream/event-id.ts'
import type { Session } from './stream/session.ts'

/**
 * Makes the function by which a connection has a call claimed. A claim belongs to this instance, not to the
 * connection that asked, and is seen through when that has ended. The second run has the auth of the client that
 * waits, which is the same principal.
 */
export function adoption(host: CallHost, caller: Caller): Adopt {
  const claiming = new Set<string>()
  return (connection, stream, owner) => {
    const claim = `${stream} ${owner}`
    if (claiming.has(claim)) return
    claiming.add(claim)
    const { instance } = host
    const token = randomId(6)
    adopt(host, caller, connection, stream, owner, token)
      .catch((error) => {
        instance.report(error)
        // It may be claimed, and nothing runs it; this instance lives, so nobody else would.
        if (instance.calls.has(token)) return
        instance.insist(() => instance.store.releaseCall(connection.session.key, stream, instance.name(token)))
      })
      .finally(() => claiming.delete(claim))
  }
}

async function adopt(
  host: CallHost,
  caller: Caller,
  connection: Connection,
  stream: string,
  expected: string,
  token: string,
) {
  const { instance } = host
  const { store } = instance
  const { session } = connection
  await instance.attend()
  const claim = await store.claim(session.key, stream, expected, instance.name(token))
  if (claim.status === 'gone') return connection.finish()
  // Somebody else claimed it, or it has ended: the log and the store say how it goes on.
  if (claim.status !== 'ok') return connection.look()
  const request = claim.request === undefined ? undefined : readRequest(claim.request)
  const id = request?.id ?? (claim.id === undefined ? undefined : untypedId(claim.id))
  const carried: JsonRpcRequest = request ?? { jsonrpc: '2.0', id: id ?? '', method: '' }
  const relay =
    connection.stream === GET_STREAM ? (data: string, key: string) => relayTo(instance, session, data, key) : undefined
  const log = request || relay ? await store.readLog(session.key, stream) : []
  // The dead run may have logged what it did not live to relay; what it relayed is recognised and not added again.
  if (relay) for (const { n, data } of log.slice(-UNRELAYED)) if (data !== '') await relay(data, `${stream}.${n}`)
  const call = new Call(host, session, carried, caller, continuedCarrier, {
    stream,
    token,
    from: claim.end + 1,
    progress: request ? toldProgress(log) : undefined,
    registered: true,
    holder: connection.holder,
    relay,
  })
  instance.add('call', call)
  if (claim.cancelled) return call.cancel()
  if (request) return call.start()
  const message =
    expected === ''
      ? 'The instance that ran this call was shut down before it was done.'
      : 'The instance that ran this call was lost before it was done; whether it had an effect is unknown.'
  call.answer(errorText({ code: ErrorCode.InternalError, message }, id))
}

/** As many messages as go in one append. */
const UNRELAYED = 64

function readRequest(text: string): JsonRpcRequest {
  return JSON.parse(text) as JsonRpcRequest
}

/** The greatest progress in a log: a second run leaves out what was told. */
function toldProgress(entries: LogEntry[]): number | undefined {
  let told: number | undefined
  for (const { data } of entries) {
    if (!data.includes('"notifications/progress"')) continue
    const message: unknown = JSON.parse(data)
    const params = isObject(message) ? message.params : undefined
    const progress = isObject(params) ? params.progress : undefined
    if (typeof progress === 'number' && (told === undefined || progress > told)) told = progress
  }
  return told
}

/** Puts a message on the session's own stream, wherever it is held. Sent again under the same id it is there once. */
export async function relayTo(instance: Instance, session: Session, data: string, id: string): Promise<void> {
  const tag = instance.id.slice(0, 4)
  const reply = await instance.store.post(session.key, GET_STREAM, data, tag, id)
  if (reply.status === 'ok' && reply.holder !== undefined) {
    instance.tell({ t: 'entries', to: reply.holder, n: reply.n, tag, data: [data], final: false })
  }
}
