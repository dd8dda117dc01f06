/** Requests of a server of the official SDK to the client of a call. */
import { downgradeSampling } from '../protocol/downgrade-sampling.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import { features, type Revision } from '../protocol/revisions.ts'
import type { CreateMessageRequestParams, JsonSchema } from '../protocol/types.ts'
import type { AskMethod, ClientChannel } from '../server/context/client-channel.ts'
import { requireSampling } from '../server/context/client-features.ts'
import { AskError, AskPending } from '../server/context/errors.ts'
import { sendAsk } from '../server/context/send-ask.ts'
import { failureText } from '../server/methods/failures.ts'
import { formSchema } from '../server/schema/form.ts'
import type { OfficialCall } from './call.ts'

/** The short name of each ask, for its key. */
const KINDS: Readonly<Record<AskMethod, string>> = {
  'elicitation/create': 'elicit',
  'sampling/createMessage': 'sample',
  'roots/list': 'roots',
  ping: 'ping',
}

/**
 * Sends an ask to the client of `call`. It awaits nothing before the channel has the ask, so that the asks of one turn go out
 * together.
 *
 * @param signal aborted where the SDK no longer waits for the answer
 */
export function askClient(
  call: OfficialCall,
  method: string,
  params: JsonObject | undefined,
  signal: AbortSignal,
): Promise<JsonObject> {
  const { channel } = call
  const { sessions } = features(channel.revision)
  const isKnown = isAsk(method)
  if (!sessions) {
    if (method === 'ping') return Promise.resolve({})
    if (!isKnown) return Promise.reject(new ProtocolError(ErrorCode.MethodNotFound, notForStateless(method, channel)))
    if (!call.mayReplay && !channel.parks) return Promise.reject(new Error(cannotWait(call)))
  }
  try {
    const wire = isKnown ? wireParams(call, method, params) : params && withoutProgressToken(params)
    const key = call.key(isKnown ? KINDS[method] : method)
    return sendAsk(channel, {
      method,
      params: wire,
      key,
      timeout: undefined,
      signal,
      waits: !sessions && !call.mayReplay,
    })
  } catch (error) {
    return Promise.reject(error)
  }
}

function isAsk(method: string): method is AskMethod {
  return Object.hasOwn(KINDS, method)
}

function cannotWait({ method, params, channel }: OfficialCall): string {
  const name = method === 'tools/call' ? `the tool ${JSON.stringify(params?.name)}` : method
  return (
    `A client of ${channel.revision} answers with a second request, and ${name} cannot wait for it here: this process may sleep ` +
    'between requests, or PARK_SECONDS is 0. Tools that are marked are run again from their start with the answers: set ' +
    '"readOnly", "idempotent" or "durable" in options.tools, or readOnlyHint or idempotentHint in its annotations.'
  )
}

function notForStateless(method: string, { revision }: ClientChannel): string {
  const known = Object.keys(KINDS).filter((name) => name !== 'ping')
  return `${method} is no request that a client of ${revision} can answer: it answers ${known.join(', ')}. Clients with a session can.`
}

/** The parameters as the client's revision has them. What differs from run to run is left out: an answer belongs to its ask. */
function wireParams(call: OfficialCall, method: AskMethod, params: JsonObject = {}): JsonObject | undefined {
  const { channel } = call
  const given = withoutProgressToken(params)
  switch (method) {
    case 'elicitation/create':
      return elicitation(given, channel.revision)
    case 'sampling/createMessage': {
      const allowed = requireSampling(channel.client, channel.revision, given as CreateMessageRequestParams)
      return downgradeSampling(allowed, channel.revision)
    }
    default:
      return Object.keys(given).length > 0 ? given : undefined
  }
}

/** The token is the number of the message at the SDK. Progress of an answer is not passed on. */
function withoutProgressToken(params: JsonObject): JsonObject {
  if (!isObject(params._meta) || !('progressToken' in params._meta)) return params
  const { progressToken: _token, ...meta } = params._meta
  const { _meta, ...others } = params
  return Object.keys(meta).length > 0 ? { ...others, _meta: meta } : others
}

function elicitation({ mode, elicitationId, ...params }: JsonObject, revision: Revision): JsonObject {
  const { elicitationModes, elicitationIds } = features(revision)
  const wire: JsonObject = elicitationModes && mode !== undefined ? { mode, ...params } : params
  if (elicitationId !== undefined && elicitationIds) wire.elicitationId = elicitationId
  if (!elicitationModes && isObject(params.requestedSchema))
    wire.requestedSchema = olderForm(params.requestedSchema, revision)
  return wire
}

/** A form that an older revision has no words for goes out as the author wrote it. */
function olderForm(schema: JsonSchema, revision: Revision): JsonSchema {
  try {
    return formSchema(schema, revision)
  } catch {
    return schema
  }
}

/** The codes of the official SDK for requests without a usable answer. */
const CONNECTION_CLOSED = -32000
const REQUEST_TIMEOUT = -32001

/** The error that the SDK gets in place of an answer. */
export function errorOfAsk(error: Error): JsonObject {
  const message = failureText(error)
  if (error instanceof ProtocolError) return { ...error.toObject() }
  if (error instanceof AskError) {
    const code = error.reason === 'timeout' ? REQUEST_TIMEOUT : (error.code ?? ErrorCode.InternalError)
    return error.data === undefined ? { code, message } : { code, message, data: error.data }
  }
  const ended = error instanceof AskPending || error.name === 'AbortError'
  return { code: ended ? CONNECTION_CLOSED : ErrorCode.InternalError, message }
}
