/** The response of a call that failed. */
import { asError } from '../base/errors.ts'
import { NotJson } from '../base/to-json.ts'
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import {
  errorText,
  type JsonRpcErrorObject,
  type JsonRpcRequest,
  type Result,
  resultText,
} from '../protocol/jsonrpc.ts'
import { METHODS } from '../protocol/methods.ts'
import { MissingCapability, toolError } from '../server/context/errors.ts'
import { StoreUnavailable } from '../store/store.ts'

/** The call ends since its instance does, or since the platform's time is over. */
export const OUT_OF_TIME = 'This call was not done when the time was over that the platform gives it.'

/** Characters of messages that a call may have waiting, for its stream or for the store. */
export const MAX_UNSENT = 16 * 1024 * 1024

/** The call ends since its handler did not wait when it should. */
export const TOO_MUCH =
  'The handler sent more messages than can wait for the client: it must await ctx.log, ctx.progress and ctx.notify.'

/**
 * The response for what a handler threw, or for a result that JSON cannot hold: for a tool that is a result with
 * `isError`, which the model can read. It never throws.
 *
 * @param report receives the errors whose cause the client is not sent in full
 * @param complete makes a result complete, as the revision has it
 */
export function failureResponse(
  thrown: unknown,
  { id, method }: Pick<JsonRpcRequest, 'id' | 'method'>,
  report: (error: unknown) => void,
  complete: (result: Result) => Result = (result) => result,
): string {
  const error = asError(thrown)
  const { InternalError, MissingClientCapability } = ErrorCode
  if (error instanceof ProtocolError) return protocolErrorText(error, id, report)
  if (error instanceof MissingCapability) {
    const data = { requiredCapabilities: error.requiredCapabilities }
    return errorText({ code: MissingClientCapability, message: error.message, data }, id)
  }
  report(error)
  if (error instanceof NotJson) {
    const { message } = error
    if (METHODS.get(method)?.about === 'tool') return resultText(id, complete(toolError(message)))
    return errorText({ code: InternalError, message }, id)
  }
  const message =
    error instanceof StoreUnavailable ? `The store ${error.predicate}; try again.` : 'The server failed to answer.'
  return errorText({ code: InternalError, message }, id)
}

/** The author's code and data may be anything: what JSON cannot hold is left out and reported. */
function protocolErrorText(error: ProtocolError, id: JsonRpcRequest['id'], report: (error: unknown) => void): string {
  const { message } = error
  try {
    const object: JsonRpcErrorObject = error.toObject()
    if (Number.isSafeInteger(object.code)) return errorText(object, id)
    report(new TypeError(`A ProtocolError needs an integer as its code: ${message}`))
  } catch (fault) {
    report(fault)
  }
  return errorText({ code: Number.isSafeInteger(error.code) ? error.code : ErrorCode.InternalError, message }, id)
}
