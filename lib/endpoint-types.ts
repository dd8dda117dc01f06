/** What `createEndpoint` takes and returns. */
import type { Hono } from 'hono'
import type { AuthOptions } from './auth/options.ts'
import type { Clock } from './base/clock.ts'
import type { CorsOptions } from './http/cors.ts'
import type { FetchOptions } from './http/fetch-options.ts'
import type { OriginOptions } from './http/origin.ts'
import type { PathOptions } from './http/paths.ts'
import type { Page } from './page/routes.ts'
import type { Notifier } from './runtime/notifier.ts'
import type { OfficialOptions } from './sdk/options.ts'
import type { HttpOptions, SessionOptions, StatelessOptions } from './settings.ts'
import type { Unsealed } from './store/sealed.ts'
import type { Store } from './store/store.ts'
import type { Executor, RunTask } from './tasks/executor.ts'

export interface EndpointOptions extends OriginOptions, CorsOptions, PathOptions, OfficialOptions {
  /** Where sessions live. Default: in this process, for one instance. */
  store?: Store | undefined
  /**
   * The callers that are let in. `'middleware'`: those that a middleware of the app has checked ({@link FetchOptions}), and
   * a request without one is 401. Default: everybody, and all callers are one principal but for those of a middleware.
   */
  auth?: AuthOptions | 'middleware' | undefined
  session?: Partial<SessionOptions> | undefined
  stateless?: Partial<StatelessOptions> | undefined
  http?: Partial<HttpOptions> | undefined
  /**
   * The key ring that seals what leaves the process. The first key seals, all of them open. All instances need the same
   * ring. Default: a random key, which is right for a single instance.
   */
  keys?: readonly Uint8Array[] | undefined
  /**
   * With `keys` everything in the store is sealed, and a text without a seal is taken as missing. To turn sealing on
   * without losing sessions, set `write` on all instances (plain texts are written, sealed ones are read too), then
   * `read` (sealed texts are written, plain ones are read too), and, when the last session from before has ended,
   * `refuse`, which is the default.
   */
  unsealed?: Unsealed | undefined
  /**
   * False where the platform takes a response only as a whole: every response is JSON, and features that need a stream
   * are neither offered nor announced. Default true.
   */
  streaming?: boolean | undefined
  /** The page for people, which `mcp-anywhere/page` has. */
  page?: Page | undefined
  /**
   * Spans and metrics of OpenTelemetry, by the global providers of the process. Default: true where one of them is set when the
   * endpoint is made. The package `@opentelemetry/api` must be installed.
   */
  telemetry?: boolean | undefined
  /**
   * For development: replays durable handlers after each of their steps, and compares what they say, ask and return. `always` reports
   * each difference to `onError` as a warning; with `strict` the call ends with an error that names it. Default `never`.
   */
  replay?: 'never' | 'always' | 'strict' | undefined
  /**
   * Who runs the legs of tasks. Default: this process runs them itself, under a lease; where it ends, the next request for the task
   * goes on with it on any instance. All instances have the same.
   */
  executor?: Executor | undefined
  /** Serves the HTTP+SSE transport of 2024-11-05 too, at `/sse` and `/messages`. Default false. */
  legacySse?: boolean | undefined
  /** Receives the failures whose cause no client is sent. Default: one line on stderr. */
  onError?: ((error: unknown) => void) | undefined
  clock?: Clock | undefined
}

export interface Endpoint {
  /** The Hono app, for `app.route` or further routes. */
  app: Hono
  /**
   * Serves a request. It never rejects: each failure is a response.
   *
   * @param options what a framework has done already, and what a platform knows of the request
   */
  fetch(request: Request, options?: FetchOptions): Promise<Response>
  /** True for a path where the endpoint answers: `/mcp`, `/healthz`, those of HTTP+SSE and of the metadata. */
  serves(path: string): boolean
  /**
   * Resolves when the server is ready, with sentences for the log of the start. Requests wait for it by themselves. A server of
   * the official SDK is opened first.
   *
   * @throws TypeError with one line for a server that cannot be served
   */
  ready(): Promise<readonly string[]>
  /** Announces changes, and completed elicitations, to clients on every instance. */
  notify: Notifier
  /** Runs a leg of a task: whatever the {@link EndpointOptions.executor} has asked calls it. */
  runTask: RunTask
  /** The name of this instance for the others: random, new with each process. */
  instanceId: string
  /** As `notify.elicitationCompleted`, for the page of a URL elicitation. */
  elicitationCompleted(elicitationId: string): Promise<boolean>
  /** The name and version of the server, once it is {@link ready}. */
  about(): { name: string; version: string }
  /** Connections and calls of this instance, and work that waits for the store. All are zero when no response is open. */
  stats(): { connections: number; calls: number; unregistered: number; owed: number }
  /** Bytes that clients make this instance hold: of requests, and of output that waits. All are zero when it is at rest. */
  held(): { requests: number; output: number }
  /**
   * Resolves when no call runs here and the work in the background is done, that of `ctx.waitUntil` included. Streams may still
   * be open.
   */
  settled(): Promise<void>
  /** The process may have been asleep for `idleMs`: connections to the store that may be dead are replaced. */
  wake(idleMs: number): void
  /**
   * Prepares for a sleep of the process (a Lambda environment between invocations): closes the waiting connection to the
   * store when nothing is open. The next stream or long call opens it again. It waits for calls, and for the work of
   * `ctx.waitUntil`.
   *
   * @param by when the process sleeps in any case, by the endpoint's clock: a moment before, work that is left is reported and
   *   no longer waited for
   */
  rest(by?: number): Promise<void>
  /**
   * Shuts down: ends the streams that may end before their response, lets calls finish for `session.drainTimeout` ms, hands
   * the other calls over or fails them, finishes the work at the store and closes it.
   *
   * @param options.within ms that calls may go on, where that is less than `session.drainTimeout`
   */
  close(options?: { within?: number }): Promise<void>
}
