/** What `createMcpHandler` of the official SDK 2.x takes and returns, for the one of this package. */
import { asError } from '../base/errors.ts'
import type { Group } from '../base/setting.ts'
import { readOptions } from '../options.ts'
import type { Notifier } from '../runtime/notifier.ts'
import type { OfficialAuthInfo } from '../server/context/official-types.ts'
import { type HttpOptions, SETTINGS, type SessionOptions, type StatelessOptions } from '../settings.ts'

/** A change that a server announces. */
export type ServerEvent =
  | { kind: 'tools_list_changed' | 'prompts_list_changed' | 'resources_list_changed' }
  | { kind: 'resource_updated'; uri: string }

/** The changes that this process announces. Clients on every instance get them; listeners get those of their own process. */
export interface ServerEventBus {
  publish(event: ServerEvent): void
  /** @returns a function that ends it */
  subscribe(listener: (event: ServerEvent) => void): () => void
}

/** What a framework hands over with a request. */
export interface McpHandlerRequestOptions {
  /** The caller, where a middleware has checked the token. Sessions belong to the principal that it names. */
  authInfo?: OfficialAuthInfo
  /** The body, where a framework has read it already: `request.body` behind `express.json()`. */
  parsedBody?: unknown
}

/** The options of the official SDK. */
export interface OfficialHandlerOptions {
  /**
   * `stateless`: clients of the 2025 revisions are served. Here they have sessions, which any instance goes on with.
   * `reject`: they are refused, and 2026-07-28 is served alone. Default: `stateless`.
   */
  legacy?: 'stateless' | 'reject' | undefined
  /** Receives the failures whose cause no client is sent. Default: one line on stderr. */
  onerror?: ((error: Error) => void) | undefined
  /**
   * `auto`: a response becomes a stream once its call sends a message or takes longer than `streamAfter`. `json`: no response is
   * a stream; `subscriptions/listen` is not offered then. `sse` is refused. Default: `auto`.
   */
  responseMode?: 'auto' | 'sse' | 'json' | undefined
  /** Refused: the store takes changes to all instances. */
  bus?: ServerEventBus | undefined
  /** Streams that wait for messages in this instance; 0: `subscriptions/listen` is not served. Default: 10,000. */
  maxSubscriptions?: number | undefined
  /** From one comment on an idle stream to the next, in ms; 0: never. Default: 15,000. */
  keepAliveMs?: number | undefined
  /** Bytes of the body of a request. Default: 4 MiB. */
  maxRequestBodySize?: number | undefined
}

/** The options of `createEndpoint` that they stand for. */
interface EndpointPart {
  onError?: (error: unknown) => void
  streaming?: boolean
  session: Partial<SessionOptions>
  stateless: Partial<StatelessOptions>
  http: Partial<HttpOptions>
}

const NUMBERS = {
  maxSubscriptions: SETTINGS.session.maxStreams,
  keepAliveMs: SETTINGS.session.heartbeat,
  maxRequestBodySize: SETTINGS.http.maxBytes,
} as const satisfies Group

/** @throws TypeError with one line for an option that cannot work here */
export function readHandlerOptions(options: OfficialHandlerOptions): EndpointPart {
  const { legacy, onerror, responseMode, bus, ...others } = options
  if (legacy !== undefined && legacy !== 'stateless' && legacy !== 'reject') throw new TypeError(LEGACY)
  if (responseMode !== undefined && responseMode !== 'auto' && responseMode !== 'json') throw new TypeError(MODE)
  if (bus !== undefined) throw new TypeError(BUS)
  const { maxSubscriptions, keepAliveMs, maxRequestBodySize } = others
  const streams = maxSubscriptions === 0 ? undefined : maxSubscriptions
  readOptions('createMcpHandler', NUMBERS, {
    ...(streams !== undefined && { maxSubscriptions: streams }),
    ...(keepAliveMs !== undefined && { keepAliveMs }),
    ...(maxRequestBodySize !== undefined && { maxRequestBodySize }),
  })
  return {
    ...(onerror && { onError: (error) => onerror(asError(error)) }),
    ...(responseMode === 'json' && { streaming: false }),
    session: {
      ...(streams !== undefined && { maxStreams: streams }),
      ...(keepAliveMs !== undefined && { heartbeat: keepAliveMs }),
    },
    stateless: { ...(maxSubscriptions === 0 && { listen: false }) },
    http: { ...(maxRequestBodySize !== undefined && { maxBytes: maxRequestBodySize }) },
  }
}

const LEGACY =
  'legacy must be "stateless" or "reject". Clients of the 2025 revisions are served by the same handler, with sessions: a handler ' +
  'of your own is not needed for them.'
const MODE =
  'responseMode must be "auto" or "json". "sse" is not there: a response is JSON unless its call sends a message or takes long. ' +
  'Remove responseMode.'
const BUS =
  'bus is not needed: the store takes changes to the clients of all instances. Remove it, and announce changes by "notify" or ' +
  '"bus" of what createMcpHandler returns.'

/** A notifier whose failures are reported, for callers that do not await it, and the bus on it. */
export function announcing(
  notify: Notifier,
  report: (error: unknown) => void,
): { notify: Notifier; bus: ServerEventBus } {
  const listeners = new Set<(event: ServerEvent) => void>()
  const hear = (event: ServerEvent) => {
    for (const listener of listeners) {
      try {
        listener(event)
      } catch (error) {
        report(error)
      }
    }
  }
  const reported = <T>(work: Promise<T>): Promise<T> => {
    work.catch(report)
    return work
  }
  const heard = <T>(event: ServerEvent, work: Promise<T>): Promise<T> => {
    hear(event)
    return reported(work)
  }
  const own: Notifier = {
    toolsChanged: (options) => heard({ kind: 'tools_list_changed' }, notify.toolsChanged(options)),
    promptsChanged: (options) => heard({ kind: 'prompts_list_changed' }, notify.promptsChanged(options)),
    resourcesChanged: (options) => heard({ kind: 'resources_list_changed' }, notify.resourcesChanged(options)),
    resourceUpdated: (uri, options) => heard({ kind: 'resource_updated', uri }, notify.resourceUpdated(uri, options)),
    elicitationCompleted: (elicitationId) => reported(notify.elicitationCompleted(elicitationId)),
  }
  const bus: ServerEventBus = {
    publish: (event) => void announce(own, event),
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return { notify: own, bus }
}

function announce(notify: Notifier, event: ServerEvent): Promise<void> {
  switch (event.kind) {
    case 'tools_list_changed':
      return notify.toolsChanged()
    case 'prompts_list_changed':
      return notify.promptsChanged()
    case 'resources_list_changed':
      return notify.resourcesChanged()
    case 'resource_updated':
      return notify.resourceUpdated(event.uri)
  }
}
