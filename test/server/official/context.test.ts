/** What a handler gets beside its arguments: `extra` of SDK 1.x and `ctx` of SDK 2.x work here as they do there. */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  CreateMessageResultSchema,
  ElicitResultSchema,
  EmptyResultSchema,
  ListRootsResultSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Answers, lines1, lines2, text, textOf } from './lines.ts'

type Send = (request: { method: string; params?: object }, schema: unknown, options?: object) => Promise<never>

interface Extra {
  signal: AbortSignal
  requestId: unknown
  _meta?: { progressToken?: unknown } & Record<string, unknown>
  sendNotification(notification: { method: string; params: object }): Promise<void>
  sendRequest: Send
  authInfo?: unknown
}

interface Ctx {
  mcpReq: {
    id: unknown
    method: string
    _meta?: Record<string, unknown>
    envelope?: unknown
    signal: AbortSignal
    requestState: () => unknown
    send: (request: { method: string; params?: object }, ...more: unknown[]) => Promise<never>
    notify(notification: { method: string; params: object }): Promise<void>
    log(level: string, data: unknown, logger?: string): Promise<void>
    elicitInput(params: object): Promise<object>
    requestSampling(params: object): Promise<object>
  }
}

const form = {
  message: 'Who?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
}
const prompt = { messages: [{ role: 'user', content: { type: 'text', text: 'Hi' } }], maxTokens: 10 }

const answers: Answers = {
  elicit: ({ mode, url, message }) =>
    mode === 'url' ? { action: 'accept', _meta: { url } } : { action: 'accept', content: { name: `Ada: ${message}` } },
  sample: () => ({ model: 'model', role: 'assistant', content: { type: 'text', text: 'Hello' } }),
  roots: [{ uri: 'file:///work', name: 'Work' }],
}

/** Log messages and progress of a call, in the order in which the client gets them. More may come after the result. */
async function heardInCall(client: Client): Promise<unknown[]> {
  const heard: unknown[] = []
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params))
  await client.callTool({ name: 'work' }, undefined, { onprogress: (progress) => heard.push(progress) })
  return heard
}

describe('extra of SDK 1.x', () => {
  test.each(lines1)('has the signal, the id and _meta of the request (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('meta', {}, ({ signal, requestId, _meta, authInfo }: Extra) =>
      text(
        JSON.stringify([
          signal instanceof AbortSignal,
          signal.aborted,
          typeof requestId,
          _meta?.['example.com/a'],
          authInfo,
        ]),
      ),
    )
    const client = await line.connect(server)
    const result = await client.callTool({ name: 'meta', _meta: { 'example.com/a': 1 } })
    expect(JSON.parse(textOf(result))).toEqual([true, false, 'number', 1, null])
  })

  test.each(lines1)('signal is aborted when the client cancels (%s)', async (_, line) => {
    const server = line.create()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>()
    server.registerTool('wait', {}, ({ signal }: Extra) => {
      signal.addEventListener('abort', () => abort())
      begin()
      return new Promise(() => {})
    })
    const client = await line.connect(server)
    const controller = new AbortController()
    const call = client.callTool({ name: 'wait' }, undefined, { signal: controller.signal })
    await begun
    controller.abort()
    await expect(call).rejects.toThrow()
    await aborted
  })

  test.each(lines1)('sendNotification sends progress and log messages of the call (%s)', async (_, line) => {
    const server = line.create({ capabilities: { logging: {} } })
    server.registerTool('work', {}, async ({ sendNotification, _meta }: Extra) => {
      const progressToken = _meta?.progressToken
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } })
      await sendNotification({
        method: 'notifications/message',
        params: { level: 'error', logger: 'one', data: { a: 1 } },
      })
      return text('done')
    })
    const client = await line.connect(server)
    const heard = await heardInCall(client)
    await expect
      .poll(() => heard, { timeout: 20_000 })
      .toEqual([
        { progress: 1, total: 2 },
        { level: 'error', logger: 'one', data: { a: 1 } },
      ])
  })

  test.each(lines1)('sendRequest asks the client, and parses its answer (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('ask', {}, async ({ sendRequest }: Extra) => {
      const elicited = await sendRequest({ method: 'elicitation/create', params: form }, ElicitResultSchema)
      const sampled = await sendRequest({ method: 'sampling/createMessage', params: prompt }, CreateMessageResultSchema)
      const listed = await sendRequest({ method: 'roots/list' }, ListRootsResultSchema)
      const pinged = await sendRequest({ method: 'ping' }, EmptyResultSchema)
      return text(JSON.stringify([elicited, sampled, listed, pinged]))
    })
    const client = await line.connect(server, answers)
    expect(JSON.parse(textOf(await client.callTool({ name: 'ask' })))).toEqual([
      { action: 'accept', content: { name: 'Ada: Who?' } },
      { model: 'model', role: 'assistant', content: { type: 'text', text: 'Hello' } },
      { roots: [{ uri: 'file:///work', name: 'Work' }] },
      {},
    ])
  })

  test.each(lines1)('sendRequest throws the error of the client, with its code (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('ask', {}, async ({ sendRequest }: Extra) => {
      const asking = sendRequest({ method: 'elicitation/create', params: form }, ElicitResultSchema)
      const error = await asking.then(String, (thrown: { code?: unknown }) => thrown)
      return text(JSON.stringify(typeof error === 'string' ? error : error.code))
    })
    const client = await line.connect(server, {
      elicit: () => {
        throw Object.assign(new Error('There is no user'), { code: -32603 })
      },
    })
    expect(textOf(await client.callTool({ name: 'ask' }))).toBe('-32603')
  })
})

