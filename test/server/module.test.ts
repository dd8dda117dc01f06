/** A module adds methods to a server: they are served in every revision, as their rows allow. */
import { describe, expect, it } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import { Context } from '../../lib/server/context/context.ts'
import { durabilityOf } from '../../lib/server/dispatcher.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { type Module, withModule } from '../../lib/server/module.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { body, headers, VERSION } from '../stateless/requests.ts'
import { ACCEPT_BOTH, type RpcMessage } from '../support/raw.ts'
import { fakeChannel } from './fake-channel.ts'

const EXTENSION = 'example.com/notes'
const FORM = { type: 'object', properties: { a: { type: 'string' } } } as const

const notes: Module = {
  methods: {
    'notes/get': { mirrored: 'noteId' },
    'notes/ask': { asks: 'in sessions', runsAgain: 'always' },
  },
  capabilities: { extensions: { [EXTENSION]: {} }, experimental: { notes: {} } },
  async dispatch(method, params, channel) {
    const { action } = method === 'notes/ask' || params?.ask ? await new Context(channel, params).elicit('?', FORM) : {}
    return { method, noteId: params?.noteId ?? null, revision: channel.revision, ...(action && { action }) }
  },
}

const NEVER = { suspendAfter: 0, suspend: 'durable' } as const

function build() {
  const capabilities = { extensions: { 'example.com/own': { a: 1 } } }
  const server = new McpServer({ name: 'test', version: '1' }, { capabilities })
  server.registerTool('a', { annotations: { readOnlyHint: true } }, () => ({ content: [] }))
  return withModule(dispatcherOf(server), notes)
}

async function post(endpoint: ReturnType<typeof createEndpoint>, message: object, more: Record<string, string> = {}) {
  const init = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...more }
  const request = new Request('http://localhost/mcp', { method: 'POST', headers: init, body: JSON.stringify(message) })
  const response = await endpoint.fetch(request)
  return { response, answer: (await response.json()) as RpcMessage }
}

async function openSession(endpoint: ReturnType<typeof createEndpoint>, protocolVersion: string) {
  const clientInfo = { name: 'test', version: '1' }
  const params = { protocolVersion, capabilities: {}, clientInfo }
  const { response, answer } = await post(endpoint, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  return { session: { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }, result: answer.result }
}

describe('a method of a module', () => {
  it('is served in a session', async () => {
    const endpoint = createEndpoint(build())
    const { session } = await openSession(endpoint, '2025-11-25')
    const message = { jsonrpc: '2.0', id: 1, method: 'notes/get', params: { noteId: 'n' } }
    const { answer } = await post(endpoint, message, session)
    expect(answer.result).toEqual({ method: 'notes/get', noteId: 'n', revision: '2025-11-25' })
    await endpoint.close()
  })

  it('is served in the stateless revision, where Mcp-Name repeats the parameter that its row names', async () => {
    const endpoint = createEndpoint(build())
    const request = { method: 'notes/get', params: { noteId: 'n' } }
    const { answer } = await post(endpoint, body(request), { ...headers(request), 'mcp-name': 'n' })
    expect(answer.result).toMatchObject({ resultType: 'complete', noteId: 'n', revision: VERSION })
    for (const name of [undefined, 'other']) {
      const named = name === undefined ? {} : { 'mcp-name': name }
      const refused = await post(endpoint, body(request), { ...headers(request), ...named })
      expect(refused.response.status).toBe(400)
      expect(refused.answer.error).toMatchObject({ code: -32020 })
    }
    await endpoint.close()
  })

  it('leaves the methods of the server as they are', async () => {
    const dispatcher = build()
    expect(await dispatcher.dispatch('tools/call', { name: 'a' }, fakeChannel())).toEqual({ content: [] })
    const request = (method: string, params: JsonObject) => ({ jsonrpc: '2.0', id: 1, method, params }) as const
    expect(durabilityOf(dispatcher, request('tools/call', { name: 'a' }), NEVER)).toBe('again')
    expect(durabilityOf(dispatcher, request('tools/call', { name: 'b' }), NEVER)).toBe('none')
    expect(() => dispatcher.dispatch('notes/other', {}, fakeChannel())).toThrow('no method "notes/other"')
  })

  it('does not run again after a crash unless its row allows it', () => {
    const request = (method: string) => ({ jsonrpc: '2.0', id: 1, method }) as const
    expect(durabilityOf(build(), request('notes/get'), NEVER)).toBe('none')
    expect(durabilityOf(build(), request('notes/ask'), NEVER)).toBe('again')
  })

  it('cannot ask the client unless its row allows it', async () => {
    const channel = () => fakeChannel({ capabilities: { elicitation: {} }, answer: () => ({ action: 'decline' }) })
    expect(await build().dispatch('notes/ask', {}, channel())).toMatchObject({ action: 'decline' })
    const silent = channel()
    await expect(build().dispatch('notes/get', { ask: true }, silent)).rejects.toThrow(
      'A handler of notes/get cannot ask the client.',
    )
    expect(silent.asked).toEqual([])
  })

  it('gets an explicit error as its answer when it asks in a session without permission', async () => {
    const endpoint = createEndpoint(build())
    const params = { protocolVersion: '2025-11-25', capabilities: { elicitation: {} } }
    const opened = await post(endpoint, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
    const session = { 'mcp-session-id': opened.response.headers.get('mcp-session-id') ?? '' }
    const message = { jsonrpc: '2.0', id: 1, method: 'notes/get', params: { ask: true } }
    const { answer } = await post(endpoint, message, session)
    expect(answer.error).toMatchObject({ code: -32603, message: 'A handler of notes/get cannot ask the client.' })
    await endpoint.close()
  })

  it('must not exist already', () => {
    expect(() => withModule(build(), notes)).toThrow('The method "notes/get" exists already.')
    expect(() => withModule(build(), { ...notes, methods: { 'tools/call': {} } })).toThrow(TypeError)
  })
})

describe('capabilities of a server and of its modules', () => {
  it('are announced together: experimental ones everywhere, extensions from 2026-07-28 on', async () => {
    const endpoint = createEndpoint(build())
    for (const revision of ['2024-11-05', '2025-11-25']) {
      const { capabilities } = (await openSession(endpoint, revision)).result
      expect(capabilities).toMatchObject({ experimental: { notes: {} }, tools: {} })
      expect(capabilities).not.toHaveProperty('extensions')
    }
    const request = { method: 'server/discover' }
    const { capabilities } = (await post(endpoint, body(request), headers(request))).answer.result
    expect(capabilities).toMatchObject({
      experimental: { notes: {} },
      extensions: { [EXTENSION]: {}, 'example.com/own': { a: 1 } },
    })
    await endpoint.close()
  })

  it('are described by the same object until the server changes', () => {
    const server = new McpServer({ name: 'test', version: '1' })
    const dispatcher = withModule(dispatcherOf(server), notes)
    const describe = () => dispatcher.describe('2025-11-25', { listChanged: true, subscribe: true, logging: true })
    const first = describe()
    expect(describe()).toBe(first)
    server.registerTool('late', {}, () => ({ content: [] }))
    expect(describe().capabilities).toMatchObject({ tools: { listChanged: true } })
  })
})
