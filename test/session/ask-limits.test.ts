/** How a handler ends the wait for its client: by a signal, or by a limit of time. */
import { McpServer } from 'mcp-anywhere'
import { afterEach, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../lib/base/clock.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { ElicitResultSchema } from '../../lib/server/context/result-schemas.ts'
import { ACCEPT_BOTH, EventReader, request, toolCall } from '../support/raw.ts'

let endpoint: Endpoint
afterEach(() => endpoint.close())

const FORM = { type: 'object', properties: { name: { type: 'string' } } } as const

/** The stream of a call that runs `ask`. Its result is what the ask gives, or its error. */
async function callOf(ask: (ctx: Context) => Promise<unknown>, clock?: Clock) {
  const server = new McpServer({ name: 's', version: '1' })
  server.registerTool('ask', {}, async (ctx) => {
    const outcome = await ask(ctx).catch(({ name, message }) => ({ name, message }))
    return { content: [{ type: 'text', text: JSON.stringify(outcome) }] }
  })
  endpoint = createEndpoint(server, { clock })
  const given = { accept: ACCEPT_BOTH, 'content-type': 'application/json' }
  const send = (message: object, more: Record<string, string> = {}) =>
    endpoint.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: { ...given, ...more },
        body: JSON.stringify(message),
      }),
    )
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: { form: {}, url: {} } },
    clientInfo: { name: 'raw', version: '1' },
  }
  const { headers } = await send(request(0, 'initialize', params))
  const session = { 'mcp-session-id': headers.get('mcp-session-id') ?? '' }
  const stream = new EventReader(await send(toolCall(1, 'ask'), session))
  const answer = (id: unknown) =>
    send({ jsonrpc: '2.0', id, result: { action: 'accept', content: { name: 'Ada' } } }, session)
  return { stream, answer }
}

describe.each<[string, (ctx: Context, signal: AbortSignal) => Promise<unknown>, string]>([
  ['ctx.elicit', (ctx, signal) => ctx.elicit('Who?', FORM, { signal }), 'AbortError'],
  [
    'ctx.sendRequest',
    (ctx, signal) => {
      const params = { message: 'Who?', requestedSchema: FORM }
      return ctx.sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema, { signal })
    },
    'McpError',
  ],
])('%s', (_name, ask, error) => {
  test('is cancelled at the client when its signal is aborted', async () => {
    const controller = new AbortController()
    const { stream } = await callOf((ctx) => ask(ctx, controller.signal))
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    controller.abort()
    const cancelled = await stream.until(({ method }) => method === 'notifications/cancelled')
    expect(cancelled.message?.params.requestId).toBe(message?.id)
    const [last] = (await stream.rest()).slice(-1)
    expect(JSON.parse(last?.result.content[0].text).name).toBe(error)
  })
})

test('an ask whose signal is aborted before it is sent is not sent', async () => {
  const controller = new AbortController()
  const { stream } = await callOf(async (ctx) => {
    await ctx.log('info', 'The response is a stream.')
    const asked = ctx.elicitUrl('Open it', 'https://mcp.example/page', { signal: controller.signal })
    controller.abort()
    return asked
  })
  const messages = await stream.rest()
  expect(messages.map(({ method }) => method)).toEqual(['notifications/message', undefined])
  expect(JSON.parse(messages[1]?.result.content[0].text).name).toBe('AbortError')
})

test('a limit that is longer than any timer does not end the wait at once', async () => {
  const times: number[] = []
  const clock = {
    ...systemClock,
    after: (ms: number, fn: () => void) => {
      times.push(ms)
      return systemClock.after(ms, fn)
    },
  }
  const ask = (ctx: Context) => ctx.elicit('Who?', FORM, { timeout: Number.MAX_SAFE_INTEGER })
  const { stream, answer } = await callOf(ask, clock)
  const { message } = await stream.until(({ method }) => method === 'elicitation/create')
  expect(Math.max(...times)).toBe(2 ** 31 - 1)
  await answer(message?.id)
  const [last] = (await stream.rest()).slice(-1)
  expect(JSON.parse(last?.result.content[0].text)).toEqual({ action: 'accept', content: { name: 'Ada' } })
})
