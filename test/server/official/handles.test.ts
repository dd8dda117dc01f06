/** What the register calls return: the same code changes the same lists with the official SDK and here. */
import {
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Line, lines, lines1, lines2, text, textOf } from './lines.ts'

const messages = () => ({ messages: [] })
const contents = () => ({ contents: [] })

type Shape = Record<string, z.ZodType>
/** An update of SDK 1.x takes shapes, and one of 2.x takes object schemas. */
const updated: [name: string, line: Line, objectOf: (shape: Shape) => object][] = [
  ...lines1.map(([name, line]) => [`${name}, with shapes`, line, (shape: Shape) => shape] as const),
  ...lines2.map(([name, line]) => [`${name}, with objects`, line, (shape: Shape) => z.object(shape)] as const),
].map(([...each]) => each)

describe('before the server is served', () => {
  test.each(lines)('disable and remove take an entry out, and enable brings it back (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('kept', {}, () => text(''))
    const back = server.registerTool('back', {}, () => text(''))
    back.disable()
    expect(back.enabled).toBe(false)
    back.enable()
    expect(back.enabled).toBe(true)
    server.registerTool('disabled', {}, () => text('')).disable()
    server.registerTool('removed', {}, () => text('')).remove()
    server.registerPrompt('kept', {}, messages)
    server.registerPrompt('disabled', {}, messages).disable()
    server.registerPrompt('removed', {}, messages).remove()
    server.registerResource('kept', 'notes://kept', {}, contents)
    server.registerResource('disabled', 'notes://disabled', {}, contents).disable()
    server.registerResource('removed', 'notes://removed', {}, contents).remove()
    server.registerResource('template', line.template('one://{id}', { list: undefined }), {}, contents).remove()
    const client = await line.connect(server)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['kept', 'back'])
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['kept'])
    expect((await client.listResources()).resources.map(({ name }) => name)).toEqual(['kept'])
    expect((await client.listResourceTemplates()).resourceTemplates).toEqual([])
    expect((await client.callTool({ name: 'disabled' }).catch(() => ({ isError: true }))).isError).toBe(true)
    await expect(client.getPrompt({ name: 'disabled' })).rejects.toThrow('disabled')
    await expect(client.readResource({ uri: 'notes://disabled' })).rejects.toThrow('disabled')
  })

  test.each(updated)('update changes a tool (%s)', async (_, line, objectOf) => {
    const server = line.create()
    const handle = server.registerTool('old', { inputSchema: { a: z.string() } }, () => text('old'))
    handle.update({
      name: 'new',
      title: 'New',
      description: 'Is new',
      paramsSchema: objectOf({ b: z.number() }),
      outputSchema: objectOf({ c: z.number() }),
      annotations: { readOnlyHint: true },
      _meta: { 'example.com/one': 1 },
      callback: ({ b }: { b: number }) => ({ ...text('new'), structuredContent: { c: b } }),
    })
    const client = await line.connect(server)
    expect((await client.listTools()).tools).toMatchObject([
      {
        name: 'new',
        title: 'New',
        description: 'Is new',
        inputSchema: { properties: { b: { type: 'number' } }, required: ['b'] },
        outputSchema: { properties: { c: { type: 'number' } } },
        annotations: { readOnlyHint: true },
        _meta: { 'example.com/one': 1 },
      },
    ])
    expect((await client.callTool({ name: 'new', arguments: { b: 2 } })).structuredContent).toEqual({ c: 2 })
  })

  test.each(updated)('update changes a prompt (%s)', async (_, line, objectOf) => {
    const server = line.create()
    const handle = server.registerPrompt('old', {}, messages)
    const message = { role: 'user', content: { type: 'text', text: 'new' } }
    handle.update({
      name: 'new',
      title: 'New',
      description: 'Is new',
      argsSchema: objectOf({ b: z.string() }),
      callback: () => ({ messages: [message] }),
    })
    const client = await line.connect(server)
    expect((await client.listPrompts()).prompts).toEqual([
      { name: 'new', title: 'New', description: 'Is new', arguments: [{ name: 'b', required: true }] },
    ])
    expect((await client.getPrompt({ name: 'new', arguments: { b: 'c' } })).messages).toEqual([message])
  })

  test.each(lines)('update changes a resource and a template (%s)', async (_, line) => {
    const server = line.create()
    const read = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'new' }] })
    const resource = server.registerResource('old', 'notes://old', {}, contents)
    resource.update({
      name: 'new',
      title: 'New',
      uri: 'notes://new',
      metadata: { mimeType: 'text/plain' },
      callback: read,
    })
    const template = server.registerResource('old', line.template('old://{id}', { list: undefined }), {}, contents)
    const changed = line.template('new://{id}', { list: undefined })
    template.update({
      name: 'news',
      title: 'News',
      template: changed,
      metadata: { description: 'Is new' },
      callback: read,
    })
    const client = await line.connect(server)
    expect((await client.listResources()).resources).toMatchObject([
      { name: 'new', uri: 'notes://new', mimeType: 'text/plain' },
    ])
    expect((await client.listResourceTemplates()).resourceTemplates).toMatchObject([
      { name: 'news', uriTemplate: 'new://{id}', description: 'Is new' },
    ])
    for (const uri of ['notes://new', 'new://1']) {
      expect((await client.readResource({ uri })).contents).toEqual([{ uri, text: 'new' }])
    }
  })

  test.each(lines)('a name that is null removes the entry, and enabled: false disables it (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('kept', {}, () => text(''))
    server.registerTool('removed', {}, () => text('')).update({ name: null })
    server.registerTool('disabled', {}, () => text('')).update({ enabled: false })
    const client = await line.connect(server)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['kept'])
  })

  test.each(lines)('a handle shows what was registered (%s)', (name, line) => {
    const server = line.create()
    const handler = () => text('')
    const config = { title: 'One', description: 'A tool', annotations: { readOnlyHint: true }, _meta: { a: 1 } }
    const tool = server.registerTool('one', config, handler)
    expect(tool).toMatchObject({ ...config, enabled: true })
    expect(tool.handler).toBe(handler)
    const prompt = server.registerPrompt('one', { title: 'One', description: 'A prompt' }, messages)
    expect(prompt).toMatchObject({ title: 'One', description: 'A prompt', enabled: true })
    // SDK 2.x does not show it, though its type has it.
    if (name !== 'SDK 2.x') expect(prompt.callback).toBe(messages)
    const resource = server.registerResource('one', 'notes://one', { mimeType: 'text/plain' }, contents)
    expect(resource).toMatchObject({ name: 'one', metadata: { mimeType: 'text/plain' }, enabled: true })
    expect(resource.readCallback).toBe(contents)
    const place = line.template('one://{id}', { list: undefined })
    const template = server.registerResource('one', place, { mimeType: 'text/plain' }, contents)
    expect(template).toMatchObject({ metadata: { mimeType: 'text/plain' }, enabled: true })
    expect(template.resourceTemplate).toBe(place)
    expect(template.readCallback).toBe(contents)
  })
})

