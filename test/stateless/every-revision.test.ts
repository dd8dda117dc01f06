/** The same handlers for clients of every revision: their users see the same asks, progress and results. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage } from '../support/raw.ts'
import { ALL, body, headers } from './requests.ts'

const SESSIONS = ['2025-03-26', '2025-06-18', '2025-11-25'] as const

function makeServer(): McpServer {
  const server = new McpServer({ name: 'every-revision', version: '1' })
  const result = (text: string) => ({ content: [{ type: 'text' as const, text }] })
  server.registerTool('plain', { inputSchema: z.object({ n: z.number() }) }, ({ n }) => result(`n is ${n}`))
  server.registerTool('throws', {}, () => {
    throw new Error('It did not work.')
  })
  server.registerTool('progress', {}, async (ctx) => {
    for (let i = 1; i <= 3; i++) await ctx.progress(i, 3, `step ${i}`)
    return result('done')
  })
  server.registerTool('sample', {}, async (ctx) => {
    const answer = await ctx.sample({
      messages: [{ role: 'user', content: { type: 'text', text: 'Hi' } }],
      maxTokens: 9,
    })
    const block = Array.isArray(answer.content) ? answer.content[0] : answer.content
    return result(`The model says: ${block?.type === 'text' ? block.text : '?'}`)
  })
  server.registerTool('roots', {}, async (ctx) => result((await ctx.listRoots()).map(({ uri }) => uri).join(' ')))
  server.registerTool('both', {}, async (ctx) => {
    const [roots, sample] = await Promise.all([
      ctx.listRoots(),
      ctx.sample({ messages: [{ role: 'user', content: { type: 'text', text: 'Both' } }], maxTokens: 9 }),
    ])
    return result(`${roots.length} and ${sample.model}`)
  })
  server.registerTool('form', {}, async (ctx) => {
    const first = await ctx.elicit('Who?', z.object({ name: z.string() }))
    if (first.action !== 'accept') return result(`The answer is ${first.action}.`)
    const kept = await ctx.once('kept', () => first.content.name.toUpperCase())
    const second = await ctx.elicit(`Sure, ${kept}?`, z.object({ sure: z.boolean() }))
    return result(`${kept}: ${second.content?.sure}`)
  })
  server.registerTool('handle', {}, async (ctx) => {
    const handle = await ctx.handles.create({ deep: [1, 2] })
    const value = await ctx.handles.get(handle)
    await ctx.handles.delete(handle)
    return result(`${JSON.stringify(value)} then ${JSON.stringify((await ctx.handles.get(handle)) ?? null)}`)
  })
  server.registerTool('user', {}, async (ctx) => {
    const count = ((await ctx.user.get<number>(ctx.revision)) ?? 0) + 1
    await ctx.user.set(ctx.revision, count)
    return result(`visit ${count}`)
  })
  server.registerResource('note', 'note://1', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'a note' }] }))
  server.registerPrompt('greet', { argsSchema: z.object({ name: z.string() }) }, ({ name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Greet ${name}` } }],
  }))
  return server
}

interface Seen {
  /** Methods and messages of the asks. */
  asked: string[]
  progress: number[]
  outcome: unknown
}

type Respond = (method: string, params: { message?: string } | undefined) => object

const answers: Respond = (method, params) => {
  if (method === 'roots/list') return { roots: [{ uri: 'file:///r' }] }
  if (method === 'sampling/createMessage') {
    return { model: 'mm', role: 'assistant', content: { type: 'text', text: 'Hello' } }
  }
  return { action: 'accept', content: params?.message === 'Who?' ? { name: 'Ada' } : { sure: true } }
}

let endpoints: Endpoint[] = []
let turn = 0

beforeAll(() => {
  const store = memoryStore()
  const keys = [Buffer.alloc(32, 1)]
  endpoints = [1, 2, 3].map(() => createEndpoint(makeServer(), { store, keys }))
})
afterAll(async () => {
  for (const endpoint of endpoints) await endpoint.close()
})

/** Sends each request to the next instance. */
function send(message: object, extra: Record<string, string>): Promise<Response> {
  const endpoint = endpoints[turn++ % endpoints.length] as Endpoint
  const init = { method: 'POST', headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...extra } }
  return Promise.resolve(
    endpoint.fetch(new Request('http://localhost/mcp', { ...init, body: JSON.stringify(message) })),
  )
}

