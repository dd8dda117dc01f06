/** Runs the middleware of a server around a request. Loaded with the first request of a server that has some. */
import { handled } from '../../base/promises.ts'
import { kindOf } from '../../base/to-json.ts'
import { ErrorCode, invalidRequest, ProtocolError } from '../../protocol/errors.ts'
import { isObject, type JsonObject, RawJson, type Result } from '../../protocol/jsonrpc.ts'
import { METHODS, type ServerMethod } from '../../protocol/methods.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { Context } from '../context/context.ts'
import { toolError } from '../context/errors.ts'
import { withFault } from '../context/fault.ts'
import { asksSent } from '../context/on-demand.ts'
import type { Middleware, MiddlewareCall, Next } from '../registry/middleware.ts'
import { policyOf } from '../registry/policy.ts'
import type { Registry } from '../registry/registry.ts'
import { failureText, passing, readable } from './failures.ts'
import { lazyResult } from './lazy-result.ts'
import { type MethodHandler, viewerOf } from './method.ts'
import { outcomeOf, type Served, servedBy } from './outcome.ts'

type Params = JsonObject | undefined

/** A request, and the handler of its method. */
export interface MiddlewareRequest {
  readonly registry: Registry
  readonly method: ServerMethod
  readonly run: MethodHandler
  readonly params: Params
  readonly channel: ClientChannel
}

/**
 * Answers a request through the middleware of its server. An error that is not meant for the protocol is the result of a tool, as
 * from a handler, and for the other methods a JSON-RPC error.
 */
export async function runThrough(request: MiddlewareRequest): Promise<Result> {
  const chain = new Chain(request)
  let value: unknown
  try {
    value = await chain.run()
  } catch (thrown) {
    if (chain.isOfHandler(thrown)) throw thrown
    const passed = passing(thrown, request.channel, request.method === 'tools/call')
    if (passed) throw passed instanceof ProtocolError ? withFault(passed, 'middleware', passed) : passed
    const error = readable(thrown)
    const text = failureText(error)
    if (request.method !== 'tools/call') {
      throw withFault(new ProtocolError(ErrorCode.InternalError, text), 'middleware', error)
    }
    value = withFault(toolError(text), 'middleware', error)
  }
  return outcomeOf(request, value, chain.served)
}

/** One way of a request through the middleware, which are those that the server has as it begins. */
class Chain {
  readonly #request: MiddlewareRequest
  readonly #middleware: readonly Middleware[]
  readonly #ctx: Context
  /** The context reads these: with other params it has another `_meta`. */
  readonly #shown: JsonObject
  readonly #ofHandler = new Set<unknown>()
  /** What the handler has answered. */
  served: Served | undefined
  /** The request has its answer: nothing more of it begins. */
  #over = false

  constructor(request: MiddlewareRequest) {
    this.#request = request
    this.#middleware = [...request.registry.middleware]
    this.#shown = { ...request.params }
    this.#ctx = new Context(request.channel, this.#shown)
  }

  async run(): Promise<unknown> {
    try {
      return await this.#step(0, this.#request.params)
    } finally {
      await asksSent()
      this.#over = true
    }
  }

  /** The error was thrown by the handler, or for it. */
  isOfHandler(error: unknown): boolean {
    return this.#ofHandler.has(error)
  }

  async #step(at: number, given: Params): Promise<unknown> {
    const middleware = this.#middleware[at]
    if (!middleware) return this.#serve(given)
    // The request itself is stored, and compared with its retry: a middleware changes a copy.
    const call = new Call(this.#request, given, given === this.#request.params, this.#ctx)
    let inner: Promise<JsonObject> | undefined
    let open = false
    let over = false
    const next: Next = (changed) => {
      if (over || this.#over) return refused('next() was called after the middleware had returned.')
      if (inner) return refused('A middleware called next() twice.')
      if (changed !== undefined && !isObject(changed)) {
        return refused(`A middleware called next() with ${kindOf(changed)}: params must be an object.`)
      }
      open = true
      inner = this.#step(at + 1, changed ?? call.current) as Promise<JsonObject>
      const settled = () => {
        open = false
      }
      inner.then(settled, settled)
      return inner
    }
    try {
      return await middleware(call, next)
    } finally {
      over = true
      if (inner && open) this.#request.channel.leave?.(inner, new DOMException(ANSWERED, 'AbortError'))
    }
  }

  async #serve(given: Params): Promise<unknown> {
    const { registry, run, params, channel } = this.#request
    try {
      if (given !== params) {
        requireAllowed(this.#request, given)
        this.#shown._meta = given?._meta
      }
      const result = await run(registry, given, channel, this.#ctx)
      this.served = servedBy(this.#request, given, result)
      return result instanceof RawJson ? lazyResult(result) : result
    } catch (error) {
      this.#ofHandler.add(error)
      throw error
    }
  }
}

const ANSWERED = 'A middleware answered before the handler was done.'

function refused(message: string): Promise<never> {
  return handled(Promise.reject(new TypeError(message)))
}

class Call implements MiddlewareCall {
  readonly method: ServerMethod
  readonly ctx: Context
  readonly #given: Params
  #params: JsonObject | undefined

  constructor({ method }: MiddlewareRequest, given: Params, isOfClient: boolean, ctx: Context) {
    this.method = method
    this.ctx = ctx
    this.#given = given
    if (!isOfClient) this.#params = given
  }

  get params(): JsonObject {
    this.#params ??= structuredClone(this.#given ?? {})
    return this.#params
  }

  /** The params, as far as the middleware has read and perhaps changed them. */
  get current(): Params {
    return this.#params ?? this.#given
  }
}

/**
 * A middleware has changed the params: the tool that is really run decides.
 *
 * @throws ProtocolError
 */
function requireAllowed({ registry, method, channel }: MiddlewareRequest, given: Params): void {
  const row = METHODS.get(method)
  const { scopes, runsAgain } = policyOf(registry, row?.about, given, viewerOf(registry, channel))
  if (!scopes.every((scope) => channel.auth?.scopes.includes(scope))) {
    throw invalidRequest('The token lacks scopes that this request needs.')
  }
  if (channel.takenOver && row?.runsAgain === 'by policy' && !runsAgain)
    throw new ProtocolError(ErrorCode.InternalError, LOST)
}

const LOST = 'The instance that ran this call was lost before it was done; whether it had an effect is unknown.'
