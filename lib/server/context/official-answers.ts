/** The answers of clients as the official SDK gives them to handlers. Loaded with the first of them. */
import { handled } from '../../base/promises.ts'
import { ErrorCode, McpError } from '../../protocol/errors.ts'
import { isObject, type JsonObject } from '../../protocol/jsonrpc.ts'
import { AskError } from './errors.ts'
import type { ResultSchema } from './official-types.ts'

/** The answer, or the error that the official SDK has in its place. */
export async function answerOf<T>(asking: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await (signal ? untilAborted(asking, signal) : asking)
  } catch (error) {
    if (!(error instanceof AskError)) throw error
    const { InvalidParams, ConnectionClosed, RequestTimeout, InternalError } = ErrorCode
    const codes = { refused: error.code ?? InternalError, timeout: RequestTimeout, unreachable: ConnectionClosed }
    throw new McpError(error.reason === 'invalid' ? InvalidParams : codes[error.reason], error.message, error.data)
  }
}

function untilAborted<T>(asking: Promise<T>, signal: AbortSignal): Promise<T> {
  handled(asking)
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(new McpError(ErrorCode.RequestTimeout, String(signal.reason)))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  // The abort comes first: the ask that it cancels fails, too.
  return Promise.race([handled(promise), asking]).finally(() => signal.removeEventListener('abort', abort))
}

export async function parsedBy(schema: ResultSchema, answer: JsonObject, method: string): Promise<unknown> {
  if ('~standard' in schema) {
    const outcome = await schema['~standard'].validate(answer)
    if (!isObject(outcome) || outcome.issues === undefined) return isObject(outcome) ? outcome.value : undefined
    const [first] = Array.isArray(outcome.issues) ? outcome.issues : []
    const why = isObject(first) && typeof first.message === 'string' ? `: ${first.message}` : ''
    throw new McpError(ErrorCode.InvalidParams, `The client's answer to ${method} does not fit the schema${why}`)
  }
  if (!('safeParse' in schema)) return schema.parse(answer)
  const outcome = await schema.safeParse(answer)
  if (isObject(outcome) && outcome.success === true) return outcome.data
  throw isObject(outcome) ? outcome.error : outcome
}
