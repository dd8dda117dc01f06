import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import { McpServer, type McpServerOptions } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { fakeChannel, request } from './fake-channel.ts'

const text = () => ({ content: [{ type: 'text' as const, text: 'ok' }] })
const contents = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'ok' }] })

function build(count: number, options: McpServerOptions = {}): McpServer {
  const server = new McpServer({ name: 'test', version: '1.0.0' }, options)
  for (let n = 1; n <= count; n++) {
    server.registerTool(`t${n}`, { inputSchema: z.object({ n: z.number() }) }, text)
    server.registerResource(`r${n}`, `test://r/${n}`, {}, contents)
    server.registerResource(`p${n}`, new ResourceTemplate(`test://p${n}/{x}`), {}, contents)
    server.registerPrompt(`q${n}`, {}, () => ({ messages: [] }))
  }
  return server
}

const LISTS = [
  ['tools/list', 'tools', 't'],
  ['resources/list', 'resources', 'r'],
  ['resources/templates/list', 'resourceTemplates', 'p'],
  ['prompts/list', 'prompts', 'q'],
] as const

describe.each(LISTS)('%s', (method, member, prefix) => {
  it('has every entry, page by page, in the order of registration', async () => {
    const server = build(25, { pageSize: 10 })
    const names: string[] = []
    const sizes: number[] = []
    let cursor: string | undefined
    do {
      const page = await request(server, method, cursor === undefined ? {} : { cursor })
      sizes.push(page[member].length)
      names.push(...page[member].map((item: { name: string }) => item.name))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(sizes).toEqual([10, 10, 5])
    expect(names).toEqual(Array.from({ length: 25 }, (_, index) => `${prefix}${index + 1}`))
  })

  it('has cursors that another instance can read', async () => {
    const { nextCursor } = await request(build(25, { pageSize: 10 }), method)
    const page = await request(build(25, { pageSize: 10 }), method, { cursor: nextCursor })
    expect(page[member][0].name).toBe(`${prefix}11`)
  })

  it('has no cursor where a page ends with the list', async () => {
    expect(await request(build(10, { pageSize: 10 }), method)).not.toHaveProperty('nextCursor')
  })

  it('refuses a cursor that no page has', async () => {
    const server = build(25, { pageSize: 10 })
    const [other] = LISTS.filter(([name]) => name !== method)
    const foreign = (await request(server, other?.[0] ?? '')).nextCursor
    const made = (value: string) => Buffer.from(value).toString('base64url')
    const cursors = [
      '',
      'next',
      '10',
      foreign,
      made(`${method}:0`),
      made(`${method}:-10`),
      made(`${method}:1e1`),
      made(`${method}:10.5`),
      made(`${method}:1000`),
      made(`${method}:7`),
      made(`${method}:25`),
      `${made(`${method}:10`)}=`,
      10,
      null,
    ]
    for (const cursor of cursors) {
      await expect(request(server, method, { cursor } as JsonObject), String(cursor)).rejects.toMatchObject({
        code: -32602,
      })
    }
  })

  it('is serialized once and then sent as it is', () => {
    const dispatcher = dispatcherOf(build(3))
    const first = dispatcher.dispatch(method, undefined, fakeChannel())
    expect(dispatcher.dispatch(method, {}, fakeChannel())).toBe(first)
  })

  it('has a cache hint in the stateless revision only', async () => {
    const server = build(3, { cacheHints: { [method]: { ttlMs: 5000, cacheScope: 'public' } } })
    expect(await request(server, method, {}, fakeChannel({ revision: '2026-07-28' }))).toMatchObject({
      ttlMs: 5000,
      cacheScope: 'public',
    })
    expect(Object.keys(await request(server, method))).toEqual([member])
    expect(await request(build(3), method, {}, fakeChannel({ revision: '2026-07-28' }))).toMatchObject({
      ttlMs: 60_000,
      cacheScope: 'private',
    })
  })
})

describe.each(LISTS)('%s without a page size', (method, member) => {
  const LIMIT = 512 * 1024
  const filled = (count: number, characters: number) => {
    const server = new McpServer({ name: 'long', version: '1.0.0' })
    const description = 'é'.repeat(characters / 2)
    for (let n = 1; n <= count; n++) {
      server.registerTool(`t${n}`, { description }, text)
      server.registerResource(`r${n}`, `test://r/${n}`, { description }, contents)
      server.registerResource(`p${n}`, new ResourceTemplate(`test://p${n}/{x}`), { description }, contents)
      server.registerPrompt(`q${n}`, { description }, () => ({ messages: [] }))
    }
    return server
  }

  it('is one page up to 512 KB, since several clients read no further', async () => {
    const page = await request(filled(450, 1_000), method)
    expect(page[member]).toHaveLength(450)
    expect(page).not.toHaveProperty('nextCursor')
  })

  it('that is longer has pages of at most 512 KB with every entry once', async () => {
    const server = filled(1_500, 1_000)
    const names = new Set<string>()
    let cursor: string | undefined
    let pages = 0
    do {
      const page = await request(server, method, cursor === undefined ? {} : { cursor })
      expect(Buffer.byteLength(JSON.stringify(page[member]))).toBeLessThanOrEqual(LIMIT + 1)
      for (const item of page[member]) names.add(item.name)
      cursor = page.nextCursor
      pages++
    } while (cursor !== undefined)
    expect(names.size).toBe(1_500)
    expect(pages).toBeGreaterThan(2)
  })

  it('gives an entry that is longer than a page a page of its own', async () => {
    const server = filled(3, 2 * LIMIT)
    const first = await request(server, method)
    expect(first[member]).toHaveLength(1)
    const second = await request(server, method, { cursor: first.nextCursor })
    expect(second[member]).toHaveLength(1)
    expect(second.nextCursor).not.toBe(first.nextCursor)
  })

  it('takes cursors at which a page begins, also those of an instance with pages of 100, and no others', async () => {
    const server = filled(1_500, 1_000)
    const at = (position: number) => {
      const cursor = Buffer.from(`${method}:${position}`).toString('base64url')
      return request(server, method, { cursor })
    }
    await request(server, method)
    const kept = () => server.registry.lists.size
    const before = kept()
    expect((await at(700))[member][0].name).toMatch(/701$/)
    for (const position of [1, 99, 101, 1_499, 1_500, 1_600, 100_000]) {
      await expect(at(position), String(position)).rejects.toMatchObject({ code: -32602 })
    }
    expect(kept()).toBe(before)
  })
})

it('shows a tool that was registered after the list was read', async () => {
  const server = build(1)
  await request(server, 'tools/list')
  server.registerTool('late', {}, text)
  expect((await request(server, 'tools/list')).tools).toHaveLength(2)
})

describe('scopes', () => {
  const server = build(1, { cacheHints: { 'tools/list': { cacheScope: 'public' } } })
  server.registerTool('write', { requiredScopes: ['write'] }, text)
  server.registerTool('admin', { requiredScopes: ['write', 'admin'] }, text)
  const names = async (scopes?: string[]) => {
    const { tools } = await request(server, 'tools/list', {}, fakeChannel(scopes === undefined ? {} : { scopes }))
    return tools.map((tool: { name: string }) => tool.name)
  }

  it('hide tools from a caller that lacks them', async () => {
    expect(await names([])).toEqual(['t1'])
    expect(await names(['admin'])).toEqual(['t1'])
    expect(await names(['write', 'other'])).toEqual(['t1', 'write'])
    expect(await names(['admin', 'write'])).toEqual(['t1', 'write', 'admin'])
  })

  it('hide nothing where there is no authorization', async () => {
    expect(await names()).toEqual(['t1', 'write', 'admin'])
  })

  it('make a list private, also where the author made it public', async () => {
    const channel = fakeChannel({ revision: '2026-07-28', scopes: ['write', 'admin'] })
    expect(await request(server, 'tools/list', {}, channel)).toMatchObject({ cacheScope: 'private' })
  })
})

describe('a template that lists its resources', () => {
  const server = build(3, { pageSize: 4 })
  let count = 3
  const template = new ResourceTemplate('test://dynamic/{n}', {
    list: async (ctx) => ({
      resources: Array.from({ length: count }, (_, n) => ({
        uri: `test://dynamic/${n}`,
        name: `d${n}`,
        ...(n === 0 ? { mimeType: 'text/html', title: `for ${ctx.client.info?.name}` } : {}),
      })),
    }),
  })
  server.registerResource('dynamic', template, { mimeType: 'text/plain', title: 'Dynamic' }, contents)

  it('adds them after the fixed ones, over pages, with the members of the template', async () => {
    const first = await request(server, 'resources/list')
    expect(first.resources.map((resource: { name: string }) => resource.name)).toEqual(['r1', 'r2', 'r3', 'd0'])
    expect(first.resources[3]).toMatchObject({ mimeType: 'text/html', title: 'for fake' })
    const second = await request(server, 'resources/list', { cursor: first.nextCursor })
    expect(second.resources).toEqual([
      { uri: 'test://dynamic/1', name: 'd1', mimeType: 'text/plain', title: 'Dynamic' },
      { uri: 'test://dynamic/2', name: 'd2', mimeType: 'text/plain', title: 'Dynamic' },
    ])
    expect(second).not.toHaveProperty('nextCursor')
  })

  it('lists them anew for each request', async () => {
    count = 0
    expect((await request(server, 'resources/list')).resources).toHaveLength(3)
  })
})
