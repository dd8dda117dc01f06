/** `visible`: an entry that is hidden from a caller is one that does not exist, for every method and both kinds of revision. */
import { describe, expect, it, test, vi } from 'vitest'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import type { Revision } from '../../lib/protocol/revisions.ts'
import { McpServer, type McpServerOptions } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import type { Caller } from '../../lib/server/registry/config.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { fakeChannel, request } from './fake-channel.ts'

const text = (content: string) => () => ({ content: [{ type: 'text' as const, text: content }] })
const contents = (uri: URL) => ({ contents: [{ uri: uri.href, text: 'x' }] })
const forAdmins = ({ auth }: Caller) => auth?.scopes.includes('admin') === true

function build(options: McpServerOptions = {}): McpServer {
  const server = new McpServer({ name: 'hiding', version: '1' }, options)
  server.registerTool('open', {}, text('open'))
  server.registerTool('purge', { visible: forAdmins, outputSchema: { type: 'object' } }, () => ({
    structuredContent: {},
  }))
  server.registerResource('note', 'notes://open', {}, contents)
  server.registerResource('secret', 'notes://secret', { visible: forAdmins }, contents)
  server.registerResource('page', new ResourceTemplate('pages://{id}', { complete: { id: () => ['1'] } }), {}, contents)
  const vault = new ResourceTemplate('vault://{id}', {
    complete: { id: () => ['1'] },
    list: () => ({ resources: [{ uri: 'vault://1', name: 'one' }] }),
  })
  server.registerResource('vault', vault, { visible: forAdmins }, contents)
  server.registerPrompt('plan', {}, () => ({ messages: [] }))
  server.registerPrompt('coup', { visible: forAdmins }, () => ({ messages: [] }))
  return server
}

const refTo = (uri: string) => ({ ref: { type: 'ref/resource', uri }, argument: { name: 'id', value: '' } })
const refOf = (name: string) => ({ ref: { type: 'ref/prompt', name }, argument: { name: 'id', value: '' } })

/** A request about a hidden entry, and the same about a name that does not exist. */
const REQUESTS: [string, JsonObject, JsonObject][] = [
  ['tools/call', { name: 'purge' }, { name: 'perge' }],
  ['tools/call', { name: 'purge', arguments: 5 }, { name: 'perge', arguments: 5 }],
  ['resources/read', { uri: 'notes://secret' }, { uri: 'notes://sacret' }],
  ['resources/read', { uri: 'vault://1' }, { uri: 'voult://1' }],
  ['prompts/get', { name: 'coup' }, { name: 'cuup' }],
  ['completion/complete', refTo('vault://{id}'), refTo('voult://{id}')],
  ['completion/complete', refTo('notes://secret'), refTo('notes://sacret')],
  ['completion/complete', refOf('coup'), refOf('cuup')],
]

const REVISIONS: Revision[] = ['2025-06-18', '2025-11-25', '2026-07-28']

describe.each(REVISIONS)('in %s', (revision) => {
  const failure = (params: JsonObject, method: string, scopes: string[] = []) =>
    request(build(), method, params, fakeChannel({ revision, scopes })).then(
      () => 'served',
      ({ code, message, data }) => ({ code, message, data }),
    )

  it.each(REQUESTS)('%s %j has the answer for %j', async (method, hidden, missing) => {
    const given = await failure(missing, method)
    // The texts name what was asked for, and differ in it alone.
    const [name, other] = [hidden, missing].map((params) => {
      const ref = params.ref as JsonObject | undefined
      return String(params.name ?? params.uri ?? ref?.name ?? ref?.uri)
    }) as [string, string]
    expect(JSON.parse(JSON.stringify(given).replaceAll(other, name))).toEqual(
      JSON.parse(JSON.stringify(await failure(hidden, method))),
    )
    expect(given).toMatchObject({ code: expect.any(Number) })
    if (hidden.arguments === undefined) expect(await failure(hidden, method, ['admin'])).toBe('served')
  })

  it.each([
    ['tools/list', 'tools', ['open'], ['open', 'purge']],
    ['resources/list', 'resources', ['note'], ['note', 'secret', 'one']],
    ['resources/templates/list', 'resourceTemplates', ['page'], ['page', 'vault']],
    ['prompts/list', 'prompts', ['plan'], ['plan', 'coup']],
  ])('%s has what the caller sees', async (method, member, some, all) => {
    const server = build()
    for (const [scopes, names] of [
      [[], some],
      [['admin'], all],
      [['other'], some],
    ] as const) {
      const list = await request(server, method, {}, fakeChannel({ revision, scopes: [...scopes] }))
      expect(list[member].map(({ name }: { name: string }) => name)).toEqual(names)
    }
  })
})

