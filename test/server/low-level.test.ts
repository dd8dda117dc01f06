/** What an `McpServer` does not take of the official SDK's servers: errors of one line that name the way. */
import { describe, expect, it, vi } from 'vitest'
import { Server } from '../../lib/server/low-level.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'

const newServer = () => new McpServer({ name: 'test', version: '1.0.0' })

const OFFICIAL = /createEndpoint\(officialServer\)\.$/

function refusal(use: () => unknown): string {
  try {
    use()
  } catch (error) {
    const { message } = error as Error
    expect(error).toBeInstanceOf(TypeError)
    expect(message).toMatch(OFFICIAL)
    expect(message).not.toContain('\n')
    return message
  }
  throw new Error('It was not refused.')
}

describe('server.server', () => {
  it.each([
    ['setRequestHandler', 'server.use'],
    ['setNotificationHandler', 'server.use'],
    ['elicitInput', 'ctx.elicit(message, schema)'],
    ['createMessage', 'ctx.sample(params)'],
    ['listRoots', 'ctx.listRoots()'],
    ['getClientCapabilities', 'ctx.client.capabilities'],
    ['getClientVersion', 'ctx.client.info'],
    ['sendLoggingMessage', 'ctx.log(level, data)'],
    ['connect', 'createEndpoint(server)'],
    ['close', 'endpoint.close()'],
    ['transport', 'createEndpoint(server)'],
    ['someMemberOfTomorrow', 'Register tools'],
  ])('has no %s, and its error names %s', (member, instead) => {
    const low = newServer().server as unknown as Record<string, () => unknown>
    const message = refusal(() => low[member]?.())
    expect(message).toContain(`server.${member}`)
    expect(message).toContain(instead)
  })

  it.each([
    ['oninitialized', 'ctx.client'],
    ['onclose', 'ctx.signal'],
    ['onerror', '"onError" of createEndpoint'],
  ])('refuses to have %s set, and its error names %s', (member, instead) => {
    const low = newServer().server as unknown as Record<string, unknown>
    expect(
      refusal(() => {
        low[member] = () => {}
      }),
    ).toContain(instead)
  })

  it('announces changes', async () => {
    const server = newServer()
    const announced = vi.fn()
    dispatcherOf(server).onChange?.(announced)
    await server.server.sendToolListChanged()
    await server.server.sendPromptListChanged()
    await server.server.sendResourceListChanged()
    await server.server.sendResourceUpdated({ uri: 'test://a' })
    expect(announced.mock.calls.flat()).toEqual([
      { kind: 'tools' },
      { kind: 'prompts' },
      { kind: 'resources' },
      { kind: 'updated', uri: 'test://a' },
    ])
  })

  it('can be awaited, printed and compared', async () => {
    const { server } = newServer()
    expect(await server).toBe(server)
    expect(String(server)).toBe('[object Object]')
    expect(JSON.stringify(server)).toBe('{}')
  })
})

it('the members that need a client of their own are refused', () => {
  const server = newServer()
  // @ts-expect-error the types name the way too
  expect(refusal(() => server.connect({}))).toContain('serveStdio')
  // @ts-expect-error as above
  expect(refusal(() => server.close())).toContain('endpoint.close()')
  // @ts-expect-error as above
  expect(refusal(() => server.sendLoggingMessage({ level: 'info', data: 1 }))).toContain('ctx.log')
  // @ts-expect-error as above
  expect(refusal(() => server.setRequestHandler({}, () => ({})))).toContain('Register tools')
  // @ts-expect-error as above
  expect(refusal(() => server.server.elicitInput({ message: 'a' }))).toContain('ctx.elicit')
  expect(refusal(() => server.experimental)).toContain('no tasks')
})

it('the low-level Server is refused', () => {
  expect(refusal(() => new Server({ name: 'a', version: '1' }, { capabilities: {} }))).toContain('low-level Server')
})
