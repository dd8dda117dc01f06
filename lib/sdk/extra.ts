/** The second argument of a handler of the official SDK: `extra` of 1.x, `ctx` of 2.x. */
import { isObject, type JsonObject } from '../protocol/jsonrpc.ts'
import { features } from '../protocol/revisions.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import { officialAuth, withoutEnvelope } from '../server/context/official.ts'
import type { OfficialCall } from './call.ts'
import type { DirectCalls, LowLevel } from './private.ts'

export function authOf({ auth }: ClientChannel) {
  return auth && officialAuth(auth)
}

/** The HTTP request of a call as a `Request` without a body; undefined where there is no HTTP. */
export function requestOf({ request: { url, headers } }: ClientChannel): Request | undefined {
  return url && new Request(url, { method: 'POST', headers })
}

/** 1.x: the HTTP request of a call. */
function requestInfo({ request: { url, headers } }: ClientChannel): object {
  const all: JsonObject = Object.fromEntries(headers)
  return url ? { headers: all, url: new URL(url) } : { headers: all }
}

/** Closes the stream of the call while the call goes on; undefined where the client could not come back. */
function closeStream({ channel }: OfficialCall): (() => void) | undefined {
  return features(channel.revision).streamsMayPause ? () => channel.closeStream() : undefined
}

/** What the transport gives with a request: the same, for a handler that is called through the SDK's protocol. */
export function messageExtra(call: OfficialCall): JsonObject {
  const { channel } = call
  const extra: JsonObject = { requestInfo: requestInfo(channel) }
  const [auth, request, close] = [authOf(channel), requestOf(channel), closeStream(call)]
  if (auth) extra.authInfo = auth
  if (request) extra.request = request
  if (close) extra.closeSSEStream = close
  return extra
}

/** `extra` of 1.x. What costs something is made when it is read. */
export function extraOf(call: OfficialCall, server: LowLevel): object {
  const { channel, id, params } = call
  const relatedRequestId = id
  return {
    get signal() {
      return channel.signal
    },
    sessionId: channel.sessionId,
    _meta: params?._meta,
    sendNotification: (notification: object) => server.notification(notification, { relatedRequestId }),
    sendRequest: (request: object, schema: unknown, options?: object) =>
      server.request(request, schema, { ...options, relatedRequestId }),
    get authInfo() {
      return authOf(channel)
    },
    requestId: id,
    get requestInfo() {
      return requestInfo(channel)
    },
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
    mcpReq.elicitInput = (asked: object, options?: object) =>
      server.elicitInput?.(asked, { ...options, relatedRequestId })
    mcpReq.requestSampling = (asked: object, options?: object) =>
      server.createMessage?.(asked, { ...options, relatedRequestId })
  }
  return Object.assign(context, { http: http(call) })
}

function http(call: OfficialCall): object {
  const { channel } = call
  let request: Request | undefined
  return {
    get authInfo() {
      return authOf(channel)
    },
    get req() {
      request ??= requestOf(channel)
      return request
    },
    closeSSE: closeStream(call),
    closeStandaloneSSE: undefined,
  }
}

function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '~standard' in value
}