test('visible is no member of what is listed', async () => {
  const { tools } = await request(build(), 'tools/list', {}, fakeChannel({ scopes: ['admin'] }))
  expect(Object.keys(tools[1])).not.toContain('visible')
})

describe('a caller is described by', () => {
  const seen = async (revision: Revision): Promise<Caller> => {
    const visible = vi.fn((_caller: Caller) => true)
    const server = new McpServer({ name: 'x', version: '1' })
    server.registerTool('a', { visible }, text('a'))
    await request(server, 'tools/call', { name: 'a' }, fakeChannel({ revision, scopes: ['one'] }))
    return visible.mock.calls[0]?.[0] as Caller
  }

  it('its token, the revision and the client in a session', async () => {
    expect(await seen('2025-11-25')).toMatchObject({
      auth: { scopes: ['one'] },
      revision: '2025-11-25',
      client: { info: { name: 'fake' } },
    })
  })

  it('its token and the revision without a session', async () => {
    const caller = await seen('2026-07-28')
    expect(caller).toMatchObject({ auth: { scopes: ['one'] }, revision: '2026-07-28' })
    expect(caller.client).toBe(undefined)
  })
})

describe('lists', () => {
  const channel = (scopes: string[], revision: Revision = '2026-07-28') => fakeChannel({ scopes, revision })

  it('are private where an entry may be hidden, also for a caller that sees all', async () => {
    const cacheHints = { 'tools/list': { cacheScope: 'public' }, 'prompts/list': { cacheScope: 'public' } } as const
    const server = new McpServer({ name: 'x', version: '1' }, { cacheHints })
    server.registerTool('purge', { visible: forAdmins }, text('x'))
    server.registerPrompt('plan', {}, () => ({ messages: [] }))
    for (const scopes of [[], ['admin']]) {
      expect(await request(server, 'tools/list', {}, channel(scopes))).toMatchObject({ cacheScope: 'private' })
      expect(await request(server, 'prompts/list', {}, channel(scopes))).toMatchObject({ cacheScope: 'public' })
    }
  })

  it('so is what was read of a resource that may be hidden', async () => {
    const server = new McpServer({ name: 'x', version: '1' })
    const cacheHint = { cacheScope: 'public' } as const
    server.registerResource('a', 'notes://a', { visible: () => true, cacheHint }, contents)
    server.registerResource('b', 'notes://b', { cacheHint }, contents)
    expect(await request(server, 'resources/read', { uri: 'notes://a' }, channel([]))).toMatchObject({
      cacheScope: 'private',
    })
    expect(await request(server, 'resources/read', { uri: 'notes://b' }, channel([]))).toMatchObject({
      cacheScope: 'public',
    })
  })

  it('are made once for all callers that see the same entries', () => {
    const dispatcher = dispatcherOf(build())
    const list = (scopes: string[]) => dispatcher.dispatch('tools/list', {}, channel(scopes))
    const [none, other, admin] = [list([]), list(['other']), list(['admin', 'another'])]
    expect(other).toBe(none)
    expect(list(['admin'])).toBe(admin)
    expect(admin).not.toBe(none)
  })

  it('of many outcomes are kept up to a bound', async () => {
    const server = new McpServer({ name: 'x', version: '1' })
    const description = 'x'.repeat(50_000)
    for (let n = 0; n < 8; n++) {
      server.registerTool(
        `t${n}`,
        { description, visible: ({ auth }) => auth?.scopes.includes(`${n}`) === true },
        text('x'),
      )
    }
    let most = 0
    for (let outcome = 0; outcome < 256; outcome++) {
      const scopes = Array.from({ length: 8 }, (_, n) => `${n}`).filter((n) => outcome & (1 << Number(n)))
      const { tools } = await request(server, 'tools/list', {}, channel(scopes))
      expect(tools).toHaveLength(scopes.length)
      most = Math.max(most, server.registry.lists.size)
    }
    expect(most).toBeGreaterThan(7 * 1024 * 1024)
    expect(most).toBeLessThan(9 * 1024 * 1024)
  })

  it('have pages of what the caller sees', async () => {
    const server = new McpServer({ name: 'x', version: '1' }, { pageSize: 2 })
    for (let n = 0; n < 6; n++) server.registerTool(`t${n}`, n % 2 === 0 ? {} : { visible: forAdmins }, text('x'))
    const first = await request(server, 'tools/list', {}, channel([]))
    const second = await request(server, 'tools/list', { cursor: first.nextCursor }, channel([]))
    expect([first, second].flatMap(({ tools }) => tools.map(({ name }: { name: string }) => name))).toEqual([
      't0',
      't2',
      't4',
    ])
    expect(second).not.toHaveProperty('nextCursor')
  })
})

