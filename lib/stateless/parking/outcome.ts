/** What a handler returned or threw, as its instance sends it to the retry. */
import { asError } from '../../base/errors.ts'
import { isObject, type JsonObject, type Result, resultText } from '../../protocol/jsonrpc.ts'
import { failureResponse } from '../../runtime/error-text.ts'
import type { LegEnd } from '../../runtime/mail.ts'

interface Outcome {
  end: Extract<LegEnd, { response: unknown }>
  /** Characters of it as JSON. */
  size: number
}

/** @param report receives the errors whose cause the client is not sent in full */
export function outcomeOf(method: string, returned: Result | Error, report: (error: unknown) => void): Outcome {
  let text: string
  try {
    if (returned instanceof Error) throw returned
    text = resultText(0, returned)
  } catch (error) {
    text = failureResponse(asError(error), { id: 0, method }, report)
  }
  const { result, error }: JsonObject = JSON.parse(text)
  const response = isObject(result) ? { result } : { error: error as { code: number; message: string } }
  return { end: { response }, size: text.length }
}
