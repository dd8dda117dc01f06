/** The error response of a call that failed. */
import { ErrorCode, ProtocolError } from '../protocol/errors.ts'
import { errorText, type RequestId } from '../protocol/jsonrpc.ts'
import { MissingCapability } from '../server/context/errors.ts'
import { StoreUnavailable } from '../store/store.ts'

/** The call ends since its instance does, or since the platform's time is over. */
export const OUT_OF_TIME = 'This call was not done when the time was over that the platform gives it.'

/**
 * The error response for what a handler threw.
 *
 * @param report hears of what the client is not told in full
 */
export function failureResponse(error: unknown, id: RequestId, report: (error: unknown) => void): string {
  if (error instanceof ProtocolError) return errorText(error.toObject(), id)
  if (error instanceof MissingCapability) {
    const data = { requiredCapabilities: error.requiredCapabilities }
    return errorText({ code: ErrorCode.MissingClientCapability, message: error.message, data }, id)
  }
  report(error)
  const message =
    error instanceof StoreUnavailable ? `The store ${error.predicate}; try again.` : 'The server failed to answer.'
  return errorText({ code: ErrorCode.InternalError, message }, id)
}
