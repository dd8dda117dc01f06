/** Taking over the call of an instance that died or shut down: run it again where that is safe, else answer an error. */
import { channels, publish, type TakeoverEvent } from '../base/events.ts'
import { randomId } from '../base/ids.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { errorText, isObject, type JsonRpcRequest, untypedId } from '../protocol/jsonrpc.ts'
import type { Caller } from '../runtime/caller.ts'
import { instanceOf, tokenOf } from '../runtime/name.ts'
import type { LogEntry, Owner } from '../store/store.ts'
import { Call } from './call/call.ts'
import { releaseLater } from './call/end-later.ts'
import { type CallHost, continuedCarrier } from './call/host.ts'
import { lostText } from './call/interruption.ts'
import { readStored, withUrl } from './call/stored-request.ts'
import { relayTo } from './relay.ts'
import type { Connection } from './stream/connection.ts'
import { GET_STREAM } from './stream/event-id.ts'

/** As many messages as one append has. */
const NOT_RELAYED = 64

/**
 * Takes over a call whose stream `connection` holds. A claim belongs to this instance: it is seen through also where the
 * connection ends meanwhile. The second run has the auth of the client that waits, which is the same principal.
 */
export function takeOver(host: CallHost, caller: Caller, connection: Connection, stream: string, owner: Owner): void {
  const { instance } = host
  // Between the claim and the second run another connection would find this instance named, and no run.
  if (instance.takingOver.has(stream)) return
  // The run of this instance has failed, and the store is about to have its end.
  if (instance.isHere(owner) && instance.ending.has(stream)) return
  // The run may have begun since the connection found that there was none: this module is loaded in between.
  if (instance.isHere(owner) && instance.calls.has(tokenOf(owner))) return
  instance.takingOver.add(stream)
  const token = randomId(6)
  claim(host, caller, connection, stream, owner, token)
    .catch((error) => {
      instance.report(error)
      if (!instance.calls.has(token)) releaseLater(instance, connection.session.key, stream, instance.name(token))
    })
    .finally(() => instance.takingOver.delete(stream))
}

async function claim(
  host: CallHost,
  caller: Caller,
  connection: Connection,
  stream: string,
  expected: Owner,
  token: string,
) {
  const { instance } = host
  const { session } = connection
  const store = await instance.attend()
  const claimed = await store.claim(session.key, stream, expected, instance.name(token))
  if (claimed.status === 'gone') return connection.finish()
  // Another instance has claimed the call, or it has ended: log and store have how it goes on.
  if (claimed.status !== 'ok') return connection.look()
  const { request: stored, url, former } = claimed.request === undefined ? NONE : readStored(claimed.request)
  const id = stored?.id ?? (claimed.id === undefined ? undefined : untypedId(claimed.id))
  const request: JsonRpcRequest = stored ?? { jsonrpc: '2.0', id: id ?? '', method: '' }
  if (channels.takeover.hasSubscribers) {
    const outcome = claimed.cancelled ? 'cancelled' : stored ? 'rerun' : 'failed'
    const { method } = request
    const event: TakeoverEvent = {
      instance: instance.id,
      session: session.key,
      id: request.id,
      method,
      outcome,
      sent: claimed.end,
    }
    if (expected !== '') event.from = instanceOf(expected)
    publish('takeover', event)
  }
  const relay =
    connection.stream === GET_STREAM
      ? (data: string, key: string) => relayTo(instance, session, caller, data, key)
      : undefined
  const log = stored || relay ? await store.readLog(session.key, stream) : []
  // The dead run may have logged messages that it did not relay. A message that was relayed is recognised by its key.
  if (relay) for (const { n, data } of log.slice(-NOT_RELAYED)) if (data !== '') await relay(data, `${stream}.${n}`)
  const progress = stored ? greatestProgress(log) : undefined
  const { holder } = connection
  // The request is kept while its second run goes on, and cannot be refused any more.
  const held = instance.memory.hold(caller.client)
  held.change(claimed.request?.length ?? 0)
  const from = claimed.end + 1
  const continued = { stream, token, from, progress, claimed: true, asks: claimed.asks, holder, relay, former }
  const rerun: Caller = { ...caller, held, request: url ? withUrl(caller.request, url) : caller.request }
  const call = new Call({ host, session, request, caller: rerun, carrier: continuedCarrier, continued })
  instance.add('call', call)
  if (stored && !claimed.cancelled) call.start()
  held.release()
  if (claimed.cancelled) return call.cancel()
  if (stored) return
  call.respond(errorText({ code: ErrorCode.InternalError, message: lostText(expected) }, id))
}

/** A call that is not run again. */
const NONE: Partial<ReturnType<typeof readStored>> = {}

/** The greatest progress in a log: a second run leaves out what was sent. */
function greatestProgress(entries: LogEntry[]): number | undefined {
  let greatest: number | undefined
  for (const { data } of entries) {
    if (!data.includes('"notifications/progress"')) continue
    const message: unknown = JSON.parse(data)
    const params = isObject(message) ? message.params : undefined
    const progress = isObject(params) ? params.progress : undefined
    if (typeof progress === 'number' && (greatest === undefined || progress > greatest)) greatest = progress
  }
  return greatest
}
