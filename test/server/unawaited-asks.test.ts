/** Asks that a handler does not wait for, among them the first one of a process, whose code is still being loaded. */
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Context, McpServer } from '../../lib/index.ts'

/** Asks, and returns `result` without waiting for the answer. */
function asking<T>(ctx: Context, result: T): T {
  ctx.elicit('Who are you?', z.object({ name: z.string() })).catch(() => {})
  return result
}
const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

/** A server, and a channel, of modules that no ask has been made with. */
async function fresh(register: (server: McpServer) => void) {
  vi.resetModules()
  const [{ McpServer }, { dispatcherOf }, { fakeChannel }, { ASKING }] = await Promise.all([
    import('../../lib/server/mcp-server.ts'),
    import('../../lib/server/own-dispatcher.ts'),
    import('./fake-channel.ts'),
    import('../../lib/server/context/on-demand.ts'),
  ])
  expect(ASKING.now).toBeUndefined()
  const server = new McpServer({ name: 'demo', version: '1' })
  register(server)
  const channel = fakeChannel({ capabilities: { elicitation: { form: {} } } })
  return { dispatcher: dispatcherOf(server), channel }
}

test.each<[string, string, object, (server: McpServer) => void]>([
  [
    'a tool that returns at once',
    'tools/call',
    { name: 'it' },
    (server) => server.registerTool('it', {}, (ctx) => asking(ctx, text('done'))),
  ],
  [
    'a tool that returns later',
    'tools/call',
    { name: 'it' },
    (server) =>
      server.registerTool('it', {}, async (ctx) => {
        await null
        return asking(ctx, text('done'))
      }),
  ],
  [
    'a tool that throws',
    'tools/call',
    { name: 'it' },
    (server) =>
      server.registerTool('it', {}, (ctx) => {
        throw asking(ctx, new Error('no'))
      }),
  ],
  [
    'a prompt',
    'prompts/get',
    { name: 'it' },
    (server) => server.registerPrompt('it', {}, (ctx) => asking(ctx, { messages: [] })),
  ],
  [
    'a resource',
    'resources/read',
    { uri: 'note://it' },
    (server) => server.registerResource('it', 'note://it', {}, (_uri, ctx) => asking(ctx, { contents: [] })),
  ],
  [
    'a middleware',
    'tools/call',
    { name: 'it' },
    (server) => {
      server.use((call) => asking(call.ctx, Promise.resolve(text('instead'))))
      server.registerTool('it', {}, () => text('done'))
    },
  ],
])('an ask that %s does not wait for is sent before the call ends', async (_name, method, params, register) => {
  const { dispatcher, channel } = await fresh(register)
  await dispatcher.dispatch(method, { ...params }, channel)
  expect(channel.asked).toHaveLength(1)
})
