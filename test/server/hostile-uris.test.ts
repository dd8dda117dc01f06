/**
 * A resource is found by the normal form of a URI, and its handler has what the URL parser reads, which drops some characters
 * and replaces others. Both mean the same resource, or none is found.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { request } from './fake-channel.ts'

/** What the URL of a handler has to look like, by the template that found it. */
const TEMPLATES: Record<string, RegExp> = {
  'file:///srv/secret/{name}': /^file:\/\/\/srv\/secret\/[^/]*$/,
  'file:///srv/pub/{+path}': /^file:\/\/\/srv\/pub\//,
  'https://docs.example.com/public/{+path}': /^https:\/\/docs\.example\.com\/public\//,
  'https://{tenant}.example.com/{+path}': /^https:\/\/[^/?#\\]*\.example\.com\//,
  'note://{owner}/{+path}': /^note:\/\/[^/]*\//,
}

const server = new McpServer({ name: 'hostile-uris', version: '1' })
for (const template of Object.keys(TEMPLATES)) {
  server.registerResource(template, new ResourceTemplate(template), {}, ({ protocol, host, pathname }) => ({
    contents: [{ uri: template, text: `${protocol}//${host}${pathname}` }],
  }))
}

async function read(uri: string): Promise<{ template: string; url: string } | undefined> {
  const reply = await request(server, 'resources/read', { uri }).catch(() => undefined)
  const [content] = reply?.contents ?? []
  return content && { template: content.uri, url: content.text }
}

it.each([
  'file:///srv/pub/.\t./secret/key',
  'file:///srv/pub/.\n./secret/key',
  'file:///srv/pub/%2e\r%2e/secret/key',
  'file:///srv/pub/%2\te%2e/secret/key',
  'file:///srv/pub/..\t/secret/key',
  'file:///srv/pub/.\t.\\secret\\key',
  'file:///srv/pub/a/.. ',
  'file:///srv/pub/a/..\0',
  'file:///srv/pub/a/..\x1f',
  'https://docs.example.com/public/.\t./admin',
  'https://docs.example.com/public/.. ',
  'https://evil.test\\a.example.com/p',
  'https://evil.test\\.example.com/p',
  'note://me/.\t./x',
  'note://me/.. ',
])('%j is no resource', async (uri) => {
  expect(await read(uri)).toBeUndefined()
})

it.each([
  ['file:///srv/pub/my notes/tea', 'file:///srv/pub/my%20notes/tea'],
  ['https://Docs.Example.com/public/café', 'https://docs.example.com/public/caf%C3%A9'],
  ['https://bücher.example.com/p', 'https://xn--bcher-kva.example.com/p'],
  ['https://b%C3%BCcher.example.com/p', 'https://xn--bcher-kva.example.com/p'],
  ['note://me/a\\b', 'note://me/a\\b'],
])('%s is one, in its own spelling', async (uri, url) => {
  expect((await read(uri))?.url).toBe(url)
})

it('no text reaches a resource by a template that its URL does not match', async () => {
  const prefixes = [
    'file:///srv/pub/',
    'file:///srv/secret/',
    'file:',
    'https://docs.example.com/public/',
    'https://',
    'https://evil.test',
    'note://me/',
    '',
  ]
  const pieces = [
    '.',
    '..',
    '/',
    '\\',
    '%2e',
    '%2E.',
    '%2f',
    '%5c',
    '\t',
    '\n',
    '\r',
    ' ',
    '\0',
    '\x1f',
    '\x7f',
    '@',
    ':',
    '?',
    '#',
    '%',
    '%25',
  ]
  const words = [
    'a',
    'secret',
    'key',
    '.example.com',
    'example.com/',
    'evil.test',
    '。',
    '／',
    '\u00ad',
    '|',
    'C|',
    'C:',
    '[',
    ']',
    '[::1]',
    '\ud800',
    '{',
    '}',
  ]
  const text = fc
    .tuple(fc.constantFrom(...prefixes), fc.array(fc.constantFrom(...pieces, ...words), { maxLength: 12 }))
    .map(([prefix, rest]) => prefix + rest.join(''))
  await fc.assert(
    fc.asyncProperty(text, async (uri) => {
      const found = await read(uri)
      if (found) expect(found.url, JSON.stringify(uri)).toMatch(TEMPLATES[found.template]!)
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 5_000) },
  )
})
