/** Results that a client could not read: an error of the call that names the place and what belongs there. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Revision } from '../../lib/protocol/revisions.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { completable } from '../../lib/server/registry/completable.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { fakeChannel, request } from './fake-channel.ts'

const REVISIONS: Revision[] = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']
const TYPES = 'one of "text", "image", "audio", "resource_link", "resource"'

/** Blocks of content with the fault that the error names. */
const BLOCKS: [block: unknown, place: string, fault: string][] = [
  [{ type: 'txt', text: 'a' }, '.type', `is "txt" and must be ${TYPES}`],
  [{ type: 'Text', text: 'a' }, '.type', `is "Text" and must be ${TYPES}`],
  [{ type: 'constructor' }, '.type', `is "constructor" and must be ${TYPES}`],
  [{ type: 'tool_use', id: '1', name: 'x', input: {} }, '.type', TYPES],
  [{ text: 'a' }, '.type', 'is undefined and must be a string'],
  ['a', '', 'is a string and must be an object'],
  [null, '', 'is null and must be an object'],
  [['a'], '', 'is an array and must be an object'],
  [{ type: 'text' }, '.text', 'is undefined and must be a string'],
  [{ type: 'text', text: 5 }, '.text', 'is a number and must be a string'],
  [{ type: 'text', text: null }, '.text', 'is null and must be a string'],
  [{ type: 'text', text: 'a', _meta: 5 }, '._meta', 'is a number and must be an object'],
  [{ type: 'text', text: 'a', annotations: [] }, '.annotations', 'is an array and must be an object'],
  [{ type: 'image', data: 'aGk=' }, '.mimeType', 'is undefined and must be a string'],
  [{ type: 'image', mimeType: 'image/png' }, '.data', 'is undefined and must be a string'],
  [{ type: 'image', data: new Uint8Array(2), mimeType: 'image/png' }, '.data', 'is an object and must be a string'],
  [{ type: 'audio', data: 'aGk=' }, '.mimeType', 'is undefined and must be a string'],
  [{ type: 'resource_link', uri: 'test://x' }, '.name', 'is undefined and must be a string'],
  [{ type: 'resource_link', name: 'x' }, '.uri', 'is undefined and must be a string'],
  [{ type: 'resource_link', name: 'x', uri: 'test://x', mimeType: null }, '.mimeType', 'is null and must be a string'],
  [{ type: 'resource' }, '.resource', 'is undefined and must be an object'],
  [{ type: 'resource', resource: { uri: 'test://x' } }, '.resource.text', 'or "blob" must be'],
  [{ type: 'resource', resource: { text: 'x' } }, '.resource.uri', 'is undefined and must be a string'],
  [{ type: 'resource', resource: { uri: 'test://x', blob: 5 } }, '.resource.blob', 'is a number and must be a string'],
]

const VALID = [
  { type: 'text', text: '' },
  { type: 'image', data: '', mimeType: 'image/png', annotations: {}, _meta: {} },
  { type: 'audio', data: '', mimeType: 'audio/wav' },
  { type: 'resource_link', uri: 'test://x', name: 'x', mimeType: undefined },
  { type: 'resource', resource: { uri: 'test://x', text: '' } },
  { type: 'resource', resource: { uri: 'test://x', blob: '', mimeType: 'image/png' } },
]

