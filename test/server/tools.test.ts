import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ErrorCode, ProtocolError } from '../../lib/protocol/errors.ts'
import { AskPending, MissingCapability } from '../../lib/server/context/errors.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { call, fakeChannel, request } from './fake-channel.ts'

const newServer = () => new McpServer({ name: 'test', version: '1.0.0' })
const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

/** A server with one tool, `tool`, whose handler throws. */
function throwing(error: unknown, { later = false } = {}): McpServer {
  const server = newServer()
  server.registerTool('tool', {}, () => {
    if (later) return Promise.reject(error)
    throw error
  })
  return server
}

describe('tools/call', () => {
  it('answers synchronously where the handler does', () => {
    const server = newServer()
    server.registerTool('sync', { inputSchema: z.object({ a: z.string() }) }, ({ a }) => text(a))
    const params = { name: 'sync', arguments: { a: 'x' } }
    expect(dispatcherOf(server).dispatch('tools/call', params, fakeChannel())).toEqual(text('x'))
  })

  it('gives a tool without arguments the context alone', async () => {
    const server = newServer()
    server.registerTool('tool', {}, async (...args) => text(`${args.length} ${args[0].revision}`))
    expect(await call(server, 'tool', { ignored: true })).toEqual(text('1 2025-11-25'))
  })

  it('accepts a call without arguments where all are optional', async () => {
    const server = newServer()
    server.registerTool('tool', { inputSchema: z.object({ a: z.string().optional() }) }, ({ a }) => text(String(a)))
    expect(await call(server, 'tool')).toEqual(text('undefined'))
  })

  it.each([
    [{ name: 'other' }],
    [{}],
    [{ name: 7 }],
    [{ name: 'tool', arguments: [1] }],
    [{ name: 'tool', arguments: 'x' }],
  ])('refuses %j with -32602', async (params) => {
    const server = newServer()
    server.registerTool('tool', {}, () => text('ok'))
    await expect(request(server, 'tools/call', params)).rejects.toMatchObject({ code: ErrorCode.InvalidParams })
  })

  it('waits for a thenable that is no Promise', async () => {
    const server = newServer()
    // biome-ignore lint/suspicious/noThenProperty: what some libraries return
    const thenable = { then: (done: (value: unknown) => void) => done(text('later')) }
    server.registerTool('tool', {}, () => thenable as unknown as Promise<ReturnType<typeof text>>)
    expect(await call(server, 'tool')).toEqual(text('later'))
  })
})

describe.each([[false], [true]])('an error that a handler throws (asynchronously: %s)', (later) => {
  it('is a result that a model can read, without the stack', async () => {
    const result = await call(throwing(new TypeError('Out of paper'), { later }), 'tool')
    expect(result).toEqual({ ...text('Out of paper'), isError: true })
  })

  it('is such a result for every value that can be thrown', async () => {
    expect(await call(throwing('just text', { later }), 'tool')).toEqual({ ...text('just text'), isError: true })
    expect(await call(throwing(new RangeError(), { later }), 'tool')).toEqual({ ...text('RangeError'), isError: true })
  })

  it('is the error of the request where it is a ProtocolError', async () => {
    const error = new ProtocolError(-1, 'No', { a: 1 })
    await expect(call(throwing(error, { later }), 'tool')).rejects.toBe(error)
  })

  it('reaches the call where it is AskPending', async () => {
    const error = new AskPending('a')
    await expect(call(throwing(error, { later }), 'tool')).rejects.toBe(error)
  })

  it('reaches the call of the stateless revision where a capability is missing; in a session it is a result', async () => {
    const error = new MissingCapability({ sampling: { tools: {} } })
    const channel = fakeChannel({ revision: '2026-07-28' })
    await expect(call(throwing(error, { later }), 'tool', {}, channel)).rejects.toBe(error)
    expect(await call(throwing(error, { later }), 'tool')).toEqual({
      ...text('This needs a client with the capability "sampling.tools".'),
      isError: true,
    })
  })
})

describe('structured content', () => {
  const outputSchema = z.object({ sum: z.number() })

  it('is also given as text', async () => {
    const server = newServer()
    server.registerTool('tool', { outputSchema }, () => ({ structuredContent: { sum: 3 } }))
    expect(await call(server, 'tool')).toEqual({ ...text('{"sum":3}'), structuredContent: { sum: 3 } })
  })

  it('leaves the content of the author as it is', async () => {
    const server = newServer()
    server.registerTool('tool', { outputSchema }, () => ({ ...text('three'), structuredContent: { sum: 3 } }))
    expect(await call(server, 'tool')).toEqual({ ...text('three'), structuredContent: { sum: 3 } })
  })

  it('is sent as the schema parses it, so that it fits the schema in the list', async () => {
    const server = newServer()
    const result = { sum: 3, secret: 'x' }
    server.registerTool('tool', { outputSchema }, () => ({ structuredContent: result }))
    expect((await call(server, 'tool')).structuredContent).toEqual({ sum: 3 })
    expect((await request(server, 'tools/list')).tools[0].outputSchema).toMatchObject({ additionalProperties: false })
  })

  it('that does not fit, or is missing, is an error that a model can read', async () => {
    const server = newServer()
    server.registerTool('wrong', { outputSchema }, () => ({ structuredContent: { sum: 'x' as unknown as number } }))
    server.registerTool('missing', { outputSchema }, () => text('three'))
    expect(await call(server, 'wrong')).toMatchObject({ isError: true, content: [{ text: /sum: / }] })
    expect(await call(server, 'missing')).toMatchObject({ isError: true, content: [{ text: /no structuredContent/ }] })
  })

  it('may be missing in a result that is an error', async () => {
    const server = newServer()
    server.registerTool('tool', { outputSchema }, () => ({ ...text('no'), isError: true }))
    expect(await call(server, 'tool')).toEqual({ ...text('no'), isError: true })
  })

  it('is checked against plain JSON Schema as well', async () => {
    const server = newServer()
    const plain = { type: 'object', properties: { sum: { type: 'number' } } }
    server.registerTool('tool', { outputSchema: plain }, () => ({ structuredContent: { sum: 'x' } }))
    expect(await call(server, 'tool')).toMatchObject({ isError: true })
  })
})

it('does not send a result without content', async () => {
  const server = newServer()
  server.registerTool('tool', {}, () => undefined as unknown as ReturnType<typeof text>)
  expect(await call(server, 'tool')).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('it is undefined') }],
  })
})
