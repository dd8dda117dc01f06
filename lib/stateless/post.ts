/** Requests of the stateless revision: each POST has one reply. The instance keeps nothing after it but runs that wait for a retry. */

import { memoizeByObject } from '../base/memo.ts'
import { clientName } from '../protocol/client.ts'
import { completeResult } from '../protocol/complete-result.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { type JsonRpcRequest, RawJson, type RequestId, type Result, resultText } from '../protocol/jsonrpc.ts'
import { Refusal } from '../protocol/refusal.ts'
import { type SessionRevision, STATELESS_REVISION } from '../protocol/revisions.ts'
import type { Caller } from '../runtime/caller.ts'
import type { Instance } from '../runtime/instance.ts'
import { errorReply, type Reply } from '../runtime/reply.ts'
import { MissingCapability } from '../server/context/errors.ts'
import { type Description, type Dispatcher, durabilityOf, missingScopes } from '../server/dispatcher.ts'
import type { Caller as Viewer } from '../server/registry/config.ts'
import type { TaskPolicy } from '../server/registry/task-policy.ts'
import type { StatelessOptions } from '../settings.ts'
import { StatelessCall, type StatelessHost } from './call.ts'
import type { ReadHeader } from './claim.ts'
import { discoverResult } from './discover.ts'
import { type Envelope, readEnvelope, requireParamHeaders } from './envelope.ts'
import { StatelessExchange, type StatelessInput } from './exchange.ts'
import { Listening } from './listen.ts'
import type { Parking, RetryRequest } from './parking/parking.ts'
import type { ParkedAt } from './parking/retry.ts'
import { asItIs, SessionlessCall, sessionlessMethod } from './sessionless.ts'

/** The methods of the extension for tasks. Each names a task. */
const TASK_METHODS: ReadonlySet<string> = new Set(['tasks/get', 'tasks/update', 'tasks/cancel'])

/** A caller as the server's entries see it. */
const viewerOf = ({ auth }: Caller): Viewer => ({ auth, revision: STATELESS_REVISION, client: undefined })

export class Stateless {
  readonly #dispatcher: Dispatcher
  /** JSON of the server's name and version, which every result carries. */
  readonly #identity: string
  readonly #instance: Instance
  readonly #host: StatelessHost
  readonly #options: StatelessOptions

  constructor(dispatcher: Dispatcher, instance: Instance, host: StatelessHost, options: StatelessOptions) {
    this.#dispatcher = dispatcher
    this.#instance = instance
    this.#host = host
    this.#options = options
    const { name, version } = this.#describe().info
    this.#identity = JSON.stringify({ name, version })
  }

  readonly #complete = (result: Result): RawJson =>
    result instanceof RawJson ? this.#completeReady(result) : completeResult(result, this.#identity)
  /** A dispatcher returns the same serialized list for every request: its completed form is kept, too. */
  readonly #completeReady = memoizeByObject((result: RawJson) => completeResult(result, this.#identity))

