/** Errors that a handler throws, as the client may see them. */
import { asError, textOf } from '../../base/errors.ts'
import { ErrorCode, OfficialError, officialError, ProtocolError } from '../../protocol/errors.ts'
import { features } from '../../protocol/revisions.ts'
import { StoreUnavailable } from '../../store/store.ts'
import type { ClientChannel } from '../context/client-channel.ts'
import { AskError, AskPending, MissingCapability } from '../context/errors.ts'
import { withFault } from '../context/fault.ts'
import { asksSent } from '../context/on-demand.ts'
import type { MethodHandler } from './method.ts'

/**
 * The error that the call itself handles, for what a handler threw; undefined where it is for the method's result. An error
 * of the official SDK keeps its code and data. As there, it is a JSON-RPC error for a tool only where a page must be opened.
 */
export function passing(thrown: unknown, channel: ClientChannel, isTool: boolean): Error | undefined {
  const error = asError(thrown)
  if (error instanceof AskPending) return error
  if (error instanceof MissingCapability) {
    return features(channel.revision).missingCapabilityError ? error : undefined
  }
  // Its code is that of the client's answer: "method not found" would be read as a method that this server does not have.
  if (error instanceof AskError) return undefined
  const known = error instanceof ProtocolError ? error : officialError(thrown)
  if (known === undefined) return undefined
  if (isTool && known instanceof OfficialError && known.code !== ErrorCode.UrlElicitationRequired) return undefined
  return forRevision(known, channel)
}

/** The stateless revision has no error for a page to open, and another code for a resource that does not exist. */
function forRevision(error: ProtocolError, { revision }: ClientChannel): ProtocolError {
  const { sessions, resourceNotFoundCode } = features(revision)
  if (error.code === ErrorCode.UrlElicitationRequired && !sessions) {
    const message = `${revision} has no error that opens a page (UrlElicitationRequired): call ctx.elicitUrl, which works in every revision.`
    return withFault(new ProtocolError(ErrorCode.InternalError, message), 'exception', error)
  }
  if (error.code === ErrorCode.ResourceNotFound && !resourceNotFoundCode) {
    return new ProtocolError(ErrorCode.InvalidParams, error.message, error.data)
  }
  return error
}

/** What a handler threw, to be read and shown. An object in the shape of an error has a message, too. */
export function readable(thrown: unknown): Error {
  const error = asError(thrown)
  return error === thrown ? error : (officialError(thrown) ?? error)
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
    return result.finally(asksSent).catch((thrown: unknown) => {
      const passed = passing(thrown, channel, false)
      if (passed) throw passed
      const error = readable(thrown)
      throw withFault(new ProtocolError(ErrorCode.InternalError, failureText(error)), 'exception', error)
    })
  }
}
