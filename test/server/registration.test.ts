import { UriTemplate as OfficialUriTemplate } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Revision } from '../../lib/protocol/revisions.ts'
import { McpServer, type McpServerOptions } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import type { Schema } from '../../lib/server/schema/schema.ts'
import { call, request } from './fake-channel.ts'

const text = () => ({ content: [{ type: 'text' as const, text: 'ok' }] })
const contents = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'ok' }] })
const messages = () => ({ messages: [] })
const newServer = () => new McpServer({ name: 'test', version: '1.0.0' })

/** Registers a tool and serves it: from then on its schemas are compiled. */
function serve(config: { inputSchema?: Schema; outputSchema?: Schema }): McpServer {
  const server = newServer()
  server.registerTool('a', config, text)
  dispatcherOf(server)
  return server
}

describe('a tool is refused when it is registered', () => {
  it.each(['', 'with space', 'é', 'a'.repeat(129), 'semi;colon'])('with the name %j', (name) => {
    expect(() => newServer().registerTool(name, {}, text)).toThrow(/1 to 128/)
  })

  it('with a durable that is neither true nor false', () => {
    const server = newServer()
    server.registerTool('a', { durable: 'yes' as never }, text)
    expect(() => dispatcherOf(server)).toThrow('Tool "a": durable must be true or false.')
  })

  it('with a name that is taken', () => {
    const server = newServer()
    server.registerTool('a', {}, text)
    expect(() => server.registerTool('a', {}, text)).toThrow('A tool "a" is already registered.')
  })
})

describe('a registration without a handler is refused, which is so where the configuration was left out', () => {
  const server = newServer() as unknown as Record<string, (...given: unknown[]) => unknown>
  it.each([
    [
      'registerTool',
      ['a', text],
      'Tool "a": the handler is undefined and must be a function. Call registerTool(name, ',
    ],
    [
      'registerPrompt',
      ['a', messages],
      'Prompt "a": the handler is undefined and must be a function. Call registerPrompt(',
    ],
    ['registerResource', ['a', 'test://a', contents], 'Resource "a": the handler is undefined'],
    ['registerResource', ['a', new ResourceTemplate('test://{a}'), {}, 7], 'Resource "a": the handler is a number'],
  ])('by %s', (method, given, message) => {
    expect(() => server[method]?.(...given)).toThrow(message)
  })

  it('also where an update takes it away', async () => {
    const own = newServer()
    const tool = own.registerTool('a', {}, text)
    expect(() => tool.update({ callback: null as never })).toThrow(/the handler is null/)
    expect(await call(own, 'a')).toEqual(text())
  })
})

it('takes null as no schema, as the official SDK does', async () => {
  const server = newServer()
  server.registerTool('a', { inputSchema: null, outputSchema: null } as never, (() => text()) as never)
  server.registerPrompt('a', { argsSchema: null } as never, messages as never)
  expect(await call(server, 'a')).toEqual(text())
  expect(await request(server, 'prompts/get', { name: 'a' })).toEqual({ messages: [] })
})

describe('a tool is refused when it is served', () => {
  it('with arguments that are not an object', () => {
    expect(() => serve({ inputSchema: z.string() })).toThrow(/must describe an object/)
    expect(() => serve({ inputSchema: { type: 'array' } })).toThrow(/must describe an object/)
  })

  it('with a schema that JSON Schema cannot express', () => {
    expect(() => serve({ inputSchema: z.object({ size: z.bigint() }) })).toThrow(
      /Tool "a": inputSchema cannot be written/,
    )
  })
})

it('accepts names with every character that the specification allows', async () => {
  const server = newServer()
  const name = `AZaz09_.-/${'x'.repeat(54)}`
  server.registerTool(name, {}, text)
  expect(await call(server, name)).toEqual(text())
  expect(server.warnings).toEqual([])
})

it.each([65, 100, 128])('accepts a name of %i characters with a warning', async (length) => {
  const server = newServer()
  const name = 'n'.repeat(length)
  server.registerTool(name, {}, text)
  expect(server.warnings).toEqual([expect.stringContaining(`has ${length} characters`)])
  expect((await request(server, 'tools/list')).tools[0].name).toBe(name)
  expect(await call(server, name)).toEqual(text())
})

it('warns of a result that is no object, which clients before 2026-07-28 get as text alone', () => {
  const server = newServer()
  const result = () => ({ structuredContent: [] })
  server.registerTool('a', { outputSchema: z.array(z.string()) }, result)
  dispatcherOf(server)
  expect(server.warnings).toEqual([expect.stringMatching(/"a": outputSchema .* 2026-07-28/)])
})

it('accepts a union of objects, and lists it with the type of an object', async () => {
  const server = newServer()
  const inputSchema = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a') }),
    z.object({ kind: z.literal('b') }),
  ])
  server.registerTool('a', { inputSchema }, text)
  expect((await request(server, 'tools/list')).tools[0].inputSchema).toMatchObject({ type: 'object' })
})

