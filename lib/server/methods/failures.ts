/** Errors that a handler throws, as the client may see them. */
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { features } from '../../protocol/revisions.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { AskPending, MissingCapability } from '../context/errors.ts'

/** True for an error that the call itself handles, in a tool as in any other method. */
export function passesThrough(error: unknown, channel: ClientChannel): boolean {
  return (
    error instanceof ProtocolError ||
    error instanceof AskPending ||
    (error instanceof MissingCapability && features(channel.revision).missingCapabilityError)
  )
}

/** The text that the client may see: the message, never the stack, and no address of the store. */
export function failureText(error: unknown): string {
  if (error instanceof StoreUnavailable) return 'The store did not answer; try again.'
  return error instanceof Error ? error.message || error.name : String(error)
}

/** The JSON-RPC error for an error of a handler, where the result of the method has no place for errors. */
export function asProtocolError(error: unknown, channel: ClientChannel): unknown {
  return passesThrough(error, channel) ? error : new ProtocolError(ErrorCode.InternalError, failureText(error))
}
