/** The registration of a call at the store: what other instances, and later runs, find of it. */
import { typedId } from '../../protocol/jsonrpc.ts'
import type { Holder, Owner, Registration } from '../../store/store.ts'
import type { SessionChannel } from './channel.ts'
import type { CallParts } from './host.ts'
import { writeStored } from './stored-request.ts'

/** The longest request that is stored for another instance to run again, in characters. */
const MAX_STORED_REQUEST = 256 * 1024

/**
 * By how much a cancel may overtake its request, in ms. The cancel of a call that has ended looks the same to the store as one
 * that has overtaken its request, and clients that use one id again send their next call soon afterwards. So two faults
 * are weighed. A cancel that is missed costs a run whose response its client drops. A cancel that meets the next call
 * costs a client its response, and it waits for it in vain. The second is worse, so the time is short: requests that are sent at
 * the same moment arrive within a second, unless an instance has to start first.
 */
const OVERTAKEN = 1_000

/** The names of the call, and whether its registration carries a journal. */
interface Named {
  stream: string
  owner: Owner
  holder: Holder
  durable: boolean
}

export function registrationOf(parts: CallParts, channel: SessionChannel, named: Named): Registration {
  const { instance } = parts.host
  const held = parts.carrier.streams && !parts.continued?.relay
  return {
    id: typedId(parts.request.id),
    stream: named.stream,
    owner: named.owner,
    holder: held ? named.holder : undefined,
    request: requestText(parts, channel),
    durable: named.durable || undefined,
    max: instance.options.maxCalls,
    markAge: instance.clock.now() - channel.began + OVERTAKEN,
  }
}

/** The request for another instance to run again: where it may, where somebody can get the response, unless it is long. */
function requestText(parts: CallParts, channel: SessionChannel): string | undefined {
  const { carrier, host, request } = parts
  if (!carrier.streams || host.durability(request) === 'none') return undefined
  const text = writeStored(parts, channel.event)
  return text.length <= MAX_STORED_REQUEST ? text : undefined
}