describe('while the server is served', () => {
  test.each(lines)('a handle changes the lists, and the client is notified (%s)', async (_, line) => {
    const server = line.create()
    const tool = server.registerTool('tool', {}, () => text(''))
    const prompt = server.registerPrompt('prompt', {}, messages)
    const resource = server.registerResource('resource', 'notes://one', {}, contents)
    const client = await line.connect(server)
    const notified: string[] = []
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void notified.push('tools'))
    client.setNotificationHandler(PromptListChangedNotificationSchema, () => void notified.push('prompts'))
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void notified.push('resources'))
    await client.ping()
    tool.disable()
    prompt.disable()
    resource.disable()
    await expect.poll(() => new Set(notified), { timeout: 20_000 }).toEqual(new Set(['tools', 'prompts', 'resources']))
    expect((await client.listTools()).tools).toEqual([])
    expect((await client.listPrompts()).prompts).toEqual([])
    expect((await client.listResources()).resources).toEqual([])
    tool.enable()
    server.registerTool('later', {}, () => text('later'))
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['tool', 'later'])
    expect(textOf(await client.callTool({ name: 'later' }))).toBe('later')
  })

  test.each(lines)('the server announces list changes and updates itself (%s)', async (_, line) => {
    const server = line.create({ capabilities: { resources: { subscribe: true } } })
    server.registerTool('tool', {}, () => text(''))
    server.registerPrompt('prompt', {}, messages)
    server.registerResource('resource', 'notes://one', {}, contents)
    const client = await line.connect(server)
    const notified: string[] = []
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void notified.push('tools'))
    client.setNotificationHandler(PromptListChangedNotificationSchema, () => void notified.push('prompts'))
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void notified.push('resources'))
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void notified.push(params.uri))
    // The official SDK leaves subscriptions to a handler of the author, and sends every update.
    await client.subscribeResource({ uri: 'notes://one' }).catch(() => {})
    server.sendToolListChanged()
    server.sendPromptListChanged()
    server.sendResourceListChanged()
    await server.server.sendResourceUpdated({ uri: 'notes://one' })
    await expect
      .poll(() => new Set(notified), { timeout: 20_000 })
      .toEqual(new Set(['tools', 'prompts', 'resources', 'notes://one']))
  })
})
