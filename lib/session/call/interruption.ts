/** The response of a call that cannot go on, and the reason for which its handler is aborted. */
import { ErrorCode } from '../../protocol/errors.ts'
import { errorText, type RequestId } from '../../protocol/jsonrpc.ts'
import type { StoreUnavailable } from '../../store/store.ts'
import type { Ending } from './state.ts'

interface Interruption {
  reason: string
  /** The response; undefined: there is none. */
  text: string | undefined
}

export const CANCELLED = 'The call was cancelled.'
export const SHUT_DOWN = 'The instance that ran this call was shut down before it was done.'

/** Why a call of another run ends. `owner`: that run; '' where the call was released, by its instance or by one that could not take it over. */
export function lostText(owner: string): string {
  return owner === ''
    ? 'The instance that ran this call has ended before the call was done.'
    : 'The instance that ran this call was lost before it was done; whether it had an effect is unknown.'
}

/** `trouble`: of the store, where the call ends since it is unreachable. */
export function interruption(ending: Ending, id: RequestId, trouble: StoreUnavailable | undefined): Interruption {
  const answer = (code: number, reason: string) => ({ reason, text: errorText({ code, message: reason }, id) })
  switch (ending) {
    case 'cancelled':
      return { reason: CANCELLED, text: undefined }
    case 'gone':
      return { reason: 'The session has ended.', text: undefined }
    case 'lost':
      return answer(ErrorCode.InternalError, 'Another instance has taken the call over.')
    case 'unreachable':
      return answer(ErrorCode.InternalError, `The store ${trouble?.predicate ?? 'failed'}; the call was given up.`)
  }
}
