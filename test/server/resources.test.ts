import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../lib/protocol/errors.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { resourceNotFound } from '../../lib/server/methods/not-found.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { fakeChannel, request } from './fake-channel.ts'

const server = new McpServer({ name: 'test', version: '1.0.0' }, { cacheHints: { 'resources/read': { ttlMs: 10 } } })
const say = (text: string) => (uri: URL) => ({ contents: [{ uri: uri.href, text }] })
server.registerResource('fixed', 'test://files/fixed', {}, say('fixed'))
server.registerResource('files', new ResourceTemplate('test://files/{name}'), {}, (uri, { name }) =>
  say(`${name}`)(uri),
)
server.registerResource('below', new ResourceTemplate('test://files/{+path}'), {}, (uri, { path }) =>
  say(`${path}`)(uri),
)
server.registerResource('web', 'https://example.com', { cacheHint: { ttlMs: 20, cacheScope: 'public' } }, say('web'))
const secret = { cacheHint: { cacheScope: 'public' as const }, requiredScopes: ['read'] }
server.registerResource('secret', 'test://secret', secret, say('secret'))
server.registerResource('gone', new ResourceTemplate('gone://{id}'), {}, (uri, _variables, ctx) => {
  throw resourceNotFound(uri.href, ctx)
})
server.registerResource('broken', 'test://broken', {}, async () => {
  throw new Error('The disk is full')
})
server.registerResource('empty', 'test://empty', {}, () => ({}) as ReturnType<ReturnType<typeof say>>)

const read = (uri: unknown, revision: '2025-11-25' | '2026-07-28' = '2025-11-25') =>
  request(server, 'resources/read', { uri }, fakeChannel({ revision }))
const textOf = async (uri: string) => (await read(uri)).contents[0].text

describe('resources/read', () => {
  it('finds a fixed URI before a template, and templates in their order', async () => {
    expect(await textOf('test://files/fixed')).toBe('fixed')
    expect(await textOf('test://files/other')).toBe('other')
    expect(await textOf('test://files/a/b')).toBe('a/b')
  })

  it('finds a URI that the URL parser writes differently', async () => {
    expect(await textOf('https://example.com')).toBe('web')
  })

  it.each([
    'test://files/a/../b',
    'test://files/../other/x',
    'test://files/%2e%2e/%2e%2e/x',
    'test://files/%2e%2e%2f%2E%2E%2Fx',
    'test://files/..%5cx',
    'test://files/.',
    'test://files/..?x',
    'test://files/./fixed',
    'test://files/a/../fixed',
  ])('lets no variable leave its part of the path: %s', async (uri) => {
    await expect(read(uri)).rejects.toMatchObject({ code: -32002, data: { uri } })
  })

  it('gives a handler dots that are no segment, and escapes that were escaped', async () => {
    expect(await textOf('test://files/..a')).toBe('..a')
    expect(await textOf('test://files/a..')).toBe('a..')
    expect(await textOf('test://files/a%2Fb')).toBe('a/b')
    expect(await textOf('test://files/%252e%252e%252f')).toBe('%2e%2e%2f')
  })

  it.each([['test://other'], ['not a uri'], [''], ['gone://1']])('does not find %j: -32002', async (uri) => {
    await expect(read(uri)).rejects.toMatchObject({ code: -32002, data: { uri } })
    await expect(read(uri, '2026-07-28')).rejects.toMatchObject({ code: -32602, data: { uri } })
  })

  it.each([[undefined], [7], [null]])('refuses %j for a URI', async (uri) => {
    await expect(read(uri)).rejects.toMatchObject({ code: -32602 })
  })

  it('answers with the message of an error that a handler throws, without the stack', async () => {
    const error = await read('test://broken').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error).toMatchObject({ code: -32603, message: 'The disk is full' })
  })

  it('does not send a result without contents', async () => {
    await expect(read('test://empty')).rejects.toMatchObject({ code: -32603 })
  })

  it('has a cache hint in the stateless revision only', async () => {
    expect(await read('test://files/a', '2026-07-28')).toMatchObject({ ttlMs: 10, cacheScope: 'private' })
    expect(await read('https://example.com', '2026-07-28')).toMatchObject({ ttlMs: 20, cacheScope: 'public' })
    expect(await read('test://secret', '2026-07-28')).toMatchObject({ ttlMs: 10, cacheScope: 'private' })
    expect(Object.keys(await read('test://files/a'))).toEqual(['contents'])
  })
})