describe.each(REVISIONS)('content in %s', (revision) => {
  const channel = () => fakeChannel({ revision })
  const server = (result: unknown) => {
    const made = new McpServer({ name: 'content', version: '1' })
    made.registerTool('now', {}, () => result as never)
    made.registerTool('later', {}, async () => result as never)
    made.registerPrompt('p', {}, () => result as never)
    made.registerResource('r', 'test://r', {}, () => result as never)
    return made
  }

  test.each(BLOCKS)('of a tool: %j names content[1]%s', async (block, place, fault) => {
    for (const name of ['now', 'later']) {
      const content = [{ type: 'text', text: 'fine' }, block]
      const result = await request(server({ content }), 'tools/call', { name }, channel())
      expect(result.isError).toBe(true)
      expect(result.content).toHaveLength(1)
      expect(result.content[0].text).toContain(`The tool "${name}" returned no valid result: content[1]${place} `)
      expect(result.content[0].text).toContain(fault)
    }
  })

  test.each(BLOCKS)('of a prompt: %j names messages[0].content%s', async (content, place, fault) => {
    const messages = [{ role: 'user', content }]
    const asked = request(server({ messages }), 'prompts/get', { name: 'p' }, channel())
    await expect(asked).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining(`messages[0].content${place} `),
    })
    await expect(asked).rejects.toThrow(fault)
  })

  test('of every type is served', async () => {
    const made = server({ content: VALID })
    for (const name of ['now', 'later']) {
      const result = await request(made, 'tools/call', { name }, channel())
      expect([result.isError, result.content.length]).toEqual([undefined, VALID.length])
    }
    const messages = VALID.map((content) => ({ role: 'assistant', content }))
    const prompt = await request(server({ messages }), 'prompts/get', { name: 'p' }, channel())
    expect(prompt.messages).toHaveLength(VALID.length)
  })

  test.each<[object, string]>([
    [{ content: 'a' }, 'content is a string and must be an array'],
    [{ content: null }, 'content is null and must be an array'],
    [{ content: new Array(1) }, 'content[0] is undefined and must be an object'],
    [{ content: [], isError: 'yes' }, 'isError is a string and must be true or false'],
    [{ content: [], _meta: 'x' }, '_meta is a string and must be an object'],
    [{}, 'neither "content" nor "structuredContent"'],
  ])('of a tool: %j', async (result, fault) => {
    const { isError, content } = await request(server(result), 'tools/call', { name: 'now' }, channel())
    expect(isError).toBe(true)
    expect(content[0].text).toContain(fault)
  })

  test.each<[object, string]>([
    [{ messages: {} }, 'messages is an object and must be an array'],
    [{ messages: [5] }, 'messages[0] is a number and must be an object'],
    [
      { messages: [{ role: 'system', content: VALID[0] }] },
      'messages[0].role is "system" and must be "user" or "assistant"',
    ],
    [{ messages: [{ content: VALID[0] }] }, 'messages[0].role is undefined and must be "user" or "assistant"'],
    [{ messages: [{ role: 'user', content: VALID }] }, 'messages[0].content is an array and must be an object'],
    [{ messages: [], description: 5 }, 'description is a number and must be a string'],
  ])('of a prompt: %j', async (result, fault) => {
    await expect(request(server(result), 'prompts/get', { name: 'p' }, channel())).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining(fault),
    })
  })

  test.each<[object, string]>([
    [{ contents: { uri: 'test://r', text: '' } }, 'contents is an object and must be an array'],
    [{ contents: [{ text: 'x' }] }, 'contents[0].uri is undefined and must be a string'],
    [{ contents: [{ uri: new URL('test://r'), text: 'x' }] }, 'contents[0].uri is an object and must be a string'],
    [{ contents: [{ uri: 'test://r' }] }, 'contents[0].text is undefined and must be a string'],
    [{ contents: [{ uri: 'test://r', blob: Buffer.from('x') }] }, 'contents[0].blob is an object and must be a string'],
    [
      { contents: [{ uri: 'test://r', text: 'x', mimeType: 5 }] },
      'contents[0].mimeType is a number and must be a string',
    ],
    [{}, 'contents is undefined and must be an array'],
  ])('of a resource: %j', async (result, fault) => {
    await expect(request(server(result), 'resources/read', { uri: 'test://r' }, channel())).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining(fault),
    })
  })

  test.each<[unknown, string]>([
    [undefined, 'it is undefined and must be an object'],
    [{ resources: 5 }, 'resources is a number and must be an array'],
    [{ resources: [{ uri: 'test://l/1' }] }, 'resources[0].name is undefined and must be a string'],
    [{ resources: [{ name: 'x' }] }, 'resources[0].uri is undefined and must be a string'],
  ])('of the list of a template: %j', async (result, fault) => {
    const made = new McpServer({ name: 'content', version: '1' })
    const template = new ResourceTemplate('test://l/{x}', { list: () => result as never })
    made.registerResource('l', template, {}, () => ({ contents: [] }))
    await expect(request(made, 'resources/list', {}, channel())).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining(fault),
    })
  })

  test.each<[unknown, string]>([
    ['a', 'completion.values is a string and must be an array'],
    [['a', 5], 'completion.values[1] is a number and must be a string'],
    [undefined, 'completion.values is undefined and must be an array'],
  ])('of a completion: %j', async (values, fault) => {
    const made = new McpServer({ name: 'content', version: '1' })
    const argsSchema = z.object({ a: completable(z.string(), () => values as never) })
    made.registerPrompt('p', { argsSchema }, () => ({ messages: [] }))
    const params = { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } }
    await expect(request(made, 'completion/complete', params, channel())).rejects.toMatchObject({
      code: -32603,
      message: expect.stringContaining(fault),
    })
  })
})
