/** The outcome of a task: its text in the store, and what a client gets of it. */
import { asError } from '../base/errors.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { isObject, type JsonObject, type JsonRpcErrorObject, type Result, resultText } from '../protocol/jsonrpc.ts'
import { failureResponse } from '../runtime/error-text.ts'
import type { TaskEnd } from '../store/tasks.ts'
import { MAX_MESSAGE, MAX_OUTCOME } from './terms.ts'

interface Outcome {
  result?: JsonObject
  error?: JsonRpcErrorObject
}

/**
 * What a handler returned or threw, as a response would have it.
 *
 * @param report receives the errors whose cause the client is not sent in full
 */
export function endOf(method: string, returned: Result | Error, report: (error: unknown) => void): TaskEnd {
  let text: string
  try {
    if (returned instanceof Error) throw returned
    text = resultText(0, returned)
  } catch (error) {
    text = failureResponse(asError(error), { id: 0, method }, report)
  }
  if (text.length > MAX_OUTCOME) return failed(`The result is over ${MAX_OUTCOME} characters, which no task keeps.`)
  const { result, error }: JsonObject = JSON.parse(text)
  if (isObject(result)) return { kind: 'completed', outcome: JSON.stringify({ result }) }
  return failedWith(error as JsonRpcErrorObject)
}

export function failed(message: string): TaskEnd {
  return failedWith({ code: ErrorCode.InternalError, message })
}

function failedWith(error: JsonRpcErrorObject): TaskEnd {
  return { kind: 'failed', outcome: JSON.stringify({ error }), message: error.message.slice(0, MAX_MESSAGE) }
}

/** Reads an outcome. Without a text the runs of the task were lost. */
export function outcomeOf(text: string | undefined): Outcome {
  if (text !== undefined) return JSON.parse(text) as Outcome
  return { error: { code: ErrorCode.InternalError, message: LOST } }
}

/** Why a task failed that did not fail by itself. */
export const LOST =
  'The instance that ran this task was lost, or its time was over, and the task was not run again: its tool must not run again, or was lost too often without a step of progress.'
