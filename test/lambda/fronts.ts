/** The gateways and load balancers of AWS: the events that they make of requests, and the responses that they make of results. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'

/** `url`: Function URL. `rest`: API Gateway REST. `http`: HTTP API, at a stage with a name. `alb`: load balancer. */
export type Front = 'url' | 'rest' | 'http' | 'alb'

const STAGE = 'live'

export function makeEvent(front: Front, req: IncomingMessage, body: Buffer): object {
  const url = new URL(req.url ?? '', 'http://front')
  const binary = body.length > 0 && !/^(text\/|application\/json)/.test(req.headers['content-type'] ?? '')
  const content = {
    body: body.length === 0 ? null : body.toString(binary ? 'base64' : 'utf8'),
    isBase64Encoded: binary,
  }
  const { cookie, ...others } = req.headers
  const sourceIp = req.socket.remoteAddress
  if (front === 'url' || front === 'http') {
    const stage = front === 'http' ? STAGE : '$default'
    return {
      version: '2.0',
      routeKey: '$default',
      rawPath: front === 'http' ? `/${STAGE}${url.pathname}` : url.pathname,
      rawQueryString: url.search.slice(1),
      headers: Object.fromEntries(Object.entries(others).map(([name, value]) => [name, String(value)])),
      ...(cookie !== undefined && { cookies: cookie.split('; ') }),
      requestContext: { stage, http: { method: req.method, path: url.pathname, sourceIp } },
      ...content,
    }
  }
  const values = pairs(req.rawHeaders)
  const query = [...url.searchParams].map(([name, value]) => [
    name,
    front === 'alb' ? encodeURIComponent(value) : value,
  ])
  return {
    httpMethod: req.method,
    path: url.pathname,
    ...(front === 'rest' && {
      headers: Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all.at(-1)])),
      queryStringParameters: Object.fromEntries(query),
    }),
    multiValueHeaders: front === 'alb' ? { ...values, 'x-forwarded-for': [sourceIp] } : values,
    multiValueQueryStringParameters: query.length > 0 ? pairs(query.flat() as string[]) : null,
    requestContext: front === 'alb' ? { elb: { targetGroupArn: 'arn' } } : { stage: STAGE, identity: { sourceIp } },
    ...content,
  }
}

/** `raw` has names and values in turn. */
function pairs(raw: string[]): Record<string, string[]> {
  const all: Record<string, string[]> = {}
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? ''
    all[name] = [...(all[name] ?? []), raw[i + 1] ?? '']
  }
  return all
}

interface Head {
  statusCode: number
  headers?: Record<string, string>
  multiValueHeaders?: Record<string, string[]>
  cookies?: string[]
}

/** Status and headers are JSON before eight zero bytes. Undefined: there is more to come. */
export function readHead(bytes: Buffer): { status: number; headers: OutgoingHttpHeaders; rest: Buffer } | undefined {
  const end = bytes.indexOf(Buffer.alloc(8))
  if (end < 0) return undefined
  const head = JSON.parse(bytes.subarray(0, end).toString()) as Head
  return { status: head.statusCode, headers: headersOf(head), rest: bytes.subarray(end + 8) }
}

export function readWhole(front: Front, text: string): { status: number; headers: OutgoingHttpHeaders; body: Buffer } {
  const result = JSON.parse(text) as Head & { body?: string; isBase64Encoded?: boolean }
  // A target group with multi-value headers ignores `headers`.
  if (front === 'alb') delete result.headers
  const body = Buffer.from(result.body ?? '', result.isBase64Encoded ? 'base64' : 'utf8')
  return { status: result.statusCode, headers: headersOf(result), body }
}

function headersOf({ headers, multiValueHeaders, cookies = [] }: Head): OutgoingHttpHeaders {
  return { ...headers, ...multiValueHeaders, ...(cookies.length > 0 && { 'set-cookie': cookies }) }
}
