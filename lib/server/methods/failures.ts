/** Errors that a handler throws, as the client may see them. */
import { asError, textOf } from '../../base/errors.ts'
import { ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import { features } from '../../protocol/revisions.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { AskPending, MissingCapability } from '../context/errors.ts'
import { withFault } from '../context/fault.ts'
import type { MethodHandler } from './method.ts'

/** True for an error that the call itself handles, in a tool as in any other method. */
export function passesThrough(error: Error, channel: ClientChannel): boolean {
  return (
    error instanceof ProtocolError ||
    error instanceof AskPending ||
    (error instanceof MissingCapability && features(channel.revision).missingCapabilityError)
  )
}

/** The text that the client may see: the message, never the stack, and no address of the store. */
export function failureText(error: Error): string {
  if (error instanceof StoreUnavailable) return `The store ${error.predicate}; try again.`
  return textOf(error)
}

/** `run` with the errors of authors' functions as JSON-RPC errors: its result has no place for errors. */
export function withProtocolErrors(run: MethodHandler): MethodHandler {
  return (registry, params, channel, ctx) => {
    const result = run(registry, params, channel, ctx)
    if (!(result instanceof Promise)) return result
    return result.catch((thrown: unknown) => {
      const error = asError(thrown)
      if (passesThrough(error, channel)) throw error
      throw withFault(new ProtocolError(ErrorCode.InternalError, failureText(error)), 'exception', error)
    })
  }
}
