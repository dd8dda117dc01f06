/**
 * Requests of the session revisions without a session id, for clients that lose it. They are served as stateless
 * requests are: no session values, no asks, no event ids, and the instance keeps nothing.
 */

import { resultJson } from '../base/to-json.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { type JsonObject, type JsonRpcRequest, RawJson } from '../protocol/jsonrpc.ts'
import type { SessionRevision } from '../protocol/revisions.ts'
import { isLoggingLevel } from '../protocol/types.ts'
import type { Caller } from '../runtime/caller.ts'
import type { SharedParts } from '../runtime/handler-channel.ts'
import type { Ask, ClientView } from '../server/context/client-channel.ts'
import { AskError } from '../server/context/errors.ts'
import type { SendMessage } from './parking/leg.ts'
import { Run } from './run.ts'

export class SessionlessCall extends Run {
  readonly revision: SessionRevision
  /** Clients of these revisions describe themselves in `initialize` only: without a session the description is lost. */
  readonly client: ClientView = { info: undefined, capabilities: {} }

  constructor(
    shared: SharedParts,
    caller: Caller,
    request: JsonRpcRequest,
    revision: SessionRevision,
    send: SendMessage,
  ) {
    super(shared, caller, request, send)
    this.revision = revision
  }

  wants(): boolean {
    return true
  }

  ask({ method }: Ask): Promise<JsonObject> {
    return Promise.reject(new AskError('unreachable', `${method}: without a session the client cannot be asked.`))
  }
}

/** The results of `ping` and `logging/setLevel` without a session. Undefined: the dispatcher serves the method. */
export function sessionlessMethod(method: string, params: JsonObject | undefined): JsonObject | undefined {
  if (method === 'ping') return {}
  if (method !== 'logging/setLevel') return undefined
  if (isLoggingLevel(params?.level)) return {}
  throw new ProtocolError(ErrorCode.InvalidParams, '"level" must be a logging level.')
}

/** Serializes a result of a session revision without adding to it. */
export function asItIs(result: JsonObject | RawJson): RawJson {
  return result instanceof RawJson ? result : new RawJson(resultJson(result))
}
