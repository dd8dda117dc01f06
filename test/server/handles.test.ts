/** The handles that register calls return: those of the official SDK, while a module loads and afterwards. */
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { call, request } from './fake-channel.ts'

const text = (words = 'ok') => ({ content: [{ type: 'text' as const, text: words }] })
const contents = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'ok' }] })
const messages = (words = 'ok') => ({
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: words } }],
})
const newServer = () => new McpServer({ name: 'test', version: '1.0.0' })

const namesOf = async (server: McpServer, list: 'tools' | 'prompts' | 'resources') =>
  (await request(server, `${list}/list`))[list].map(({ name }: { name: string }) => name)
const read = (server: McpServer, uri: string) => request(server, 'resources/read', { uri })

/** `loads`: while the module loads. Otherwise the server is served already. */
describe.each([true, false])('with the module loading: %s', (loads) => {
  const served = () => {
    const server = newServer()
    if (!loads) dispatcherOf(server)
    return server
  }

  it('a disabled tool is in no list and is refused, and comes back at its place', async () => {
    const server = served()
    const first = server.registerTool('first', {}, () => text())
    server.registerTool('second', {}, () => text())
    expect(first.enabled).toBe(true)
    first.disable()
    expect(first.enabled).toBe(false)
    expect(await namesOf(server, 'tools')).toEqual(['second'])
    const refused = { code: -32602, message: 'The tool "first" is disabled.' }
    await expect(call(server, 'first')).rejects.toMatchObject(refused)
    first.enable()
    expect(await namesOf(server, 'tools')).toEqual(['first', 'second'])
    expect(await call(server, 'first')).toEqual(text())
  })

  it('a removed tool is unknown, and its name is free', async () => {
    const server = served()
    const tool = server.registerTool('a', {}, () => text())
    tool.remove()
    // Updates of what is not there change nothing that clients see.
    tool.enable()
    tool.update({ title: 'A' })
    await expect(call(server, 'a')).rejects.toMatchObject({ code: -32602, message: 'Unknown tool "a".' })
    // As in the official SDK, the server keeps the capability, with an empty list.
    expect(await namesOf(server, 'tools')).toEqual([])
    server.registerTool('a', {}, () => text('new'))
    expect(await call(server, 'a')).toEqual(text('new'))
    expect(() => tool.update({ name: 'a' })).toThrow('A tool "a" is already registered.')
    tool.update({ name: 'b' })
    expect(await namesOf(server, 'tools')).toEqual(['a', 'b'])
    tool.update({ name: null })
    expect(await namesOf(server, 'tools')).toEqual(['a'])
  })

  it('an update of a tool changes each member, and leaves the others as they are', async () => {
    const server = served()
    const tool = server.registerTool('a', { title: 'A', description: 'Says a', _meta: { x: 1 } }, () => text())
    tool.update({
      name: 'b',
      title: 'B',
      annotations: { readOnlyHint: true },
      icons: [{ src: 'https://example.com/b.png' }],
      paramsSchema: z.object({ n: z.number() }),
      outputSchema: z.object({ doubled: z.number() }),
      callback: ({ n }) => ({ structuredContent: { doubled: 2 * n } }),
    })
    const [listed] = (await request(server, 'tools/list')).tools
    expect(listed).toMatchObject({
      name: 'b',
      title: 'B',
      description: 'Says a',
      _meta: { x: 1 },
      annotations: { readOnlyHint: true },
      icons: [{ src: 'https://example.com/b.png' }],
      inputSchema: { properties: { n: { type: 'number' } } },
      outputSchema: { properties: { doubled: { type: 'number' } } },
    })
    expect((await call(server, 'b', { n: 2 })).structuredContent).toEqual({ doubled: 4 })
    await expect(call(server, 'a')).rejects.toThrow('Unknown tool')
    expect(dispatcherOf(server).policyOf('tools/call', { name: 'b' }).runsAgain).toBe(true)
    tool.update({ description: undefined, title: 'C' })
    expect((await request(server, 'tools/list')).tools[0]).toMatchObject({ title: 'C', description: 'Says a' })
  })

  it('members of a handle can be read and set', async () => {
    const server = served()
    const inputSchema = z.object({ n: z.number() })
    const handler = () => text()
    const tool = server.registerTool('a', { title: 'A', inputSchema }, handler)
    expect(tool).toMatchObject({ name: 'a', title: 'A', enabled: true })
    expect(tool.inputSchema).toBe(inputSchema)
    expect(tool.handler).toBe(handler)
    tool.title = 'B'
    tool.enabled = false
    expect(await namesOf(server, 'tools')).toEqual([])
    tool.enabled = true
    expect((await request(server, 'tools/list')).tools[0].title).toBe('B')
  })

  it('a name that is taken or not allowed, and a refused update, change nothing', async () => {
    const server = served()
    server.registerTool('taken', {}, () => text())
    const tool = server.registerTool('a', {}, () => text())
    expect(() => tool.update({ name: 'taken' })).toThrow('A tool "taken" is already registered.')
    expect(() => tool.update({ name: 'with space', title: 'B' })).toThrow(/1 to 128/)
    expect(tool.title).toBeUndefined()
    expect(await namesOf(server, 'tools')).toEqual(['taken', 'a'])
  })

  it('prompts have the same', async () => {
    const server = served()
    const prompt = server.registerPrompt('a', { argsSchema: z.object({ x: z.string() }) }, ({ x }) => messages(x))
    server.registerPrompt('z', {}, () => messages())
    prompt.disable()
    expect(await namesOf(server, 'prompts')).toEqual(['z'])
    const refused = { code: -32602, message: 'The prompt "a" is disabled.' }
    await expect(request(server, 'prompts/get', { name: 'a' })).rejects.toMatchObject(refused)
    prompt.update({
      name: 'b',
      description: 'Says y',
      argsSchema: z.object({ y: z.string() }),
      complete: { y: () => ['yes'] },
      callback: ({ y }) => messages(`y ${y}`),
      enabled: true,
    })
    const got = await request(server, 'prompts/get', { name: 'b', arguments: { y: '1' } })
    expect(got).toEqual({ description: 'Says y', ...messages('y 1') })
    expect((await request(server, 'prompts/list')).prompts[1].arguments).toEqual([{ name: 'y', required: true }])
    const ref = { type: 'ref/prompt', name: 'b' }
    const argument = { name: 'y', value: '' }
    expect((await request(server, 'completion/complete', { ref, argument })).completion.values).toEqual(['yes'])
    prompt.disable()
    await expect(request(server, 'completion/complete', { ref, argument })).rejects.toThrow('"b" is disabled')
    expect(prompt.callback).toBeTypeOf('function')
    prompt.remove()
    expect(await namesOf(server, 'prompts')).toEqual(['z'])
  })

  it('resources have the same, at another URI too', async () => {
    const server = served()
    const config = { mimeType: 'text/plain', requiredScopes: ['read'], cacheHint: { ttlMs: 5 } }
    const resource = server.registerResource('a', 'test://a', config, contents)
    // A template that matches too does not take over while the resource is disabled.
    server.registerResource('any', new ResourceTemplate('test://{x}'), {}, contents)
    resource.disable()
    expect(await namesOf(server, 'resources')).toEqual([])
    await expect(read(server, 'test://a')).rejects.toMatchObject({
      code: -32602,
      message: 'The resource "test://a" is disabled.',
    })
    resource.update({ uri: 'test://b', name: 'b', title: 'B', metadata: { description: 'Holds b' }, enabled: true })
    expect((await request(server, 'resources/list')).resources).toEqual([
      { uri: 'test://b', name: 'b', title: 'B', description: 'Holds b' },
    ])
    expect(resource.metadata).toEqual({ title: 'B', description: 'Holds b' })
    expect(resource.readCallback).toBe(contents)
    // Options that are no metadata stay: an update of the metadata must not open a resource to everybody.
    expect(dispatcherOf(server).policyOf('resources/read', { uri: 'test://b' }).scopes).toEqual(['read'])
    expect((await read(server, 'test://b')).contents[0].text).toBe('ok')
    resource.update({ callback: () => ({ contents: [{ uri: 'test://b', text: 'new' }] }) })
    expect((await read(server, 'test://b')).contents[0].text).toBe('new')
    resource.update({ uri: null })
    expect(await namesOf(server, 'resources')).toEqual([])
  })

  it('templates have the same', async () => {
    const server = served()
    const list = () => ({ resources: [{ uri: 'test://a/1', name: '1' }] })
    const first = new ResourceTemplate('test://a/{id}', { list })
    const template = server.registerResource('a', first, {}, contents)
    expect(template.resourceTemplate).toBe(first)
    expect(template.readCallback).toBe(contents)
    expect(await namesOf(server, 'resources')).toEqual(['1'])
    template.disable()
    expect(await namesOf(server, 'resources')).toEqual([])
    expect((await request(server, 'resources/templates/list')).resourceTemplates).toEqual([])
    await expect(read(server, 'test://a/1')).rejects.toThrow('is disabled')
    template.update({
      name: 'b',
      template: new ResourceTemplate('test://b/{id}', { complete: { id: () => ['7'] } }),
      callback: (uri, { id }) => ({ contents: [{ uri: uri.href, text: `b ${String(id)}` }] }),
      enabled: true,
    })
    expect((await request(server, 'resources/templates/list')).resourceTemplates).toEqual([
      { uriTemplate: 'test://b/{id}', name: 'b' },
    ])
    expect((await read(server, 'test://b/7')).contents[0].text).toBe('b 7')
    const params = { ref: { type: 'ref/resource', uri: 'test://b/{id}' }, argument: { name: 'id', value: '' } }
    expect((await request(server, 'completion/complete', params)).completion.values).toEqual(['7'])
    template.remove()
    await expect(read(server, 'test://b/7')).rejects.toThrow('not found')
  })

  it('the object of the configuration can be used again for another tool', async () => {
    const server = served()
    const config = { description: 'The first' }
    server.registerTool('first', config, () => text())
    config.description = 'The second'
    server.registerTool('second', config, () => text())
    const { tools } = await request(server, 'tools/list')
    expect(tools.map(({ description }: { description: string }) => description)).toEqual(['The first', 'The second'])
  })
})

