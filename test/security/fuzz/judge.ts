/** Sends an input and judges its response: status, text, length, and the CPU time that it took. */
import { PerformanceObserver, performance } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { readEvent } from '../../../lib/platform/lambda/event.ts'
import { Refusal } from '../../../lib/protocol/refusal.ts'
import { ACCEPT_BOTH } from '../../support/raw.ts'
import type { Input } from './inputs.ts'
import { ORIGIN, SECRET, type Target } from './target.ts'

export interface Outcome {
  status: number
  /** Characters of the body. */
  length: number
  /** CPU time of this process without that of its garbage collection, in ms. */
  cpu: number
  /** Undefined: the response is as it should be. */
  fault: string | undefined
}

/** A request under so many bytes has no response over a megabyte. */
const SMALL = 64 * 1024
const LARGE = 1024 * 1024
/** ms. Beyond it the input is sent again, alone. */
const MAX_CPU = 250
const STACK = / {4}at |node_modules|\/lib\/|\.ts:\d/

/** The collections since the process began. Reports come a turn later. */
const collections: { start: number; duration: number }[] = []
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) collections.push({ start: startTime, duration })
  collections.splice(0, Math.max(0, collections.length - 1_000))
}).observe({ entryTypes: ['gc'] })

/** Sends an input, and once more alone where it took long: the process may have compiled or collected meanwhile. */
export async function judge(target: Target, input: Input): Promise<Outcome> {
  let outcome = await once(target, input)
  for (let again = 0; outcome.cpu > MAX_CPU && again < 3; again++) {
    await turn()
    outcome = await once(target, input)
  }
  if (outcome.cpu > MAX_CPU) outcome.fault ??= `${Math.round(outcome.cpu)} ms of CPU`
  return outcome
}

async function once(target: Target, input: Input): Promise<Outcome> {
  const request = requestOf(input)
  // HTTP clients and gateways refuse it.
  if (request === undefined) return { status: 0, length: 0, cpu: 0, fault: undefined }
  const [began, before] = [performance.now(), process.cpuUsage()]
  let response: Response | undefined
  let fault: string | undefined
  let text = ''
  try {
    response = await target[input.endpoint].fetch(request)
    text = await textOf(response)
  } catch (error) {
    fault = `The endpoint threw: ${String(error)}`
  }
  const { user, system } = process.cpuUsage(before)
  const ended = performance.now()
  let cpu = (user + system) / 1_000
  if (cpu > MAX_CPU) {
    await turn()
    for (const { start, duration } of collections) if (start >= began && start <= ended) cpu -= duration
  }
  fault ??= response && faultOf(input, response, text)
  return { status: response?.status ?? 0, length: text.length, cpu, fault }
}

/** The text that comes without a further request: a stream may stay open. */
async function textOf(response: Response): Promise<string> {
  if (response.headers.get('content-type') !== 'text/event-stream') return response.text()
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const next = reader?.read()
    let waiting = 0
    let chunk: Awaited<typeof next> | undefined
    next?.then((read) => {
      chunk = read
    })
    while (chunk === undefined && waiting++ < 20) await turn()
    if (chunk?.value === undefined || text.length > 2 * LARGE) break
    text += decoder.decode(chunk.value, { stream: true })
  }
  await reader?.cancel()
  return text
}

function faultOf(input: Input, response: Response, text: string): string | undefined {
  const { status } = response
  // One request at a time is no load: a budget refuses none.
  if (status >= 500) return `Status ${status}: ${text.slice(0, 200)}`
  if (STACK.test(text) && !STACK.test(written(input))) return `A stack or a path: ${STACK.exec(text)?.[0]}`
  if (text.includes(SECRET)) return 'The secret of another principal'
  const size = Buffer.byteLength(written(input)) + JSON.stringify(input.headers).length
  if (size < SMALL && text.length > LARGE) return `${text.length} characters for ${size}`
  for (const [name, value] of response.headers)
    if (/[\r\n\0]/.test(name + value)) return `The header ${name} has a line break`
  if (status < 400 || input.method === 'HEAD') return undefined
  return errorFault(response, text)
}

const written = ({ body }: Input): string => (body === undefined ? '' : Buffer.from(body).toString())

function errorFault(response: Response, text: string): string | undefined {
  if (response.headers.get('content-type') !== 'application/json') return `Status ${response.status} without JSON`
  const { jsonrpc, error } = JSON.parse(text) as { jsonrpc?: unknown; error?: { code?: unknown; message?: unknown } }
  const isError = jsonrpc === '2.0' && Number.isInteger(error?.code) && typeof error?.message === 'string'
  if (!isError) return `Status ${response.status} without a JSON-RPC error`
  const { status } = response
  if ((status === 429 || status === 503) && !response.headers.has('retry-after'))
    return `Status ${status} without Retry-After`
  return undefined
}

/** A Request; every third one comes as the event of a Function URL. Undefined: no client can send it. */
function requestOf(input: Input): Request | undefined {
  const { method, path, headers, body } = input
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers }
  try {
    const withBody = method !== 'GET' && method !== 'HEAD'
    const made = new Request(ORIGIN + path, {
      method,
      headers: all,
      body: withBody ? ((body ?? null) as string | null) : null,
    })
    if (written(input).length % 3 > 0) return made
  } catch {
    return undefined
  }
  try {
    return readEvent(eventOf(input, all)).request
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) return undefined
    throw error
  }
}

function eventOf({ method, path, body }: Input, headers: Record<string, string>): APIGatewayProxyEventV2 {
  const [rawPath = '', rawQueryString = ''] = path.split('?')
  return {
    version: '2.0',
    rawPath,
    rawQueryString,
    headers: { host: 'mcp.example', ...headers },
    requestContext: { http: { method, sourceIp: '10.0.0.1' }, stage: '$default' },
    body: body === undefined ? undefined : Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
  } as unknown as APIGatewayProxyEventV2
}
