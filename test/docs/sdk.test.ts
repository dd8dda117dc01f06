/** docs/sdk.md: each row has a test that exists or a reason, and no member of the official SDK is missing. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer as McpServer1, ResourceTemplate as Template1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer as McpServer2, ResourceTemplate as Template2 } from '@modelcontextprotocol/server'
import { expect, test } from 'vitest'

const docs = join(import.meta.dirname, '../../docs')
const document = readFileSync(join(docs, 'sdk.md'), 'utf8')
const surface = document.slice(document.indexOf('## The surface'))
const places = new Map([...surface.matchAll(/^\[([\w-]+)\]: (\S+)$/gm)].map(([, name = '', path = '']) => [name, path]))
const rows = [...surface.matchAll(/^\| (.+) \| ((?:[12]\.x(?:, )?)+) \| (.+) \|$/gm)].map(
  ([, official = '', , here = '']) => ({
    official,
    here,
  }),
)

test('each test that a row names exists', () => {
  const links = rows.flatMap(({ here }) => [...here.matchAll(/\[([^\]]+)\]\[([\w-]+)\]/g)])
  expect(links.length).toBeGreaterThan(40)
  for (const [, name = '', place = ''] of links) {
    const file = join(docs, places.get(place) ?? place)
    expect(existsSync(file), `${place} is a file`).toBe(true)
    const titles = [...readFileSync(file, 'utf8').matchAll(/\b(?:test|it)[\w.]*\((?:.*\)\()?(['"])(.+?)\1, /g)]
    expect(titles.map(([, , title]) => title).filter((title) => title?.startsWith(name))).not.toEqual([])
  }
})

test('each row has a test or the reason why not', () => {
  for (const { official, here } of rows) expect(`${official}: ${here}`).toMatch(/\]\[[\w-]+\]|: Not here: ./)
})

const members = (prototype: object) =>
  Object.getOwnPropertyNames(prototype).filter((name) => !name.startsWith('_') && name !== 'constructor')

/** Members that the declarations of the SDK call private. */
const PRIVATE =
  /^(set(Tool|Completion|Resource|Prompt)RequestHandlers?|create(ToolError)|validateTool(In|Out)put|executeToolHandler|handle(AutomaticTaskPolling|PromptCompletion|ResourceCompletion))$/

/** What a handler of a tool gets. */
async function contextOf(server: McpServer1): Promise<object> {
  const [near, far] = InMemoryTransport.createLinkedPair()
  const { promise, resolve } = Promise.withResolvers<object>()
  server.registerTool('look', {}, (ctx) => {
    resolve(ctx)
    return { content: [] }
  })
  await server.connect(far)
  await near.start()
  await near.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'look' } })
  return promise
}

test('no member of McpServer, of a handle, of ResourceTemplate and of what handlers get is missing', async () => {
  const info = { name: 'server', version: '1' }
  const found: string[] = []
  for (const { prototype } of [McpServer1, McpServer2, Template1, Template2]) found.push(...members(prototype))
  // Both have these calls; their types differ.
  const servers = [
    { server: new McpServer1(info), template: new Template1('a://{b}', { list: undefined }) },
    {
      server: new McpServer2(info) as unknown as McpServer1,
      template: new Template2('a://{b}', { list: undefined }) as unknown as Template1,
    },
  ]
  for (const { server, template } of servers) {
    found.push(
      ...Object.keys(server.registerTool('one', {}, () => ({ content: [] }))),
      ...Object.keys(server.registerPrompt('one', {}, () => ({ messages: [] }))),
      ...Object.keys(server.registerResource('one', 'a://one', {}, () => ({ contents: [] }))),
      ...Object.keys(server.registerResource('two', template, {}, () => ({ contents: [] }))),
    )
    const context = await contextOf(server)
    const { mcpReq = {}, http = {} } = context as { mcpReq?: object; http?: object }
    found.push(
      ...Object.keys(context),
      ...Object.keys(mcpReq).map((name) => `mcpReq.${name}`),
      ...Object.keys(http).map((name) => `http.${name}`),
    )
  }
  const named = new Set(
    rows.flatMap(({ official }) => [...official.matchAll(/`(?:new )?([\w.]+)/g)].map(([, name = '']) => name)),
  )
  const known = new Set(['server', 'name', 'mcpReq', 'http', 'icons'])
  const missing = new Set(found.filter((name) => !named.has(name) && !known.has(name) && !PRIVATE.test(name)))
  expect([...missing]).toEqual([])
})

test('the names of SDK 2.x that are not exported are those of the document', () => {
  const declarations = readFileSync(
    join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/server/dist/index.d.mts'),
    'utf8',
  )
  const official = namesOf(declarations.slice(declarations.lastIndexOf('\nexport {')))
  const own = new Set(namesOf(readFileSync(join(import.meta.dirname, '../../lib/index.ts'), 'utf8')))
  const section = document.slice(document.indexOf('### Exported names'), document.indexOf('\nOf 1.x'))
  const listed = [...section.matchAll(/^(?:- .*?: | {2})(.+)$/gm)].flatMap(
    ([, names = '']) => names.match(/(?<=`)\w+(?=`)/g) ?? [],
  )
  expect(official.length).toBeGreaterThan(300)
  expect(listed.toSorted()).toEqual(official.filter((name) => !own.has(name)).toSorted())
})

/** The names of `export { … }`. */
function namesOf(source: string): string[] {
  return [...source.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((name) =>
        name
          .trim()
          .replace(/^type /, '')
          .replace(/^.* as /, ''),
      )
      .filter((name) => name !== ''),
  )
}