/** The members of a response that a client shows to its user. The code of an unknown resource differs by revision. */
function shown({ result, error }: RpcMessage): unknown {
  if (error) return { code: error.code === -32002 ? -32602 : error.code }
  const { content, isError = false, contents, messages } = result
  return { content, isError, contents, messages }
}

async function inSession(version: string, method: string, params: object, respond: Respond): Promise<Seen> {
  const seen: Seen = { asked: [], progress: [], outcome: undefined }
  const opening = { protocolVersion: version, capabilities: ALL, clientInfo: { name: 'c', version: '1' } }
  const opened = await send({ jsonrpc: '2.0', id: 0, method: 'initialize', params: opening }, {})
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  const request = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: { progressToken: 'p' } } }
  const response = await send(request, session)
  if (response.headers.get('content-type') !== 'text/event-stream') {
    seen.outcome = shown((await response.json()) as RpcMessage)
    return seen
  }
  const stream = new EventReader(response)
  for (let message = await stream.message(); message; message = await stream.message()) {
    if (message.method === 'notifications/progress') seen.progress.push(message.params.progress)
    else if (message.method !== undefined && message.id !== undefined) {
      seen.asked.push(`${message.method} ${message.params?.message ?? ''}`)
      const result = respond(message.method, message.params)
      await send({ jsonrpc: '2.0', id: message.id, result }, session)
    } else if (message.id === 1) seen.outcome = shown(message)
  }
  return seen
}

async function stateless(method: string, params: object, respond: Respond): Promise<Seen> {
  const seen: Seen = { asked: [], progress: [], outcome: undefined }
  let extra: object = {}
  for (let round = 0; round < 6; round++) {
    const request = { id: round, method, params: { ...params, ...extra }, meta: { progressToken: 'p' } }
    const response = await send(body(request), headers(request))
    let last: RpcMessage | undefined
    if (response.headers.get('content-type') === 'text/event-stream') {
      for (const message of await new EventReader(response).rest()) {
        if (message.method === 'notifications/progress') seen.progress.push(message.params.progress)
        else last = message
      }
    } else last = (await response.json()) as RpcMessage
    if (last?.result?.resultType !== 'input_required') {
      seen.outcome = shown(last ?? { jsonrpc: '2.0' })
      return seen
    }
    const requests = last.result.inputRequests as Record<string, { method: string; params?: { message?: string } }>
    const inputResponses: Record<string, object> = {}
    for (const [key, ask] of Object.entries(requests)) {
      seen.asked.push(`${ask.method} ${ask.params?.message ?? ''}`)
      inputResponses[key] = respond(ask.method, ask.params)
    }
    extra = { inputResponses, requestState: last.result.requestState }
  }
  return seen
}

const call = (name: string, args: object = {}) => ['tools/call', { name, arguments: args }] as const

describe('a client of every revision sees the same for', () => {
  test.each([
    ['a result', ...call('plain', { n: 3 })],
    ['a tool that throws', ...call('throws')],
    ['arguments that do not fit', ...call('plain', { n: 'x' })],
    ['an unknown tool', ...call('none')],
    ['progress', ...call('progress')],
    ['a question to the model', ...call('sample')],
    ['the roots', ...call('roots')],
    ['two questions at once', ...call('both')],
    ['a handle', ...call('handle')],
    ['what is kept for the user', ...call('user')],
    ['a resource', 'resources/read', { uri: 'note://1' }],
    ['a resource that is not there', 'resources/read', { uri: 'note://2' }],
    ['a prompt', 'prompts/get', { name: 'greet', arguments: { name: 'Ada' } }],
    ['an unknown prompt', 'prompts/get', { name: 'none' }],
  ])('%s', async (_what, method, params) => {
    const expected = await stateless(method, params, answers)
    expect(expected.outcome).toBeDefined()
    for (const version of SESSIONS) expect(await inSession(version, method, params, answers), version).toEqual(expected)
  })

  test.each(['accept', 'decline', 'cancel'])('a form: %s', async (action) => {
    const respond: Respond = (method, params) => (action === 'accept' ? answers(method, params) : { action })
    const expected = await stateless('tools/call', { name: 'form', arguments: {} }, respond)
    expect(expected.asked).toHaveLength(action === 'accept' ? 2 : 1)
    // Forms came with 2025-06-18.
    for (const version of SESSIONS.slice(1)) {
      expect(await inSession(version, 'tools/call', { name: 'form', arguments: {} }, respond), version).toEqual(
        expected,
      )
    }
  })
})
