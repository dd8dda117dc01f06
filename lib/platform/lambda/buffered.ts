/** Responses as a whole, for gateways that do not stream. */
import type { ALBResult, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { Endpoint } from '../../endpoint.ts'
import type { HttpEvent } from './event.ts'
import type { InvocationContext } from './handler.ts'
import { statusAndHeaders } from './headers.ts'
import { invocations, type LambdaOptions } from './invocation.ts'

type Result = APIGatewayProxyStructuredResultV2 & ALBResult

/** For API Gateway HTTP APIs and load balancers, which take the answer as a whole. Exported for tests. */
export function bufferedHandler(endpoint: Endpoint, options: LambdaOptions = {}) {
  const invoke = invocations(endpoint, true, options)
  return async (event: HttpEvent, context: InvocationContext): Promise<Result> => {
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
