/** The text of a call's response: for its result, for its failure, and where its handler is not called at all. */
import { ErrorCode } from '../../protocol/errors.ts'
import { errorText, type Result, resultText } from '../../protocol/jsonrpc.ts'
import { isList } from '../../protocol/methods.ts'
import { failureResponse } from '../../runtime/error-text.ts'
import type { CallParts } from './host.ts'

/** Hears of failures, where somebody listens. */
type Watch = { failed(error: unknown): void } | undefined

/** It never throws: a result that JSON cannot hold is a failure of the call. */
export function responseTo(parts: CallParts, result: Result, watch: Watch): string {
  try {
    return resultText(parts.request.id, result)
  } catch (error) {
    return failureOf(parts, error, watch)
  }
}

export function failureOf({ host, request }: CallParts, error: unknown, watch: Watch): string {
  watch?.failed(error)
  return failureResponse(error, request, (unknown) => host.instance.report(unknown))
}

/**
 * The refusal of a call beyond the limit of its session. A call that was taken over was counted before. Of the calls on other
 * instances only those count that are registered: one that registers beyond the limit goes on, because its handler runs.
 */
export function refusalOf({ session, host, request, continued }: CallParts): string | undefined {
  const { maxCalls } = host.instance.options
  const running = host.running.of(session.key)
  if (continued?.claimed || (running < maxCalls && !session.busy)) return undefined
  // Lists are short: they are served beside the calls of the session, up to a bound of their own.
  if (isList(request.method) && running < 2 * maxCalls) return undefined
  const message = `This session has ${maxCalls} calls running. Try again when one has ended.`
  return errorText({ code: ErrorCode.ServerError, message }, request.id)
}