describe('a resource is refused when it is registered', () => {
  it('at a URI that is taken', () => {
    const server = newServer()
    server.registerResource('a', 'test://a', {}, contents)
    expect(() => server.registerResource('b', 'test://a', {}, contents)).toThrow(/"test:\/\/a" is already registered/)
  })

  it('with a template that is taken', () => {
    const server = newServer()
    server.registerResource('t', new ResourceTemplate('test://{t}'), {}, contents)
    expect(() => server.registerResource('u', new ResourceTemplate('test://{t}'), {}, contents)).toThrow(
      /template "test:\/\/\{t\}" is already/,
    )
  })

  it('with an invalid URI, or an empty name', () => {
    expect(() => newServer().registerResource('a', 'not a uri', {}, contents)).toThrow(/not a URI/)
    expect(() => newServer().registerResource('', 'test://a', {}, contents)).toThrow(/must not be empty/)
  })

  it('with completions for a variable that the template does not have', () => {
    // @ts-expect-error the types refuse it too
    expect(() => new ResourceTemplate('test://{a}', { complete: { b: () => [] } })).toThrow(/no variable "b"/)
  })

  it('with a ttlMs that is no number of milliseconds', () => {
    const cacheHint = { ttlMs: -1 }
    expect(() => newServer().registerResource('a', 'test://a', { cacheHint }, contents)).toThrow(RangeError)
    const cacheHints = { 'tools/list': { ttlMs: 0.5 } }
    expect(() => new McpServer({ name: 'a', version: '1' }, { cacheHints })).toThrow(RangeError)
  })
})

it('accepts resources of one name at two URIs, as the official SDK does', async () => {
  const server = newServer()
  server.registerResource('a', 'test://a', {}, contents)
  server.registerResource('a', 'test://b', {}, contents)
  expect((await request(server, 'resources/list')).resources).toHaveLength(2)
})

it('accepts names of resources and prompts with any characters', async () => {
  const server = newServer()
  server.registerResource('Größe (mm)', 'test://a', {}, contents)
  server.registerPrompt('Größe (mm)', {}, messages)
  expect((await request(server, 'resources/list')).resources[0].name).toBe('Größe (mm)')
  expect(await request(server, 'prompts/get', { name: 'Größe (mm)' })).toEqual({ messages: [] })
})

describe('a prompt is refused when it is registered', () => {
  it('with a name that is taken or empty', () => {
    const server = newServer()
    server.registerPrompt('a', {}, messages)
    expect(() => server.registerPrompt('a', {}, messages)).toThrow('A prompt "a" is already registered.')
    expect(() => server.registerPrompt('', {}, messages)).toThrow(/must not be empty/)
  })

  it('with completions for an argument that it does not have', () => {
    const server = newServer()
    const config = { argsSchema: z.object({ a: z.string() }), complete: { b: () => [] } }
    // @ts-expect-error the types refuse it too
    server.registerPrompt('a', config, messages)
    expect(() => dispatcherOf(server)).toThrow(/no argument "b"/)
  })
})

it.each([0, -1, Number.NaN, '5'])('refuses maxToolInputElements %j', (maxToolInputElements) => {
  const options = { maxToolInputElements: maxToolInputElements as number }
  expect(() => new McpServer({ name: 'a', version: '1' }, options)).toThrow(RangeError)
})

it('refuses arguments with more elements than maxToolInputElements, with and without a schema', async () => {
  const server = new McpServer({ name: 'a', version: '1' }, { maxToolInputElements: 5 })
  server.registerTool('none', {}, text)
  server.registerTool('list', { inputSchema: z.object({ items: z.array(z.unknown()) }) }, text)
  for (const name of ['none', 'list']) {
    expect(await call(server, name, { items: [1, [2], 3] })).toEqual(text())
    const refused = await call(server, name, { items: [1, [2, 4], 3] })
    expect(refused.isError).toBe(true)
    expect(refused.content[0].text).toContain('more than 5 elements (maxToolInputElements of the server)')
  }
})

it('takes toJsonSchema, which writes the schemas of tools and prompts that cannot do it themselves', async () => {
  const own = { '~standard': { vendor: 'own', version: 1, validate: (value: unknown) => ({ value }) } } as const
  const json = { type: 'object', properties: { a: { type: 'string' } } }
  const server = new McpServer({ name: 'a', version: '1' }, { toJsonSchema: () => json })
  server.registerTool('a', { inputSchema: own, outputSchema: own }, text)
  server.registerPrompt('a', { argsSchema: own }, messages)
  expect((await request(server, 'tools/list')).tools[0]).toMatchObject({ inputSchema: json, outputSchema: json })
  expect((await request(server, 'prompts/list')).prompts[0].arguments).toEqual([{ name: 'a', required: false }])
})

