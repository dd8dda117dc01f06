/** The stateless revision as HTTP uses it: one POST, one reply, nothing kept. */

import { completeResult } from '../protocol/downgrade.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, JsonRpcRequest } from '../protocol/jsonrpc.ts'
import { RawJson, resultText } from '../protocol/jsonrpc.ts'
import { type SessionRevision, STATELESS_REVISION, SUPPORTED_REVISIONS } from '../protocol/revisions.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Instance } from '../runtime/instance.ts'
import type { Reply } from '../runtime/reply.ts'
import { refusal, tooManyStreams } from '../runtime/reply.ts'
import { dispatch } from '../server/dispatch.ts'
import type { McpServer } from '../server/mcp-server.ts'
import type { StatelessOptions } from '../settings.ts'
import type { StatelessHost } from './call.ts'
import { StatelessCall } from './call.ts'
import type { ReadHeader } from './envelope.ts'
import { readEnvelope, requireParamHeaders } from './envelope.ts'
import { StatelessExchange } from './exchange.ts'
import { Listening } from './listen.ts'
import { asItIs, SessionlessCall, sessionlessMethod } from './sessionless.ts'

export interface StatelessPost {
  caller: Caller
  request: JsonRpcRequest
  header: ReadHeader
  /** The client takes `text/event-stream`. */
  streams: boolean
  /** Aborted when the client's connection ends; asked for only by a call that does not answer at once. */
  gone(): AbortSignal | undefined
}

export class Stateless {
  readonly #server: McpServer
  readonly #instance: Instance
  readonly #host: StatelessHost
  readonly #options: StatelessOptions

  constructor(server: McpServer, instance: Instance, host: StatelessHost, options: StatelessOptions) {
    this.#server = server
    this.#instance = instance
    this.#host = host
    this.#options = options
  }

  readonly #complete = (result: JsonObject | RawJson): RawJson => {
    if (!(result instanceof RawJson)) return completeResult(result, this.#server.identity)
    const kept = this.#completed.get(result)
    if (kept) return kept
    const complete = completeResult(result, this.#server.identity)
    this.#completed.set(result, complete)
    return complete
  }
  /** Of lists, which are ready and used again. */
  readonly #completed = new WeakMap<RawJson, RawJson>()

  /** @throws ProtocolError for a request that is refused as such: 400 */
  post(input: StatelessPost): Reply | Promise<Reply> {
    const { request, header, caller, streams } = input
    const { method } = request
    const envelope = readEnvelope(request, header)
    if (method === 'server/discover') return this.#discover(request)
    if (method === 'subscriptions/listen' && this.#options.listen) return this.#listen(request, streams, caller)
    if (method === 'tools/call') {
      const tool = this.#server.tools.get(String(request.params?.name))
      if (tool && tool.paramHeaders.length > 0) requireParamHeaders(request, tool.paramHeaders, header)
    }
    const exchange = new StatelessExchange(
      this.#instance,
      request,
      this.#complete,
      this.#options.streamAfter,
      caller.load,
    )
    let call: StatelessCall
    try {
      call = new StatelessCall(this.#host, {
        request,
        envelope,
        principal: caller.principal,
        auth: caller.auth,
        info: caller.request,
        say: streams ? (text) => exchange.say(text) : undefined,
      })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return refusal(200, error.code, error.message, request.id, error.data)
    }
    return exchange.run(call, streams, caller.deadline, input.gone, () =>
      dispatch(this.#server, method, request.params, call),
    )
  }

  /** A request of a session revision without a session. Disconnecting is no cancel there. */
  withoutSession(
    input: Omit<StatelessPost, 'header' | 'gone'> & { revision: SessionRevision },
  ): Reply | Promise<Reply> {
    const { request, caller, streams, revision } = input
    const { streamAfter } = this.#options
    const exchange = new StatelessExchange(this.#instance, request, asItIs, streamAfter, caller.load, () => 200)
    const call = new SessionlessCall(this.#host, {
      revision,
      requestId: request.id,
      principal: caller.principal,
      auth: caller.auth,
      info: caller.request,
      say: streams ? (text) => exchange.say(text) : undefined,
    })
    const work = () =>
      sessionlessMethod(request.method, request.params) ?? dispatch(this.#server, request.method, request.params, call)
    return exchange.run(call, streams, caller.deadline, () => undefined, work)
  }

  #offered() {
    const { listen } = this.#options
    return this.#server.capabilities(STATELESS_REVISION, { listChanged: listen, subscribe: listen, logging: listen })
  }

  #discover(request: JsonRpcRequest): Reply {
    const server = this.#server
    const result: JsonObject = {
      supportedVersions: SUPPORTED_REVISIONS,
      capabilities: this.#offered(),
      ...server.cacheHint('server/discover'),
    }
    if (server.instructions !== undefined) result.instructions = server.instructions
    // Every result names the server; this one says all of it, as that of initialize does.
    const serverInfo = JSON.stringify(server.implementation(STATELESS_REVISION))
    return { kind: 'json', status: 200, body: resultText(request.id, completeResult(result, serverInfo)) }
  }

  async #listen(request: JsonRpcRequest, streams: boolean, caller: Caller): Promise<Reply> {
    if (!streams) {
      return refusal(406, ErrorCode.InvalidRequest, 'subscriptions/listen needs Accept: text/event-stream.', request.id)
    }
    if (this.#instance.full) return tooManyStreams(request.id)
    try {
      const listening = new Listening(this.#instance, request, this.#complete, this.#offered())
      await listening.open(caller.deadline, caller.until)
      return { kind: 'stream', source: listening }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return refusal(200, error.code, error.message, request.id)
    }
  }
}
