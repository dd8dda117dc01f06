/** What becomes of an error that a handler throws. */
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { features } from '../../protocol/revisions.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { AskPending, MissingCapability } from '../context/errors.ts'

/** True for what the carrier of the call must see as it is, in a tool as anywhere else. */
export function passesThrough(error: unknown, channel: ClientChannel): boolean {
  return (
    error instanceof ProtocolError ||
    error instanceof AskPending ||
    (error instanceof MissingCapability && features(channel.revision).missingCapabilityError)
  )
}

/** The text that the other end may see: the message, never the stack, and nothing of where the store is. */
export function failureText(error: unknown): string {
  if (error instanceof StoreUnavailable) return 'The store did not answer; try again.'
  return error instanceof Error ? error.message || error.name : String(error)
}

/** The error of a handler whose result has no place for errors, as a JSON-RPC error. */
export function asProtocolError(error: unknown, channel: ClientChannel): unknown {
  return passesThrough(error, channel) ? error : new ProtocolError(ErrorCode.InternalError, failureText(error))
}
