/** A process that answers requests of its own by one handler, without sockets, and reports what they cost. */
import { ECHO } from '../tools.ts'
import { type Fetch, type HandlerName, handlerOf } from './handlers.ts'

export interface Job {
  handler: HandlerName
  tools: number
  workload: 'call' | 'list'
}

/** `run`: serves for so many ms. `sessions`: opens so many, with a call in each. */
export type Order = { run: number } | { sessions: number }

/** `cpu`: us per request. `bytes`: heap and buffers, after garbage collection. */
export type Measured = { cpu: number } | { bytes: number } | { ready: true } | { error: string }

const REVISION = '2025-11-25'
const TEXT = 'The quick brown fox jumps over the lazy dog.'
const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': REVISION,
}

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: REVISION,
    capabilities: { elicitation: {}, roots: {} },
    clientInfo: { name: 'bench', version: '1.0.0' },
  },
}
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: ECHO, arguments: { text: TEXT } } }
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
const EXPECTED = { call: /quick brown fox/, list: /listed_49/ }

const job = JSON.parse(process.env.BENCH_JOB ?? '{}') as Job
const fetch = await handlerOf(job.handler, job.tools)
const kept: string[] = []

function request(text: string, session: string | undefined): Request {
  const headers = session === undefined ? HEADERS : { ...HEADERS, 'mcp-session-id': session }
  return new Request('http://127.0.0.1/mcp', { method: 'POST', headers, body: text })
}

/** @returns its id; undefined: the handler has no sessions */
async function openSession(fetch: Fetch): Promise<string | undefined> {
  const response = await fetch(request(JSON.stringify(initialize), undefined))
  await response.text()
  const session = response.headers.get('mcp-session-id') ?? undefined
  const initialized = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await (await fetch(request(initialized, session))).text()
  return session
}

async function send(text: string, session: string | undefined): Promise<string> {
  const response = await fetch(request(text, session))
  const body = await response.text()
  if (response.status !== 200) throw new Error(`Got ${response.status}: ${body.slice(0, 300)}`)
  return body
}

async function serve(ms: number): Promise<number> {
  const text = JSON.stringify(job.workload === 'call' ? call : list)
  const session = kept[0]
  const first = await send(text, session)
  if (!EXPECTED[job.workload].test(first)) throw new Error(`Got ${first.slice(0, 300)}`)
  const begin = process.cpuUsage()
  const end = performance.now() + ms
  let requests = 0
  do {
    await send(text, session)
    requests++
  } while (performance.now() < end)
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / requests
}

async function openSessions(count: number): Promise<number> {
  const text = JSON.stringify(call)
  for (let n = 0; n < count; n++) {
    const session = await openSession(fetch)
    if (session !== undefined) kept.push(session)
    await send(text, session)
  }
  const { gc } = globalThis as { gc?: () => void }
  gc?.()
  gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const answer = (measured: Measured) => process.send?.(measured)
process.on('message', async (order: Order) => {
  try {
    answer('run' in order ? { cpu: await serve(order.run) } : { bytes: await openSessions(order.sessions) })
  } catch (error) {
    answer({ error: String(error) })
  }
})
process.on('disconnect', () => process.exit(0))

const session = await openSession(fetch)
if (session !== undefined) kept.push(session)
answer({ ready: true })
