/** Middleware: functions of an author around the calls and lists of a server. methods/middleware.ts runs them. */
import { kindOf } from '../../base/to-json.ts'
import type { JsonObject } from '../../protocol/jsonrpc.ts'
import type { ServerMethod } from '../../protocol/methods.ts'
import type { Context } from '../context/context.ts'

/** A request, as a middleware gets it. */
export interface MiddlewareCall {
  readonly method: ServerMethod
  /** Before they are checked: a copy. What is changed in it acts where `next` is called without params. */
  readonly params: JsonObject
  /** The context that the handler gets, too. */
  readonly ctx: Context
}

/**
 * Goes on with the request: with the next middleware, and after the last one with the handler. It may be called once, while the
 * middleware runs.
 *
 * @param params other params than those of the call
 * @returns the result: of a tool also where it failed, then with `isError`. Rejects where the answer is a JSON-RPC error
 */
export type Next = (params?: JsonObject) => Promise<JsonObject>

/**
 * Runs around each call and each list of a server.
 *
 * @returns the result of `next()`, changed or not, or another one. It is checked as that of a handler is
 * @throws ProtocolError where the answer is to be a JSON-RPC error
 */
export type Middleware = (call: MiddlewareCall, next: Next) => JsonObject | Promise<JsonObject>

/** @throws TypeError */
export function requireMiddleware(middleware: unknown): void {
  if (typeof middleware === 'function') return
  throw new TypeError(
    `server.use: the middleware is ${kindOf(middleware)} and must be a function (call, next) => result.`,
  )
}
