/** A call that sends without a pause ends with its instance, and another instance has it at once. */
import { setImmediate as turnOfLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { eventually } from '../support/eventually.ts'
import { interceptedStore } from '../support/intercepted-store.ts'
import { ACCEPT_BOTH, EventReader, request, toolCall } from '../support/raw.ts'

test.each(['2025-03-26', '2025-11-25'])(
  '%s: the drain of an instance waits for what was sent, and not for what is sent meanwhile',
  async (protocolVersion) => {
    let sent = 0
    let runs = 0
    const server = new McpServer({ name: 'busy-drain', version: '1' })
    server.registerTool('spam', { annotations: { idempotentHint: true } }, async (ctx) => {
      if (++runs > 1) return { content: [{ type: 'text', text: 'the second run' }] }
      while (!ctx.signal.aborted) {
        for (let i = 0; i < 10; i++) void ctx.log('info', ++sent)
        await turnOfLoop()
      }
      return { content: [] }
    })
    // What is sent while no client reads must fit into the log: a fast machine sends over 10,000 messages until the end.
    const base = memoryStore({ log: { messages: 1_000_000, bytes: 1_000_000_000 } })
    // The queue of the call is never empty, because an append takes longer than the next messages.
    const append = async (proceed: () => Promise<unknown>) => {
      await turnOfLoop()
      await turnOfLoop()
      return proceed()
    }
    const store = interceptedStore({ append, close: async () => {} }, base)
    const busy = createEndpoint(server, { store, session: { drainTimeout: 50 } })
    const other = createEndpoint(server, { store: interceptedStore({ close: async () => {} }, base) })
    const send = (endpoint: typeof busy, headers: Record<string, string>, message?: object) => {
      const init = {
        method: message ? 'POST' : 'GET',
        headers: {
          'content-type': 'application/json',
          accept: message ? ACCEPT_BOTH : 'text/event-stream',
          ...headers,
        },
      }
      return endpoint.fetch(
        new Request('http://localhost/mcp', { ...init, body: message ? JSON.stringify(message) : null }),
      )
    }
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'a', version: '1' } }
    const opened = await send(busy, {}, request(0, 'initialize', params))
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    const stream = new EventReader(await send(busy, session, toolCall('c', 'spam')))
    const rest = stream.rest()
    await eventually(async () => sent > 100 || undefined)
    await busy.close()
    await rest
    const last = stream.events.findLast(({ message }) => message?.id === 'c')
    if (protocolVersion === '2025-03-26') {
      expect(last?.message?.error?.message).toContain('shut down')
    } else {
      expect(last).toBeUndefined()
      const back = new EventReader(await send(other, { ...session, 'last-event-id': stream.lastId ?? '' }))
      expect((await back.rest()).at(-1)?.result?.content[0].text).toBe('the second run')
    }
    await other.close()
  },
)
