/** Resources are found in every spelling of their URI, and in no other URI. */
import { describe, expect, it } from 'vitest'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { fakeChannel, request } from './fake-channel.ts'

const contents = (uri: URL, text = '') => ({ contents: [{ uri: uri.href, text }] })

function serverWith(...places: string[]): McpServer {
  const server = new McpServer({ name: 'uris', version: '1' })
  for (const place of places) {
    if (!place.includes('{')) server.registerResource(place, place, {}, (uri) => contents(uri, place))
    else {
      const complete = Object.fromEntries(
        [...place.matchAll(/\{[?+]?(\w+)/g)].map(([, name]) => [name, () => ['found']]),
      )
      server.registerResource(place, new ResourceTemplate(place, { complete }), {}, (uri, variables) =>
        contents(uri, JSON.stringify(variables)),
      )
    }
  }
  return server
}

const read = async (server: McpServer, uri: string) => (await request(server, 'resources/read', { uri })).contents[0]

describe.each([
  ['https://example.com', ['https://example.com', 'https://example.com/', 'HTTPS://Example.COM/']],
  ['https://example.com/', ['https://example.com', 'https://EXAMPLE.com/']],
  ['https://example.com?a=1', ['https://example.com/?a=1', 'https://example.com?a=1']],
  ['https://API.Example.com/Notes', ['https://api.example.com/Notes', 'https://API.EXAMPLE.COM/Notes']],
  ['file:///docs/café', ['file:///docs/café', 'file:///docs/caf%C3%A9', 'file:///docs/caf%c3%a9', 'FILE:///docs/café']],
  ['file:///my docs/a~b', ['file:///my docs/a~b', 'file:///my%20docs/a~b', 'file:///my%20docs/a%7Eb']],
  ['note://Tea', ['note://Tea', 'NOTE://Tea', 'note://T%65a']],
  ['urn:Note:7', ['urn:Note:7', 'URN:Note:7']],
])('a resource at %s', (place, spellings) => {
  const server = serverWith(place)

  it.each(spellings)('is read at %s, and its handler has this spelling', async (uri) => {
    expect(await read(server, uri)).toEqual({ uri, text: place })
  })

  it('is listed as its author wrote it', async () => {
    expect((await request(server, 'resources/list')).resources[0].uri).toBe(place)
  })

  it.each(spellings)('is not registered a second time at %s', (uri) => {
    const again = serverWith(place)
    expect(() => again.registerResource('again', uri, {}, (url) => contents(url))).toThrow(/already registered/)
  })

  it.each(spellings)('is what a reference for completions at %s is about', async (uri) => {
    const params = { ref: { type: 'ref/resource', uri }, argument: { name: 'a', value: '' } }
    // A server without completions does not have the method.
    const completing = serverWith(place, 'other://{a}')
    expect(await request(completing, 'completion/complete', params)).toMatchObject({ completion: { values: [] } })
  })
})

it.each([
  ['note://Tea', 'note://tea'],
  ['https://example.com/Tea', 'https://example.com/tea'],
  ['https://example.com/a', 'https://example.com/a/'],
  ['https://example.com', 'https://example.com/?'],
  ['https://example.com', 'https://example.com//'],
  ['note://tea', 'note://tea/'],
  ['file:///a/b', 'file:///a%2Fb'],
  ['file:///a/b', 'file:///a/c/../b'],
  ['file:///b', 'file:///a/%2e%2e/b'],
  ['file:///a%2Eb', 'file:///a%252Eb'],
  ['https://h/?a=1&b=2', 'https://h/?a=1%26b=2'],
])('a resource at %s is not found at %s', async (place, uri) => {
  await expect(read(serverWith(place), uri)).rejects.toMatchObject({ code: -32002 })
})

describe.each([
  ['file:///docs/café/{n}', ['file:///docs/café/ü', 'file:///docs/caf%C3%A9/%C3%BC'], { n: 'ü' }],
  ['file:///my docs/{n}', ['file:///my docs/a b', 'file:///my%20docs/a%20b'], { n: 'a b' }],
  ['https://API.Example.com/{n}', ['https://api.example.com/Tea', 'https://API.EXAMPLE.com/T%65a'], { n: 'Tea' }],
  ['https://h{?q}', ['https://h?q=a', 'https://h/?q=a', 'HTTPS://H/?q=%61'], { q: 'a' }],
  ['https://h/{+path}', ['https://h/a/b', 'https://H/a/%62'], { path: 'a/b' }],
  ['note://{Name}/%7e', ['note://Tea/~', 'NOTE://Tea/%7E'], { Name: 'Tea' }],
])('the template %s', (place, spellings, variables) => {
  const server = serverWith(place)

  it.each(spellings)('reads %s, and its handler has this spelling', async (uri) => {
    expect(await read(server, uri)).toEqual({ uri, text: JSON.stringify(variables) })
  })

  it('is listed as its author wrote it', async () => {
    const { resourceTemplates } = await request(server, 'resources/templates/list')
    expect(resourceTemplates[0].uriTemplate).toBe(place)
  })

  it('completes its variables in the spelling of its author, and in the normal one', async () => {
    const [name] = Object.keys(variables)
    const { normal } = new ResourceTemplate(place).uriTemplate
    for (const uri of [place, normal]) {
      const params = { ref: { type: 'ref/resource', uri }, argument: { name, value: '' } }
      expect((await request(server, 'completion/complete', params)).completion.values).toEqual(['found'])
    }
  })
})

it('finds the scopes of a resource in every spelling', async () => {
  const server = new McpServer({ name: 'uris', version: '1' })
  server.registerResource('a', 'https://example.com', { requiredScopes: ['read'] }, (uri) => contents(uri))
  for (const uri of ['https://example.com', 'https://EXAMPLE.com/', 'https://example.com/']) {
    const channel = fakeChannel({ scopes: [] })
    await expect(request(server, 'resources/read', { uri }, channel)).rejects.toThrow(/lacks scopes/)
  }
})

it('gives a handler a URL that it can change', async () => {
  const server = new McpServer({ name: 'uris', version: '1' })
  server.registerResource('a', 'https://example.com', {}, (uri) => {
    const before = [uri.href, `${uri}`, JSON.stringify(uri), uri.pathname, new URL(uri).href]
    uri.search = '?changed'
    return { contents: [{ uri: uri.href, text: before.join(' ') }] }
  })
  expect(await read(server, 'https://EXAMPLE.com')).toEqual({
    uri: 'https://example.com/?changed',
    text: 'https://EXAMPLE.com https://EXAMPLE.com "https://EXAMPLE.com" / https://example.com/',
  })
})