it('a schema that cannot be used is an error when the server is served, and afterwards at once', () => {
  const server = newServer()
  const bad = { inputSchema: { type: 'array' } }
  const tool = server.registerTool('a', bad, () => text())
  expect(() => dispatcherOf(server)).toThrow(/Tool "a": inputSchema must describe an object/)
  tool.remove()
  dispatcherOf(server)
  expect(() => server.registerTool('a', bad, () => text())).toThrow(/must describe an object/)
  const fine = server.registerTool('a', {}, () => text())
  expect(() => fine.update({ paramsSchema: { type: 'array' } })).toThrow(/must describe an object/)
  expect(fine.inputSchema).toBeUndefined()
})

it('a change while the module loads is announced to nobody, and a later one is', () => {
  const server = newServer()
  const tool = server.registerTool('a', {}, () => text())
  tool.disable()
  const dispatcher = dispatcherOf(server)
  const announced = vi.fn()
  const end = dispatcher.onChange?.(announced)
  expect(server.isConnected()).toBe(true)
  expect(announced).not.toHaveBeenCalled()
  tool.enable()
  tool.enable()
  expect(announced.mock.calls).toEqual([[{ kind: 'tools', local: true }]])
  server.sendPromptListChanged()
  server.sendResourceListChanged()
  server.sendToolListChanged()
  expect(announced.mock.calls.slice(1)).toEqual([[{ kind: 'prompts' }], [{ kind: 'resources' }], [{ kind: 'tools' }]])
  end?.()
  tool.disable()
  expect(announced).toHaveBeenCalledTimes(4)
  expect(server.isConnected()).toBe(false)
})

it('descriptions follow what handles change, and scopes are those of all entries that there were', async () => {
  const server = newServer()
  const dispatcher = dispatcherOf(server)
  const offer = { listChanged: true, subscribe: true, logging: false }
  const describe = () => dispatcher.describe('2025-11-25', offer)
  const before = describe()
  const tool = server.registerTool('a', { requiredScopes: ['a'] }, () => text())
  expect(describe()).not.toBe(before)
  expect(describe()).toBe(describe())
  expect([...dispatcher.scopes]).toEqual(['a'])
  tool.update({ requiredScopes: ['b'] })
  expect([...dispatcher.scopes]).toEqual(['a', 'b'])
  tool.remove()
  expect([...dispatcher.scopes]).toEqual(['a', 'b'])
})
