/** The second argument of a handler of the official SDK: `extra` of 1.x, `ctx` of 2.x. */
import { handled } from '../base/promises.ts'
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import { features } from '../protocol/revisions.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import { officialAuth, officialRequest, withoutEnvelope } from '../server/context/official.ts'
import type { OfficialAuthInfo } from '../server/context/official-types.ts'
import type { OfficialCall } from './call.ts'
import type { DirectCalls, LowLevel } from './private.ts'

/** The caller as the official SDK describes it. */
export function authOf({ auth }: ClientChannel): OfficialAuthInfo | undefined {
  return auth && officialAuth(auth)
}

/** The HTTP request of a call as a `Request` without a body; undefined where there is no HTTP. */
export function requestOf({ request: { url, headers } }: ClientChannel): Request | undefined {
  return url && officialRequest(url, headers)
}

/**
 * 1.x: the HTTP request of a call, which is read where an author reads it. It is a class, and `extra` has no getters: an object
 * literal with getters has a shape of its own each time, which costs more than the call itself.
 */
class OfficialRequest {
  readonly #request: ClientChannel['request']
  #headers: JsonObject | undefined

  constructor({ request }: ClientChannel) {
    this.#request = request
  }

  get headers(): JsonObject {
    this.#headers ??= Object.fromEntries(this.#request.headers)
    return this.#headers
  }

  get url(): URL | undefined {
    const { url } = this.#request
    return url && new URL(url)
  }
}

/** 2.x: the HTTP request of a call, in the same way. */
class OfficialHttp {
  readonly authInfo: OfficialAuthInfo | undefined
  readonly closeSSE: (() => void) | undefined
  readonly #channel: ClientChannel
  #request: Request | undefined

  constructor(call: OfficialCall) {
    this.authInfo = authOf(call.channel)
    this.closeSSE = closeStream(call)
    this.#channel = call.channel
  }

  get req(): Request | undefined {
    this.#request ??= requestOf(this.#channel)
    return this.#request
  }
}

/** Closes the stream of the call while the call goes on; undefined where the client could not come back. */
function closeStream({ channel }: OfficialCall): (() => void) | undefined {
  return features(channel.revision).streamsMayPause ? () => channel.closeStream() : undefined
}

/** For `once` of this package. */
function onceOf(channel: ClientChannel): ClientChannel['once'] {
  return (name, fn, options) => handled(channel.once(name, fn, options))
}

/** What the transport gives with a request: the same, for a handler that is called through the SDK's protocol. */
export function messageExtra(call: OfficialCall): JsonObject {
  const { channel } = call
  const extra: JsonObject = { requestInfo: new OfficialRequest(channel) }
  const [auth, request, close] = [authOf(channel), requestOf(channel), closeStream(call)]
  if (auth) extra.authInfo = auth
  if (request) extra.request = request
  if (close) extra.closeSSEStream = close
  extra.once = onceOf(channel)
  return extra
}

/** `extra` of 1.x. */
export function extraOf(call: OfficialCall, server: LowLevel): object {
  const { channel, id, params } = call
  const relatedRequestId = id
  return {
    signal: channel.signal,
    sessionId: channel.sessionId,
    _meta: params?._meta,
    sendNotification: (notification: object) => server.notification(notification, { relatedRequestId }),
    sendRequest: (request: object, schema: unknown, options?: object) =>
      server.request(request, schema, { ...options, relatedRequestId }),
    authInfo: authOf(channel),
    once: onceOf(channel),
    requestId: id,
    requestInfo: new OfficialRequest(channel),
    taskId: undefined,
    taskStore: undefined,
    taskRequestedTtl: undefined,
    closeSSEStream: closeStream(call),
    closeStandaloneSSEStream: undefined,
  }
}

/** `ctx` of 2.x. */
export function contextOf(call: OfficialCall, server: LowLevel, direct: DirectCalls): object {
  const { channel, id, method, params } = call
  const relatedRequestId = id
  const { meta, envelope } = isObject(params?._meta) ? withoutEnvelope(params._meta) : {}
  const context = direct.context({
    sessionId: channel.sessionId,
    mcpReq: {
      id,
      method,
      _meta: meta,
      ...(envelope && { envelope }),
      requestState: () => undefined,
      signal: channel.signal,
      send: (request: object, schemaOrOptions?: object, more?: object) =>
        isSchema(schemaOrOptions)
          ? server.request(request, schemaOrOptions, { ...more, relatedRequestId })
          : server.request(request, { ...schemaOrOptions, relatedRequestId }),
      notify: (notification: object, options?: object) =>
        server.notification(notification, { ...options, relatedRequestId }),
    },
  })
  const mcpReq: unknown = Reflect.get(context, 'mcpReq')
  // Those of the SDK name no request.
  if (isObject(mcpReq)) {
    const elicitInput = (asked: object, options?: object) =>
      server.elicitInput?.(asked, { ...options, relatedRequestId })
    const requestSampling = (asked: object, options?: object) =>
      server.createMessage?.(asked, { ...options, relatedRequestId })
    Object.assign(mcpReq, { elicitInput, requestSampling })
  }
  return Object.assign(context, { http: new OfficialHttp(call), once: onceOf(channel) })
}

function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '~standard' in value
}
