/**
 * Operations as OpenTelemetry's conventions for MCP count them, made from the events of the endpoint: each request and notification of a client,
 * and each ask of this endpoint that its client has answered or failed to answer. What has a label is bounded (`labels.ts`).
 */
import {
  type AskEvent,
  type CallEvent,
  type CallOutcome,
  type CallStart,
  onEvent,
  type RequestEvent,
  type RequestStart,
} from '../base/events.ts'
import type { SessionEvent } from '../base/instance-events.ts'
import { Labels } from './labels.ts'
import { OTHER } from './names.ts'

/** What all operations have: labels, of bounded number. */
interface Measured {
  revision?: string | undefined
  /** The class of the error with which it ended. Undefined: it ended well. */
  errorType?: string | undefined
  transport: Transport
  seconds: number
}

export interface Operation extends Measured {
  /** server: a client has asked. client: this endpoint has asked its client. */
  side: 'server' | 'client'
  method: string
  /** Undefined also where nobody knows whether there is a tool of this name. */
  tool?: string | undefined
  prompt?: string | undefined
  /** Of the JSON-RPC error in the response. */
  code?: string | undefined
}

/** How a message came: `pipe` from the host that has started this process. */
export interface Transport {
  kind: 'tcp' | 'pipe'
  /** Of HTTP: `1.1`, `2`. */
  version?: string | undefined
}

/** A session that has ended. */
export type EndedSession = Measured

/** The event that the operation was made from. */
type OperationEvent = CallEvent | RequestEvent | AskEvent

/** Outcomes of a run after which another one goes on with the call, and reports it. */
const GOES_ON: ReadonlySet<CallOutcome> = new Set(['released', 'lost', 'suspended'])
const ENDS_WELL: ReadonlySet<CallOutcome> = new Set(['ok', 'input_required'])

/** Makes operations of events. Keeps what bounds their labels: one for a process. */
export class Operations {
  readonly labels = new Labels()
  /** Requests whose operation the event of their call reports. */
  readonly #carriers = new WeakSet<RequestStart>()

  /** The request has a call, whose event reports the operation. To be called for each `call-start`. */
  began({ request }: CallStart): void {
    if (request) this.#carriers.add(request)
  }

  /** Undefined: the operation is not over, since another run goes on with it. */
  ofCall(call: CallEvent): Operation | undefined {
    const { outcome, kind, revision, request } = call
    if (GOES_ON.has(outcome)) return undefined
    const name = this.labels.name(call)
    const code = call.code === undefined ? undefined : this.labels.code(call.code)
    return {
      side: 'server',
      method: this.labels.method(call.method, ENDS_WELL.has(outcome)),
      tool: kind === 'tool' ? name : undefined,
      prompt: kind === 'prompt' ? name : undefined,
      revision,
      code,
      errorType: ENDS_WELL.has(outcome) ? undefined : (code ?? outcome),
      transport: transportOf(request),
      seconds: call.durationMs / 1_000,
    }
  }

  /** The operation of a request that had no call. Undefined: it had one, or it was no operation of MCP. */
  ofRequest(request: RequestEvent): Operation | undefined {
    const { method, messages, refusal, status, revision } = request
    if (method === undefined || messages !== 1 || method === RESPONSE || this.#carriers.has(request)) return undefined
    const code = refusal ? this.labels.code(refusal.code) : undefined
    return {
      side: 'server',
      method: this.labels.method(method),
      revision,
      code,
      errorType: code ?? (status >= 400 ? String(status) : undefined),
      transport: transportOf(request),
      seconds: request.durationMs / 1_000,
    }
  }

  /** Undefined: the answer comes, or has come, with another request. */
  ofAsk({ method, outcome, code, call, durationMs, isRepeated }: AskEvent): Operation | undefined {
    if (outcome === 'pending' || isRepeated) return undefined
    const status = code === undefined ? undefined : this.labels.code(code)
    return {
      side: 'client',
      method: this.labels.method(method, outcome === 'answered'),
      revision: call?.revision,
      code: status,
      errorType: outcome === 'answered' ? undefined : (status ?? (outcome === 'error' ? OTHER : outcome)),
      transport: transportOf(call?.request),
      seconds: durationMs / 1_000,
    }
  }

  ofSession({ revision, request, durationMs }: SessionEvent): EndedSession {
    return { revision, transport: transportOf(request), seconds: durationMs / 1_000 }
  }
}

/** What the event of a request has as its method where its message is a response. */
const RESPONSE = '(response)'

export function transportOf(request: RequestStart | undefined): Transport {
  if (request?.isLocal) return { kind: 'pipe' }
  return { kind: 'tcp', version: request?.httpVersion }
}

interface Listener {
  operation(operation: Operation, event: OperationEvent): void
  session(session: EndedSession, event: SessionEvent): void
}

/**
 * Listens to operations and to the ends of sessions.
 *
 * @returns a function that ends it
 */
export function onOperations(listener: Listener, operations: Operations = new Operations()): () => void {
  const report = <E extends OperationEvent>(operation: Operation | undefined, event: E) => {
    if (operation) listener.operation(operation, event)
  }
  const ends = [
    onEvent('call-start', (event) => operations.began(event)),
    onEvent('call', (event) => report(operations.ofCall(event), event)),
    onEvent('request', (event) => report(operations.ofRequest(event), event)),
    onEvent('ask', (event) => report(operations.ofAsk(event), event)),
    onEvent('session', (event) => listener.session(operations.ofSession(event), event)),
  ]
  return () => {
    for (const end of ends) end()
  }
}
