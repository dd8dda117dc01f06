/** The event of a Function URL, of API Gateway or of a load balancer, as a Request. */
import type { ALBEvent, APIGatewayProxyEvent, APIGatewayProxyEventV2 } from 'aws-lambda'

import { ErrorCode } from '../../protocol/errors.ts'
import { Refusal } from '../../protocol/refusal.ts'
import { targetProblem } from '../target.ts'

/** Payload 2.0 (Function URL, HTTP API), payload 1.0 (REST API) or an ALB's own. */
export type HttpEvent = APIGatewayProxyEventV2 | APIGatewayProxyEvent | ALBEvent

export interface Incoming {
  request: Request
  /** The address of the client, as the gateway has it. */
  address: string | undefined
  /** Payload 1.0, or a load balancer with multi-value headers: the result needs multi-value headers too. */
  multiValue: boolean
  /** What the gateway has cut off at the begin of the path: the name of its stage. */
  mountedAt?: string
}

/**
 * Reads an event.
 * @throws Refusal 400 for a host or a path that cannot be read
 * @throws TypeError where the event is no HTTP request
 */
export function readEvent(event: HttpEvent): Incoming {
  return isV2(event) ? readV2(event) : readV1(event)
}

function isV2(event: HttpEvent): event is APIGatewayProxyEventV2 {
  return 'version' in event && event.version === '2.0'
}

function readV2(event: APIGatewayProxyEventV2): Incoming {
  const { http, stage } = event.requestContext
  const headers = new Headers()
  for (const [name, value] of Object.entries(event.headers)) if (value !== undefined) headers.set(name, wire(value))
  if (event.cookies && event.cookies.length > 0) headers.set('cookie', wire(event.cookies.join('; ')))
  // An HTTP API puts the name of its stage before the path; a Function URL has no stage.
  const staged = event.rawPath.startsWith(`/${stage}/`)
  const path = staged ? event.rawPath.slice(stage.length + 1) : event.rawPath
  const query = event.rawQueryString === '' ? '' : `?${event.rawQueryString}`
  return {
    request: newRequest(http.method, path, query, headers, event),
    address: http.sourceIp,
    multiValue: false,
    ...(staged && { mountedAt: `/${stage}` }),
  }
}

function readV1(event: APIGatewayProxyEvent | ALBEvent): Incoming {
  const headers = new Headers()
  const several = event.multiValueHeaders
  if (several) {
    for (const [name, values] of Object.entries(several))
      for (const value of values ?? []) headers.append(name, wire(value))
  } else {
    for (const [name, value] of Object.entries(event.headers ?? {}))
      if (value !== undefined) headers.set(name, wire(value))
  }
  const { requestContext } = event
  const balanced = 'elb' in requestContext
  return {
    request: newRequest(event.httpMethod, event.path, queryOf(event, balanced), headers, event),
    address: balanced ? headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() : requestContext.identity.sourceIp,
    multiValue: several != null,
    ...(!balanced && { mountedAt: cutOff(requestContext.path, event.path) }),
  }
}

/** A REST API gives the path with its stage, as the client sent it, and without. The path of a custom domain is the same. */
function cutOff(whole: string | undefined, path: string): string {
  return whole?.endsWith(path) ? whole.slice(0, whole.length - path.length) : ''
}

/** The value of a header as an HTTP server reads it: each byte is one character. */
function wire(value: string): string {
  return /[^\0-\xff]/.test(value) ? Buffer.from(value).toString('latin1') : value
}

/** API Gateway decodes the query, a load balancer does not. */
function queryOf(event: APIGatewayProxyEvent | ALBEvent, encoded: boolean): string {
  const single = Object.entries(event.queryStringParameters ?? {}).map(
    ([name, value]) => [name, [value ?? '']] as const,
  )
  const pairs = event.multiValueQueryStringParameters ? Object.entries(event.multiValueQueryStringParameters) : single
  const parts = pairs.flatMap(([name, values]) => (values ?? []).map((value) => [name, value] as const))
  if (parts.length === 0) return ''
  return `?${parts.map((part) => part.map(encoded ? String : encodeURIComponent).join('=')).join('&')}`
}

function newRequest(
  method: string,
  givenPath: string,
  query: string,
  headers: Headers,
  { body, isBase64Encoded }: { body?: string | null; isBase64Encoded: boolean },
): Request {
  const host = headers.get('host') ?? 'lambda.invalid'
  const path = givenPath.startsWith('/') ? givenPath : `/${givenPath}`
  const problem = targetProblem(host, path)
  if (problem !== undefined) throw new Refusal(400, ErrorCode.InvalidRequest, problem)
  const init: RequestInit = { method, headers }
  // No server has compared the length that the client announced with the body.
  headers.delete('content-length')
  // A Request cannot have a body with GET or HEAD, where it has no meaning anyway.
  if (body && method !== 'GET' && method !== 'HEAD') {
    init.body = isBase64Encoded ? Buffer.from(body, 'base64') : body
    headers.set('content-length', String(Buffer.byteLength(init.body)))
  }
  return new Request(`https://${host}${path}${query.replaceAll('#', '%23')}`, init)
}
