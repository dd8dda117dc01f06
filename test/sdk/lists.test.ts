/** Lists of official servers: which are kept, and which are asked for again. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { describe, expect, test } from 'vitest'
import { call, connect, LINES, REVISIONS } from './lines.ts'

const info = { name: 'official', version: '1' }
const done = async () => ({ content: [{ type: 'text' as const, text: 'done' }] })

/** A tool whose description counts how often it is listed. */
function counting(server: McpServer | McpServer2) {
  const seen = { count: 0 }
  const config = { description: '' }
  ;(server as McpServer).registerTool('tool', config, done)
  const { tool } = Reflect.get(server, '_registeredTools') as { tool: object }
  Object.defineProperty(tool, 'description', { get: () => `listed ${++seen.count}` })
  return seen
}

const caller = (clientId: string, ...scopes: string[]) => ({
  auth: { token: clientId, clientId, scopes, extra: { sub: clientId } },
})

describe.each([
  ['1.x', () => new McpServer(info)],
  ['2.x', () => new McpServer2(info)],
])('the list of an McpServer of %s', (_line, make) => {
  test('is made once for each revision, and again after a change', async () => {
    const server = make()
    const seen = counting(server)
    const client = await connect(server)
    const other = await client.another({ revision: '2025-06-18' })
    for (let i = 0; i < 3; i++) await client.listTools()
    expect(seen.count).toBe(1)
    for (let i = 0; i < 3; i++) await other.listTools()
    expect(seen.count).toBe(2)
    server.sendToolListChanged()
    await client.listTools()
    expect(seen.count).toBe(3)
  })

  test('is asked for each time where an author has wrapped the handler', async () => {
    const server = make()
    const seen = counting(server)
    const handlers = Reflect.get(server.server, '_requestHandlers') as Map<string, (...args: unknown[]) => unknown>
    const original = handlers.get('tools/list')
    handlers.set('tools/list', (...args) => original?.(...args))
    const client = await connect(server)
    for (let i = 0; i < 3; i++) await client.listTools()
    expect(seen.count).toBe(3)
  })

  test('is right for the author who replaces it by one for each caller', async () => {
    const server = make()
    ;(server as McpServer).registerTool('tool', {}, done)
    const list = (
      _request: unknown,
      extra: { authInfo?: { clientId: string }; http?: { authInfo?: { clientId: string } } },
    ) => {
      const name = (extra.authInfo ?? extra.http?.authInfo)?.clientId
      return { tools: [{ name, inputSchema: { type: 'object' } }] }
    }
    if (server instanceof McpServer) server.server.setRequestHandler(ListToolsRequestSchema, list as never)
    else server.server.setRequestHandler('tools/list', list as never)
    const client = await connect(server, caller('one'))
    const other = await client.another(caller('two'))
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['one'])
    expect((await other.listTools()).tools.map(({ name }) => name)).toEqual(['two'])
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['one'])
  })

  test('has what the options let a caller see', async () => {
    const server = make()
    for (const name of ['open', 'scoped', 'hidden']) (server as McpServer).registerTool(name, {}, done)
    const endpoint = {
      auth: 'middleware' as const,
      tools: {
        scoped: { requiredScopes: ['admin'] },
        hidden: { visible: ({ auth }: { auth?: { subject: string } | undefined }) => auth?.subject === 'root' },
      },
    }
    const client = await connect(server, { ...caller('ada'), endpoint })
    const admin = await client.another(caller('eve', 'admin'))
    const root = await client.another(caller('root'))
    const names = async (one: typeof client) => (await one.listTools()).tools.map(({ name }) => name)
    expect(await names(client)).toEqual(['open'])
    expect(await names(admin)).toEqual(['open', 'scoped'])
    expect(await names(root)).toEqual(['open', 'hidden'])
    await expect(call(client, 'scoped')).rejects.toThrow()
    expect(await call(admin, 'scoped')).toMatchObject({ content: [{ text: 'done' }] })
    expect(await call(root, 'hidden')).toMatchObject({ content: [{ text: 'done' }] })
  })
})

describe.each(LINES)('a tool of %s that is hidden from a caller', (_line, { makeServer, makeLowLevel }) => {
  test.each([
    ['an McpServer', makeServer, 'add'],
    ['a low-level server', makeLowLevel, 'add'],
  ])('has the answer of %s for a name that it does not have, also where it needs scopes', async (_kind, make, name) => {
    const endpoint = {
      auth: 'middleware' as const,
      tools: { [name]: { visible: () => false, requiredScopes: ['admin'] } },
    }
    for (const revision of REVISIONS) {
      const client = await connect(make(), { ...caller('ada'), revision, endpoint })
      const answer = async (tool: string) => {
        const given = await call(client, tool, { a: 1, b: 2 }).catch(({ code, message }) => ({ code, message }))
        return JSON.parse(JSON.stringify(given).replaceAll(tool, 'NAME'))
      }
      const unknown = await answer('missing')
      expect(JSON.stringify(unknown)).toContain('NAME')
      expect(await answer(name)).toEqual(unknown)
    }
  })
})
