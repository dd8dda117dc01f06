/** What the store, or another instance, can end a call with, and what its client is answered. */
import { ErrorCode } from '../../protocol/errors.ts'
import type { RequestId } from '../../protocol/jsonrpc.ts'
import { errorText } from '../../protocol/jsonrpc.ts'
import type { CallEvent } from './state.ts'

export interface Interruption {
  event: CallEvent
  /** Why the handler is aborted. */
  reason: string
  /** The response; undefined: there is none. */
  text: string | undefined
}

/** How a call ends that cannot go on: see the replies of `Store.append`. unreachable: the store did not answer. */
export type Ending = 'lost' | 'cancelled' | 'taken' | 'full' | 'gone' | 'unreachable'

export const CANCELLED = 'The call was cancelled.'

/** `maxCalls`: how many calls a session may have at once. */
export function interruption(ending: Ending, id: RequestId, maxCalls: number): Interruption {
  const answer = (event: CallEvent, code: number, reason: string): Interruption => {
    return { event, reason, text: errorText({ code, message: reason }, id) }
  }
  switch (ending) {
    case 'cancelled':
      return { event: 'cancelled', reason: CANCELLED, text: undefined }
    case 'gone':
      return { event: 'sessionEnded', reason: 'The session has ended.', text: undefined }
    case 'lost':
      return answer('lost', ErrorCode.InternalError, 'Another instance has taken the call over.')
    case 'unreachable':
      return answer('unreachable', ErrorCode.InternalError, 'The store could not be reached; the call was given up.')
    case 'full': {
      const message = `This session has ${maxCalls} calls running. Try again when one has ended.`
      return answer('full', ErrorCode.ServerError, message)
    }
    case 'taken': {
      const message = `Request id ${JSON.stringify(id)} is in use by another call of this session.`
      return answer('taken', ErrorCode.InvalidRequest, message)
    }
  }
}