describe('ctx of SDK 2.x', () => {
  test.each(lines2)('mcpReq describes the request (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('meta', {}, ({ mcpReq: { id, method, _meta, envelope, signal, requestState } }: Ctx) =>
      text(JSON.stringify([typeof id, method, _meta?.['example.com/a'], envelope, signal.aborted, requestState()])),
    )
    const client = await line.connect(server)
    const result = await client.callTool({ name: 'meta', _meta: { 'example.com/a': 1 } })
    expect(JSON.parse(textOf(result))).toEqual(['number', 'tools/call', 1, null, false, null])
  })

  test.each(lines2)('mcpReq.notify and mcpReq.log send messages of the call (%s)', async (_, line) => {
    const server = line.create({ capabilities: { logging: {} } })
    server.registerTool('work', {}, async ({ mcpReq: { _meta, notify, log } }: Ctx) => {
      const progressToken = _meta?.progressToken
      await notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
      await log('error', { a: 1 }, 'one')
      return text('done')
    })
    const client = await line.connect(server)
    const heard = await heardInCall(client)
    await expect
      .poll(() => heard, { timeout: 20_000 })
      .toEqual([{ progress: 1 }, { level: 'error', logger: 'one', data: { a: 1 } }])
  })

  test.each(lines2)('mcpReq.elicitInput and mcpReq.requestSampling ask the client (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('ask', {}, async ({ mcpReq: { elicitInput, requestSampling } }: Ctx) => {
      const elicited = await elicitInput(form)
      const page = await elicitInput({
        mode: 'url',
        url: 'https://example.com/',
        message: 'Sign in',
        elicitationId: 'one',
      })
      return text(JSON.stringify([elicited, page, await requestSampling(prompt)]))
    })
    const client = await line.connect(server, answers)
    expect(JSON.parse(textOf(await client.callTool({ name: 'ask' })))).toMatchObject([
      { action: 'accept', content: { name: 'Ada: Who?' } },
      { action: 'accept' },
      { model: 'model', role: 'assistant', content: { type: 'text', text: 'Hello' } },
    ])
  })

  test.each(lines2)('mcpReq.send asks the client, with and without a schema (%s)', async (_, line) => {
    const server = line.create()
    const schema = z.object({ roots: z.array(z.object({ uri: z.string() })) })
    server.registerTool('ask', {}, async ({ mcpReq: { send } }: Ctx) => {
      const typed = await send({ method: 'roots/list' })
      const parsed = await send({ method: 'roots/list' }, schema)
      return text(JSON.stringify([typed, parsed]))
    })
    const client = await line.connect(server, answers)
    expect(JSON.parse(textOf(await client.callTool({ name: 'ask' })))).toEqual([
      { roots: [{ uri: 'file:///work', name: 'Work' }] },
      { roots: [{ uri: 'file:///work' }] },
    ])
  })
})
