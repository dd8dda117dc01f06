/** A later run of a call that this instance has claimed: where that is safe it is run again, else it ends with an error. */
import { channels, publish, type TakeoverEvent } from '../base/events.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { errorText, isObject, type JsonRpcRequest, untypedId } from '../protocol/jsonrpc.ts'
import type { Caller } from '../runtime/caller.ts'
import { instanceOf } from '../runtime/name.ts'
import { otherVersion, versionWarning } from '../runtime/other-version.ts'
import type { Taken } from '../store/journal.ts'
import type { Holder, LogEntry, Owner, SessionKey } from '../store/store.ts'
import { Call } from './call/call.ts'
import { progressAfter } from './call/durable/note.ts'
import { releaseLater } from './call/end-later.ts'
import { type CallHost, continuedCarrier } from './call/host.ts'
import { lostText } from './call/interruption.ts'
import { DURABLE } from './call/on-demand.ts'
import type { Relay } from './call/outbox.ts'
import { readStored, withUrl } from './call/stored-request.ts'
import type { EarlyMail } from './early-mail.ts'
import type { Session } from './stream/session.ts'

/** As many messages as one append has. */
const NOT_RELAYED = 64

/** A call that was claimed, and what its new run needs. */
interface Claimed {
  host: CallHost
  session: Session
  /** The client that waits, which is the same principal as that of the run before. */
  caller: Caller
  stream: string
  /** The run before; '' for a call that nobody ran. */
  from: Owner
  /** What has come to the new run, by whose name the call was claimed. */
  mail: EarlyMail
  /** The lapses of this instance's sign of life before it claimed the call. */
  lapses: number
  holder: Holder | undefined
  relay: Relay | undefined
  taken: Omit<Taken, 'stream'>
}

/** Goes on with the call. Resolves once its run is in the instance's table. */
export async function rerun(claimed: Claimed): Promise<void> {
  const { host, session, caller, stream, from: expected, mail, lapses, holder, relay, taken } = claimed
  const { instance } = host
  const { request: stored, url, former, version } = taken.request === undefined ? NONE : readStored(taken.request)
  const id = stored?.id ?? (taken.id === undefined ? undefined : untypedId(taken.id))
  const request: JsonRpcRequest = stored ?? { jsonrpc: '2.0', id: id ?? '', method: '' }
  publishTakeover(claimed, request, stored !== undefined)
  const log = stored || relay ? await instance.store.readLog(session.key, stream) : []
  // The dead run may have logged messages that it did not relay. A message that was relayed is recognised by its key.
  if (relay) for (const { n, data } of log.slice(-NOT_RELAYED)) if (data !== '') await relay(data, `${stream}.${n}`)
  const { journal } = taken
  if (journal) await DURABLE.load()
  const changed = stored && otherVersion(version, host.versionOf(stored))
  if (changed !== undefined) instance.report(versionWarning(request, changed))
  // The request is kept while its second run goes on, and cannot be refused any more.
  const held = instance.memory.hold(caller.client)
  held.change(taken.request?.length ?? 0)
  const continued = {
    stream,
    token: mail.token,
    lapses,
    from: taken.end + 1,
    progress: stored && progressOf(log, journal),
    claimed: true,
    asks: taken.asks,
    holder,
    relay,
    former,
    journal: journal && { ...journal, withdrawn: withdrawnIn(log), changed },
  }
  const again: Caller = { ...caller, held, request: url ? withUrl(caller.request, url) : caller.request }
  const call = new Call({ host, session, request, caller: again, carrier: continuedCarrier, continued })
  instance.add('call', call)
  if (stored && !taken.cancelled) call.start()
  mail.giveTo(call)
  held.release()
  if (taken.cancelled) return call.cancel()
  if (stored) return
  call.respond(errorText({ code: ErrorCode.InternalError, message: lostText(expected) }, id))
}

/** A call that is not run again. */
const NONE: Partial<ReturnType<typeof readStored>> = {}

function publishTakeover({ host, session, from, taken }: Claimed, { id, method }: JsonRpcRequest, again: boolean) {
  if (!channels.takeover.hasSubscribers) return
  const rerun = taken.journal?.slept === undefined ? 'rerun' : 'woken'
  const outcome = taken.cancelled ? 'cancelled' : again ? rerun : 'failed'
  const { instance } = host
  const event: TakeoverEvent = { instance: instance.id, session: session.key, id, method, outcome, sent: taken.end }
  if (from !== '') event.from = instanceOf(from)
  publish('takeover', event)
}

/** Has a claim that came to nothing given back, unless its run has begun. */
export function giveBack(instance: CallHost['instance'], key: SessionKey, stream: string, mail: EarlyMail): void {
  const { token } = mail
  mail.end()
  if (!instance.calls.has(token)) releaseLater(instance, key, stream, instance.name(token))
}

/** The greatest progress that the client has: a later run leaves out what was sent. */
function progressOf(log: LogEntry[], journal: Taken['journal']): number | undefined {
  const polled = progressAfter(journal?.note, journal?.slept ?? 0)
  let greatest: number | undefined = polled
  for (const { params } of messagesIn(log, 'notifications/progress')) {
    const progress = isObject(params) ? params.progress : undefined
    if (typeof progress === 'number' && (greatest === undefined || progress > greatest)) greatest = progress
  }
  return greatest
}

/** The asks whose clients were sent that the answer is no longer waited for. */
function withdrawnIn(log: LogEntry[]): Set<string> {
  const ids = new Set<string>()
  for (const { params } of messagesIn(log, 'notifications/cancelled')) {
    const id = isObject(params) ? params.requestId : undefined
    if (typeof id === 'string') ids.add(id)
  }
  return ids
}

function* messagesIn(log: LogEntry[], method: string): Iterable<Record<string, unknown>> {
  for (const { data } of log) {
    if (!data.includes(`"${method}"`)) continue
    const message: unknown = JSON.parse(data)
    if (isObject(message) && message.method === method) yield message
  }
}
