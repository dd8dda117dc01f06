/** The private members that lib/sdk/private.ts reads, in one release of the official SDK. */
import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { describe, expect, test } from 'vitest'
import * as sdk from '../../../lib/sdk/private.ts'

/** The file of the release, where it is of this line. */
const modules = JSON.parse(process.env.RELEASE ?? '{}') as Record<string, string | undefined>
const one = modules['@modelcontextprotocol/sdk/']
const LINES = [
  ['1.x', McpServer1, 1, one && `${one}server/mcp.js`],
  ['2.x', McpServer2 as unknown as typeof McpServer1, 2, modules['@modelcontextprotocol/server']],
] as const

describe.each(LINES)('a server of %s', (_name, McpServer, line, file) => {
  test('is of the release', async () => {
    const release = (await import(file ?? '')) as { McpServer: unknown }
    expect(McpServer).toBe(release.McpServer)
  })

  test('has the members that let it be shared and called directly', async () => {
    const server = new McpServer({ name: 'members', version: '1.0.0' }, { instructions: 'Use it.' })
    server.registerTool('tool', { description: 'A tool' }, async () => ({ content: [] }))
    const low = sdk.lowLevelOf(server)
    if (!low) throw new Error('It is not recognised.')
    expect(sdk.lineOf(low)).toBe(line)
    expect(sdk.ownDescription(low)).toMatchObject({ info: { name: 'members' }, instructions: 'Use it.' })
    expect(sdk.registeredTools(server)).toHaveProperty('tool')
    expect(sdk.clientState(low)).toBeUndefined()
    expect(sdk.canFollowCaller(low)).toBe(true)
    expect(sdk.directCalls(low)?.handler('tools/call')).toBeTypeOf('function')
    expect(sdk.listsRegistrations(server, 'tools/list')).toBe(true)
    low.oninitialized = () => {}
    expect(sdk.clientState(low)).toBe('sets oninitialized')
  })

  test('has the handlers of notifications, and its own of log levels, where they are looked for', async () => {
    const { server } = new McpServer({ name: 'members', version: '1.0.0' }, { capabilities: { logging: {} } })
    expect([...(sdk.notificationHandlers(server as never)?.keys() ?? [])]).toContain('notifications/cancelled')
    expect(sdk.handles(server as never, 'logging/setLevel')).toBe(true)
    expect(sdk.handles(server as never, 'resources/subscribe')).toBe(false)
    expect(Reflect.get(server, '_loggingLevels')).toBeInstanceOf(Map)
  })

  test('shows that it handles changed roots', () => {
    const { server } = new McpServer({ name: 'roots', version: '1.0.0' })
    Reflect.get(server, '_notificationHandlers').set('notifications/roots/list_changed', () => {})
    expect(sdk.clientState(server as never)).toContain('roots/list_changed')
  })
})