test('a URI whose resource is hidden belongs to the next template that matches, as if there were no resource', async () => {
  const server = new McpServer({ name: 'x', version: '1' })
  server.registerResource('secret', 'notes://secret', { visible: forAdmins }, () => ({
    contents: [{ uri: 'notes://secret', text: 'the secret' }],
  }))
  const cacheHint = { cacheScope: 'public' } as const
  server.registerResource('any', new ResourceTemplate('notes://{id}'), { cacheHint }, (uri) => ({
    contents: [{ uri: uri.href, text: 'any note' }],
  }))
  const read = async (scopes: string[]) =>
    (await request(server, 'resources/read', { uri: 'notes://secret' }, fakeChannel({ scopes }))).contents[0].text
  expect(await read(['admin'])).toBe('the secret')
  expect(await read([])).toBe('any note')
  // Other callers read another resource: a cache that they share must not have this one.
  const read26 = (scopes: string[]) =>
    request(server, 'resources/read', { uri: 'notes://secret' }, fakeChannel({ revision: '2026-07-28', scopes }))
  expect([(await read26([])).cacheScope, (await read26(['admin'])).cacheScope]).toEqual(['private', 'private'])
  // An update would say that the hidden resource exists.
  const shows = (scopes: string[]) =>
    dispatcherOf(server).shows?.('notes://secret', { ...fakeChannel({ scopes }), client: undefined })
  expect([shows(['admin']), shows([])]).toEqual([true, false])
})

describe('a visible that fails', () => {
  const FAILING: [string, () => unknown, RegExp][] = [
    [
      'throws',
      () => {
        throw new RangeError('no plan')
      },
      /visible of "failing" threw: no plan/,
    ],
    [
      'returns a promise',
      () => Promise.resolve(true),
      /visible of "failing" returned a promise and must return true or false/,
    ],
    ['returns a promise that rejects', () => Promise.reject(new Error('late')), /returned a promise/],
    ['returns nothing', () => undefined, /returned undefined/],
    ['returns another value', () => 'yes', /returned a string/],
  ]

  it.each(FAILING)('%s: the entry is hidden, and the fault is reported once', async (_, visible, expected) => {
    const server = build()
    server.registerTool('failing', { visible: visible as () => boolean }, text('x'))
    const reports: Error[] = []
    const dispatcher = dispatcherOf(server)
    dispatcher.reportTo?.((error) => reports.push(error))
    for (let n = 0; n < 3; n++) {
      expect((await request(server, 'tools/list')).tools.map(({ name }: JsonObject) => name)).not.toContain('failing')
      await expect(request(server, 'tools/call', { name: 'failing' })).rejects.toThrow('Unknown tool "failing".')
    }
    expect(reports).toHaveLength(1)
    expect(reports[0]?.message).toMatch(expected)
  })

  it('is a warning of the process where no endpoint listens', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const server = build()
    server.registerTool('failing', { visible: (() => 1) as never }, text('x'))
    await request(server, 'tools/list')
    expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('returned a number'), 'McpAnywhereWarning')
    warned.mockRestore()
  })

  it.each([
    [true, /Tool "a": visible is a boolean and must be a function/],
    [async () => true, /Tool "a": visible is async/],
  ])('is refused as it is registered: %s', (visible, expected) => {
    const server = new McpServer({ name: 'x', version: '1' })
    expect(() => server.registerTool('a', { visible: visible as never }, text('x'))).toThrow(expected)
    expect(() => server.registerPrompt('a', { visible: visible as never }, () => ({ messages: [] }))).toThrow(TypeError)
    expect(() => server.registerResource('a', 'a://b', { visible: visible as never }, contents)).toThrow(TypeError)
    const template = new ResourceTemplate('a://{b}')
    expect(() => server.registerResource('a', template, { visible: visible as never }, contents)).toThrow(TypeError)
  })
})

test('a server without visible asks nobody', () => {
  const server = new McpServer({ name: 'x', version: '1' })
  server.registerTool('a', {}, text('x'))
  expect(dispatcherOf(server).hides).toBe(false)
  server.registerTool('b', { visible: () => true }, text('x'))
  expect(dispatcherOf(server).hides).toBe(true)
})

test('a handle changes who sees an entry', async () => {
  const server = new McpServer({ name: 'x', version: '1' })
  const handle = server.registerTool('a', {}, text('x'))
  const names = async () => (await request(server, 'tools/list')).tools.length
  expect(await names()).toBe(1)
  handle.update({ visible: () => false })
  expect(await names()).toBe(0)
  handle.update({ visible: () => true })
  expect(await names()).toBe(1)
})
