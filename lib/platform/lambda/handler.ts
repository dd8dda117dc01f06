/** One invocation of a function: wake up, answer, write what is owed, and only then let the environment be frozen. */
import type { ALBResult, APIGatewayProxyStructuredResultV2, Context, Handler, StreamifyHandler } from 'aws-lambda'
import type { Endpoint } from '../../endpoint.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { errorText } from '../../protocol/jsonrpc.ts'
import type { RequestLog } from '../log.ts'
import type { HttpEvent, Incoming } from './event.ts'
import { readEvent } from './event.ts'
import { statusAndHeaders } from './headers.ts'
import { sendResponse } from './stream.ts'

export interface LambdaOptions {
  log?: RequestLog | undefined
  /** How long the front door waits for an answer, in ms, where that is less than the function has. */
  responseLimit?: number | undefined
}

/** The time that is left to end an invocation in good order, in ms. */
const LAST_MOMENT = 500
/** How long an invocation whose response failed goes on, in ms: the client is told by its end. */
const AFTER_FAILURE = 1_000

/** For a Function URL with `RESPONSE_STREAM` and for API Gateway REST with `STREAM`. */
export function streamingHandler(endpoint: Endpoint, options: LambdaOptions = {}): StreamifyHandler<HttpEvent, void> {
  const invoke = invocations(endpoint, false, options)
  return awslambda.streamifyResponse((event, out, context) =>
    invoke(event, context, (response, { request }) => sendResponse(response, request.method, out)),
  )
}

type Result = APIGatewayProxyStructuredResultV2 & ALBResult

/** For API Gateway HTTP APIs and load balancers, which take the answer as a whole. */
export function bufferedHandler(endpoint: Endpoint, options: LambdaOptions = {}): Handler<HttpEvent, Result> {
  const invoke = invocations(endpoint, true, options)
  return async (event, context) => {
    let result: Result | undefined
    await invoke(event, context, async (response, { request, multiValue }) => {
      result = await wholeResponse(response, request.method, multiValue)
    })
    return result as Result
  }
}

async function wholeResponse(response: Response, method: string, multiValue: boolean): Promise<Result> {
  const { statusCode, headers, cookies } = statusAndHeaders(response)
  const bytes = method === 'HEAD' ? Buffer.alloc(0) : Buffer.from(await response.arrayBuffer())
  const isText = /^(text\/|application\/(json|.*\+json)\b)/.test(headers['content-type'] ?? 'text/plain')
  const body = isText ? bytes.toString() : bytes.toString('base64')
  if (!multiValue) {
    // API Gateway refuses members that a payload does not have, and 1.0 has no cookies.
    return { statusCode, headers, ...(cookies.length > 0 && { cookies }), body, isBase64Encoded: !isText }
  }
  const several = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
  const multiValueHeaders = cookies.length > 0 ? { ...several, 'set-cookie': cookies } : several
  return { statusCode, multiValueHeaders, body, isBase64Encoded: !isText }
}

type Send = (response: Response, incoming: Incoming) => Promise<void>

/** What the two have in common. */
function invocations(endpoint: Endpoint, whole: boolean, { log, responseLimit }: LambdaOptions) {
  let running = 0
  let asleepSince: number | undefined
  return async (event: HttpEvent, context: Context, send: Send): Promise<void> => {
    if (running++ === 0 && asleepSince !== undefined) endpoint.wake(Date.now() - asleepSince)
    const end = Date.now() + context.getRemainingTimeInMillis()
    const deadline = responseLimit === undefined ? end : Math.min(end, Date.now() + responseLimit)
    // A whole answer leaves when all is done, and must not come too late for the front door.
    let patience = (whole ? deadline : end) - LAST_MOMENT
    try {
      await answer(endpoint, event, context.awsRequestId, deadline, log, send)
    } catch (error) {
      patience = Math.min(patience, Date.now() + AFTER_FAILURE)
      throw error
    } finally {
      // The last one sees to it that nothing is left that a frozen environment would sit on.
      if (running === 1) await before(patience, endpoint.rest())
      running--
      asleepSince = Date.now()
    }
  }
}

async function answer(
  endpoint: Endpoint,
  event: HttpEvent,
  id: string,
  deadline: number,
  log: RequestLog | undefined,
  send: Send,
): Promise<void> {
  let incoming: Incoming
  try {
    incoming = readEvent(event)
  } catch {
    const body = errorText({ code: ErrorCode.InvalidRequest, message: 'The event is no HTTP request.' })
    const response = new Response(body, { status: 400, headers: { 'Content-Type': 'application/json' } })
    return send(response, { request: new Request('https://lambda.invalid'), address: undefined, multiValue: false })
  }
  const { request, address } = incoming
  const line = log?.begin(request.method, id)
  const incomingMessage = { socket: { remoteAddress: address } }
  const response = await endpoint.fetch(request, { deadline, incoming: incomingMessage, note: line?.note })
  try {
    await send(response, incoming)
  } finally {
    line?.end(response.status)
  }
}

/** Waits for `work`, but not beyond `until` (ms since 1970). */
async function before(until: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  // A timer that counts: with nothing else to wait for, Node would take the process for done.
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, until - Date.now()))
  })
  try {
    await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
