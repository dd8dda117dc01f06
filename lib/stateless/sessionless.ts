/**
 * Requests of the session revisions that come without a session, for clients that lose its id. They are served by
 * themselves, as stateless requests are: no session values, no asks, no event ids, and nothing is kept.
 */
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import type { JsonObject, RequestId } from '../protocol/jsonrpc.ts'
import { RawJson } from '../protocol/jsonrpc.ts'
import type { SessionRevision } from '../protocol/revisions.ts'
import { isLoggingLevel } from '../protocol/types.ts'
import type { Caller } from '../runtime/caller.ts'
import type { SharedParts } from '../runtime/handler-channel.ts'
import type { Ask, ClientView } from '../server/context/client-channel.ts'
import { AskError } from '../server/context/errors.ts'
import type { SendMessage } from './run.ts'
import { Run } from './run.ts'

export class SessionlessCall extends Run {
  readonly revision: SessionRevision
  /** Nothing is known of the client. */
  readonly client: ClientView = { info: undefined, capabilities: {} }

  constructor(shared: SharedParts, caller: Caller, id: RequestId, revision: SessionRevision, send: SendMessage) {
    super(shared, caller, id, send)
    this.revision = revision
  }

  wants(): boolean {
    return true
  }

  ask({ method }: Ask): Promise<JsonObject> {
    return Promise.reject(new AskError('unreachable', `${method}: without a session the client cannot be asked.`))
  }
}

/** What the session's own methods answer where there is none. Undefined: the method is the server's. */
export function sessionlessMethod(method: string, params: JsonObject | undefined): JsonObject | undefined {
  if (method === 'ping') return {}
  if (method !== 'logging/setLevel') return undefined
  if (isLoggingLevel(params?.level)) return {}
  throw new ProtocolError(ErrorCode.InvalidParams, '"level" must be a logging level.')
}

/** A result of a session revision goes out as it is. */
export function asItIs(result: JsonObject | RawJson): RawJson {
  return result instanceof RawJson ? result : new RawJson(JSON.stringify(result))
}
