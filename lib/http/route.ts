/**
 * The steps of every HTTP request, in their order: Host and Origin, preflight, caller, HTTP method, handler, response.
 * An error that one of them throws becomes the response.
 */
import type { Clock } from '../base/clock.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Memory } from '../runtime/memory.ts'
import type { Reply } from '../runtime/reply.ts'
import type { HttpOptions } from '../settings.ts'
import type { Access } from './access.ts'
import { corsHeaders } from './cors.ts'
import { fetchOptions } from './fetch-options.ts'
import { type Accepted, headerReader, type ReadHeader, readAccept } from './headers.ts'
import { countJson } from './large-json.ts'
import type { Opening } from './opening.ts'
import type { OriginCheck } from './origin.ts'
import type { HttpRequest } from './request.ts'
import { type WatchedRequest, watchRequest } from './request-event.ts'
import { refuse, respond } from './respond.ts'

export interface RouteParts {
  checkOrigin: OriginCheck
  /** Headers of the response to a preflight. */
  preflight(header: ReadHeader): Record<string, string>
  access: Access
  /** The id of the instance. */
  instance: string
  options: HttpOptions
  /** False: no response is a stream, whatever the client takes. */
  streaming: boolean
  clock: Clock
  memory: Memory
  /** Where the server has to be opened before its first request. */
  opening: Opening | undefined
  /** `loading`: until it is there, so that it has the first requests, too. */
  telemetry: { readonly loading: Promise<unknown> | undefined } | undefined
  onError(error: unknown): void
}

/** One request that has passed the checks. */
export interface HttpExchange {
  c: HttpRequest
  header: ReadHeader
  accepted: Accepted
  caller: Caller
  /** The id of the one request in the body, once that is read: errors name it. */
  id?: RequestId
}

export type HttpHandler = (exchange: HttpExchange) => Reply | Promise<Reply>

interface Route {
  /** By HTTP method. */
  handlers: Readonly<Record<string, HttpHandler>>
  /** The header `Allow` of a response with status 405. */
  allow: string
  /** How long a response may take, in ms; 0: no limit. */
  responseLimit?: number
  /** A JSON document that needs no token. */
  isDocument?: boolean
}

const JSON_ALONE: Accepted = { json: true, sse: false }

/** Answers a request. It never rejects: each failure is a response. */
export type RouteHandler = (c: HttpRequest) => Promise<Response>

export function route(
  parts: RouteParts,
  { handlers, allow, responseLimit = 0, isDocument = false }: Route,
): RouteHandler {
  const { checkOrigin, access, options, clock, onError } = parts
  const { maxBuffered, readTimeout } = options
  const { output } = parts.memory
  const streams = { maxBuffered, readTimeout, clock, output }
  const negotiates = parts.streaming && !isDocument
  // A map: the client chooses the method, and an object has names of its own.
  const byMethod = new Map(Object.entries(handlers))
  const serve = async (c: HttpRequest, header: ReadHeader, watched: WatchedRequest | undefined): Promise<Response> => {
    let cors: Record<string, string> | undefined
    let exchange: HttpExchange | undefined
    try {
      const { method } = c.req
      cors = corsHeaders(checkOrigin(header, c.req))
      if (method === 'OPTIONS') {
        return new Response(null, { status: 204, headers: { ...cors, ...parts.preflight(header) } })
      }
      const opening = parts.opening?.forRequest()
      if (opening) await opening
      const accepted = negotiates ? readAccept(header('accept')) : JSON_ALONE
      const caller = isDocument ? access.anonymous(c, responseLimit) : access.caller(c, header, responseLimit)
      exchange = { c, header, accepted, caller: caller instanceof Promise ? await caller : caller }
      watched?.identified(c, exchange.caller)
      const handler = byMethod.get(method)
      if (!handler) {
        const message = `${method} is not a method of this address; use ${allow}.`
        throw new Refusal(405, ErrorCode.InvalidRequest, message, { headers: { Allow: allow } })
      }
      const given = await handler(exchange)
      const reply =
        watched && given.kind === 'stream'
          ? await watched.streamed(given, header('last-event-id') !== undefined)
          : given
      const { client } = exchange.caller
      if (reply.kind === 'json') countJson(c, reply.body, client, output)
      return respond(reply, accepted, cors, streams, client, fetchOptions(c))
    } catch (error) {
      watched?.refused(error)
      return refuse(error, cors, onError, exchange?.id)
    } finally {
      exchange?.caller.held?.release()
    }
  }
  const watch = async (c: HttpRequest, header: ReadHeader, watched: WatchedRequest): Promise<Response> => {
    try {
      return await watched.serve(() => serve(c, header, watched))
    } catch (error) {
      return refuse(error, undefined, onError)
    }
  }
  // Without a function of its own: one that holds a function allocates in each call, also where that is not made.
  const start: RouteHandler = (c) => {
    const header = headerReader(c)
    const watched = watchRequest(parts, c, header)
    return watched ? watch(c, header, watched) : serve(c, header, undefined)
  }
  return (c) => {
    const loading = parts.telemetry?.loading
    return loading ? later(loading, start, c) : start(c)
  }
}

async function later(loading: Promise<unknown>, start: RouteHandler, c: HttpRequest): Promise<Response> {
  await loading
  return start(c)
}