  /** @throws ProtocolError for a request that is refused before its method is dispatched: 400 */
  post(input: StatelessInput, header: ReadHeader): Reply | Promise<Reply> {
    const { request, caller, streams } = input
    const { method } = request
    const row = this.#dispatcher.methods.get(method)
    const isOfTask = this.#dispatcher.tasks === true && TASK_METHODS.has(method)
    const envelope = readEnvelope(request, header, isOfTask ? 'taskId' : row?.mirrored)
    if (caller.note && envelope.info) caller.note.client = clientName(envelope.info)
    const refusal = this.#dispatcher.refusesStateless?.(caller.principal)
    if (refusal) throw new ProtocolError(refusal.code, refusal.message, refusal.data, request.id)
    if (method === 'server/discover') {
      return { kind: 'json', status: 200, body: resultText(request.id, discoverResult(this.#describe())) }
    }
    if (method === 'subscriptions/listen' && this.#options.listen)
      return this.#listen(request, streams, caller, envelope)
    let task: TaskPolicy | undefined
    if (row?.about === 'tool') {
      const viewer = this.#dispatcher.hides ? viewerOf(caller) : undefined
      const policy = this.#dispatcher.policyOf(method, request.params, viewer)
      requireParamHeaders(request, policy.paramHeaders, header)
      task = policy.task
    }
    const exchange = new StatelessExchange(this.#instance, input, this.#complete, this.#options.streamAfter)
    const send = streams ? (text: string) => exchange.send(text) : undefined
    let call: StatelessCall
    try {
      call = new StatelessCall(this.#host, { request, envelope, caller, send, exchange })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return errorReply(error, request.id)
    }
    if (isOfTask || task) return this.#withTasks(call, task, exchange, input, envelope)
    const at = call.parkedAt
    if (at) return this.#retry(call, at, exchange, { request, send, level: envelope.logLevel })
    return exchange.run(call, () => this.#host.dispatch(method, request.params, call))
  }

  /** Serves a method of tasks, or a call of a tool that has them. */
  #withTasks(
    call: StatelessCall,
    policy: TaskPolicy | undefined,
    exchange: StatelessExchange,
    { request, caller }: StatelessInput,
    { capabilities }: Envelope,
  ): Reply | Promise<Reply> {
    const { method, params } = request
    return exchange.run(call, async () => {
      const { callWithTasks, declaresTasks, needsTasks, taskMethod } = await import('./tasks.ts')
      const engine = () => this.#host.tasks.load()
      const dispatch = () => this.#host.dispatch(method, params, call)
      if (!policy) return taskMethod(engine, request, capabilities, caller)
      if (declaresTasks(capabilities)) {
        const again = durabilityOf(this.#dispatcher, request, this.#instance.options) !== 'none'
        return callWithTasks(engine, { call, request, caller, policy, again }, dispatch)
      }
      if (policy.support === 'required') throw needsTasks()
      return dispatch()
    })
  }

  /** Serves a request with answers for a run that waits for them. */
  #retry(call: StatelessCall, at: ParkedAt, exchange: StatelessExchange, retry: RetryRequest): Reply | Promise<Reply> {
    return exchange.run(call, async () => {
      const parking = this.#host.parking ?? (await this.#otherParking())
      return parking.retry(call, at, retry)
    })
  }

  /** Runs of other instances, where none waits in this one. */
  async #otherParking(): Promise<Parking> {
    const { Parking } = await import('./parking/parking.ts')
    return new Parking(this.#instance, this.#options, this.#host.maxAsks)
  }

  /** Serves a request of a session revision without a session. A disconnect does not cancel it. */
  withoutSession(input: Omit<StatelessInput, 'gone'>, revision: SessionRevision): Reply | Promise<Reply> {
    const { request, caller, streams } = input
    const exchange = new StatelessExchange(this.#instance, input, asItIs, this.#options.streamAfter, () => 200)
    const send = streams ? (text: string) => exchange.send(text) : undefined
    const call = new SessionlessCall(this.#host, caller, request, revision, send)
    const { method, params } = request
    const work = () => sessionlessMethod(method, params) ?? this.#host.dispatch(method, params, call)
    return exchange.run(call, work)
  }

  #describe(): Description {
    const { listen } = this.#options
    return this.#dispatcher.describe(STATELESS_REVISION, {
      listChanged: listen,
      subscribe: listen,
      logging: listen,
      tasks: true,
    })
  }

  /** Whether a caller may learn that a resource has changed: when it began to listen the resource may have been hidden, or missing. */
  #mayHear(uri: string, viewer: Viewer): boolean {
    const dispatcher = this.#dispatcher
    if (dispatcher.hides && dispatcher.shows?.(uri, viewer) === false) return false
    return !missingScopes(dispatcher, viewer.auth, 'resources/read', { uri }, dispatcher.hides ? viewer : undefined)
  }

  async #listen(request: JsonRpcRequest, streams: boolean, caller: Caller, envelope: Envelope): Promise<Reply> {
    if (!streams) {
      throw new Refusal(406, ErrorCode.InvalidRequest, 'subscriptions/listen needs Accept: text/event-stream.')
    }
    this.#instance.admitStream(request.id)
    try {
      // The function keeps nothing else of the caller while the stream is open: its request has the body.
      const viewer = viewerOf(caller)
      const tasks = this.#dispatcher.tasks ? await this.#watched(request, envelope, caller.principal) : undefined
      const parts = { complete: this.#complete, mayHear: (uri: string) => this.#mayHear(uri, viewer), tasks }
      const listening = new Listening(this.#instance, request, parts, this.#describe().capabilities, caller)
      await listening.open(caller.deadline, caller.until)
      return { kind: 'stream', source: listening }
    } catch (error) {
      if (error instanceof MissingCapability) throw missing(error, request.id)
      if (!(error instanceof ProtocolError) || error instanceof Refusal) throw error
      return errorReply(error, request.id)
    }
  }

  /** The tasks that a client listens for. */
  async #watched({ params }: JsonRpcRequest, { capabilities }: Envelope, principal: string) {
    const { watchedTasks } = await import('./task-listen.ts')
    return watchedTasks(() => this.#host.tasks.load(), params?.notifications, capabilities, principal)
  }
}

/** The refusal of a request whose client lacks a capability: 400. */
function missing({ message, requiredCapabilities }: MissingCapability, id: RequestId): Refusal {
  return new Refusal(400, ErrorCode.MissingClientCapability, message, { data: { requiredCapabilities }, id })
}
