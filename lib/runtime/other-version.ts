/** A call that was begun by another version of its handler. */
import { warning } from '../base/errors.ts'
import type { JsonRpcRequest } from '../protocol/jsonrpc.ts'

/**
 * The versions, in words, where the handler is another one than that which has begun the call. It is run again all the same: a change
 * may keep all steps, and where a step no longer fits the call ends with an error.
 */
export function otherVersion(was: string | undefined, is: string | undefined): string | undefined {
  return was === undefined || is === undefined || was === is ? undefined : `version ${was}, now ${is}`
}

/** The line of the log. */
export function versionWarning({ params }: JsonRpcRequest, versions: string): Error {
  return warning(
    `The tool ${JSON.stringify(params?.name)} goes on with a call that another version of its handler has begun (${versions}): it is ` +
      'run again with what that has kept, and ends with an error where a step no longer fits.',
  )
}