it('accepts the options of the official SDK that have no effect', async () => {
  const options: McpServerOptions = {}
  options.enforceStrictCapabilities = true
  options.debouncedNotificationMethods = ['notifications/tools/list_changed']
  options.jsonSchemaValidator = {}
  const server = new McpServer({ name: 'a', version: '1' }, options)
  server.registerTool('a', {}, text)
  expect(await call(server, 'a')).toEqual(text())
})

it('a ResourceTemplate has the members of the official one', () => {
  const list = () => ({ resources: [] })
  const id = () => []
  const template = new ResourceTemplate('test://{id}{?page}', { list, complete: { id } })
  expect(String(template.uriTemplate)).toBe('test://{id}{?page}')
  expect(template.uriTemplate.variableNames).toEqual(['id', 'page'])
  expect(template.uriTemplate.match('test://7?page=2')).toEqual({ id: '7', page: '2' })
  expect(template.listCallback).toBe(list)
  expect(template.completeCallback('id')).toBe(id)
  expect(template.completeCallback('page')).toBeUndefined()
  const official = new OfficialUriTemplate('test://{id}')
  expect(new ResourceTemplate(official, { list: undefined }).uriTemplate.match('test://7')).toEqual({ id: '7' })
})

it('refuses a page size below 1', () => {
  expect(() => new McpServer({ name: 'a', version: '1' }, { pageSize: 0 })).toThrow(RangeError)
})

describe('the capabilities of a server', () => {
  const offer = { listChanged: true, subscribe: true, logging: true }
  const logging = { listChanged: false, subscribe: false, logging: true }

  it('follow from what is registered, also after a description was made', () => {
    const server = newServer()
    const dispatcher = dispatcherOf(server)
    expect(dispatcher.describe('2025-11-25', offer).capabilities).toEqual({ logging: {} })
    server.registerTool('a', {}, text)
    server.registerResource('a', 'test://a', {}, contents)
    server.registerPrompt('a', { argsSchema: z.object({ b: z.string() }), complete: { b: () => [] } }, messages)
    expect(dispatcher.describe('2025-11-25', offer).capabilities).toEqual({
      logging: {},
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      prompts: { listChanged: true },
      completions: {},
    })
    expect(dispatcher.describe('2024-11-05', logging).capabilities).toEqual({
      logging: {},
      tools: {},
      resources: {},
      prompts: {},
    })
  })

  it('that are declared have methods with empty results', async () => {
    const capabilities = {
      tools: {},
      prompts: { listChanged: false },
      resources: { subscribe: true },
      completions: {},
      // Without effect: no revision has tasks yet, and the endpoint decides about log messages.
      tasks: { list: {} },
      logging: {},
    }
    const server = new McpServer({ name: 'test', version: '1.0.0' }, { capabilities })
    const { capabilities: described } = dispatcherOf(server).describe('2025-11-25', { ...offer, logging: false })
    expect(described).toEqual({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
    })
    expect(await request(server, 'tools/list')).toEqual({ tools: [] })
    expect(await request(server, 'prompts/list')).toEqual({ prompts: [] })
    expect(await request(server, 'resources/list')).toEqual({ resources: [] })
    expect(await request(server, 'resources/templates/list')).toEqual({ resourceTemplates: [] })
    await expect(call(server, 'a')).rejects.toMatchObject({ code: -32602 })
  })

  it('of experiments and extensions are announced as they are', () => {
    const capabilities = { experimental: { x: { a: 1 } }, extensions: { 'io.example/y': {} } }
    const server = new McpServer({ name: 'test', version: '1.0.0' }, { capabilities, instructions: 'Ask' })
    const dispatcher = dispatcherOf(server)
    expect(dispatcher.describe('2026-07-28', logging)).toMatchObject({ capabilities, instructions: 'Ask' })
    const { experimental } = capabilities
    expect(dispatcher.describe('2025-11-25', logging).capabilities).toEqual({ experimental, logging: {} })
  })

  it.each([
    'tools/list',
    'tools/call',
    'resources/list',
    'resources/read',
    'resources/templates/list',
    'prompts/list',
    'prompts/get',
    'completion/complete',
    'nothing/known',
  ])('leave %s out where nothing is registered: -32601', async (method) => {
    await expect(request(newServer(), method, {})).rejects.toMatchObject({ code: -32601 })
  })
})

it('describes its info with the members that the revision has', () => {
  const info = {
    name: 'test',
    version: '1.0.0',
    title: 'Test',
    description: 'A test',
    websiteUrl: 'https://example.com',
    icons: [{ src: 'https://example.com/icon.png' }],
  }
  const dispatcher = dispatcherOf(new McpServer(info))
  const described = (revision: Revision) =>
    dispatcher.describe(revision, { listChanged: true, subscribe: true, logging: true }).info
  expect(described('2025-03-26')).toEqual({ name: 'test', version: '1.0.0' })
  expect(described('2025-06-18')).toEqual({ name: 'test', version: '1.0.0', title: 'Test' })
  expect(described('2025-11-25')).toEqual(info)
})
