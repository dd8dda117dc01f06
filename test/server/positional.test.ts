/** `tool()`, `prompt()` and `resource()`: the deprecated register calls, with each form that the official SDK takes. */
import { McpServer as OfficialServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { call, request } from './fake-channel.ts'

const newServer = () => new McpServer({ name: 'test', version: '1.0.0' })
const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
const contents = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'ok' }] })

const shape = { n: z.number() }
const hints = { readOnlyHint: true, title: 'A' }

/** What a handler was called with: its arguments, or nothing before the context. */
const seen = (...given: unknown[]) => text(given.length === 1 ? 'context' : JSON.stringify(given[0]))

/** The arguments of `tool` after the name, and what comes of them. */
const FORMS: [given: unknown[], expected: { description?: string; hints?: object; args: string }][] = [
  [[seen], { args: 'context' }],
  [['Says', seen], { description: 'Says', args: 'context' }],
  [[shape, seen], { args: '{"n":1}' }],
  [['Says', shape, seen], { description: 'Says', args: '{"n":1}' }],
  [[hints, seen], { hints, args: 'context' }],
  [['Says', hints, seen], { description: 'Says', hints, args: 'context' }],
  [[shape, hints, seen], { hints, args: '{"n":1}' }],
  [['Says', shape, hints, seen], { description: 'Says', hints, args: '{"n":1}' }],
  [[{}, seen], { args: '{}' }],
  [['Says', undefined, seen], { description: 'Says', args: 'context' }],
  [['Says', {}, hints, seen], { description: 'Says', hints, args: '{}' }],
]

describe.each(FORMS)('tool(name, ...%j)', (given, expected) => {
  it('is read as the official SDK does', async () => {
    const server = newServer()
    const tool = (server.tool as (...all: unknown[]) => { enabled: boolean }).call(server, 'a', ...given)
    expect(tool.enabled).toBe(true)
    const [listed] = (await request(server, 'tools/list')).tools
    expect(listed.description).toBe(expected.description)
    expect(listed.annotations).toEqual(expected.hints)
    expect((await call(server, 'a', { n: 1 })).content[0].text).toBe(expected.args)

    const official = new OfficialServer({ name: 'test', version: '1.0.0' })
    const registered = (official.tool as (...all: unknown[]) => Record<string, unknown>).call(official, 'a', ...given)
    expect(registered.description).toBe(expected.description)
    expect(registered.annotations).toEqual(expected.hints)
    expect(registered.inputSchema !== undefined).toBe(expected.args !== 'context')
  })
})

it('tool() takes a whole schema too', async () => {
  const server = newServer()
  server.tool('a', z.object({ n: z.number() }), ({ n }) => text(`n ${n}`))
  expect((await call(server, 'a', { n: 1 })).content[0].text).toBe('n 1')
})

it.each([
  [[{ type: 'object', properties: {} }, seen], /registerTool\(name, \{ inputSchema \}, handler\)/],
  [['Says', 7, seen], /neither a schema nor annotations/],
  [[hints, shape, seen], /a schema is expected before the handler/],
  [['Says'], /the last argument must be the handler/],
  [[shape, hints, {}, seen], /at most/],
])('tool(name, ...%j) is refused with one line', (given, message) => {
  const server = newServer()
  expect(() => (server.tool as (...all: unknown[]) => unknown).call(server, 'a', ...given)).toThrow(message)
})

it('prompt() takes a description and a schema', async () => {
  const server = newServer()
  const messages = (...given: unknown[]) => ({
    messages: [{ role: 'user' as const, content: { type: 'text' as const, text: String(given.length) } }],
  })
  server.prompt('a', messages)
  server.prompt('b', 'Says b', messages)
  ;(server.prompt as (...all: unknown[]) => unknown).call(server, 'b2', 'Says b2', undefined, messages)
  server.prompt('c', { x: z.string() }, messages)
  const handle = server.prompt('d', 'Says d', { x: z.string().optional() }, messages)
  const { prompts } = await request(server, 'prompts/list')
  expect(prompts).toEqual([
    { name: 'a' },
    { name: 'b', description: 'Says b' },
    { name: 'b2', description: 'Says b2' },
    { name: 'c', arguments: [{ name: 'x', required: true }] },
    { name: 'd', description: 'Says d', arguments: [{ name: 'x', required: false }] },
  ])
  const given = { name: 'c', arguments: { x: 'y' } }
  expect((await request(server, 'prompts/get', given)).messages[0].content.text).toBe('2')
  expect((await request(server, 'prompts/get', { name: 'a' })).messages[0].content.text).toBe('1')
  handle.remove()
  expect((await request(server, 'prompts/list')).prompts).toHaveLength(4)
  expect(() => (server.prompt as (...all: unknown[]) => unknown).call(server, 'e', {}, {}, messages)).toThrow(/at most/)
})

it('resource() takes metadata, at a URI and with a template', async () => {
  const server = newServer()
  server.resource('a', 'test://a', contents)
  server.resource('b', 'test://b', { mimeType: 'text/plain' }, contents)
  server.resource('t', new ResourceTemplate('test://t/{id}', { list: undefined }), (uri, { id }) => ({
    contents: [{ uri: uri.href, text: id }],
  }))
  server.resource('u', new ResourceTemplate('test://u/{id}'), { mimeType: 'text/plain' }, contents)
  expect((await request(server, 'resources/list')).resources).toEqual([
    { name: 'a', uri: 'test://a' },
    { name: 'b', uri: 'test://b', mimeType: 'text/plain' },
  ])
  expect((await request(server, 'resources/templates/list')).resourceTemplates).toEqual([
    { name: 't', uriTemplate: 'test://t/{id}' },
    { name: 'u', uriTemplate: 'test://u/{id}', mimeType: 'text/plain' },
  ])
  expect((await request(server, 'resources/read', { uri: 'test://t/7' })).contents[0].text).toBe('7')
  expect(() => server.resource('v', 'test://v', {} as never)).toThrow(/the last argument must be the handler/)
  expect(() => server.resource('v', 'test://v', 'Notes' as never, contents)).toThrow(
    /the metadata is a string and must/,
  )
  expect(() => (server.resource as (...all: unknown[]) => unknown)('v', 'test://v', {}, {}, contents)).toThrow(
    /at most/,
  )
  expect(() => server.registerResource('w', {} as string, {}, contents)).toThrow(/a URI or a ResourceTemplate/)
})
