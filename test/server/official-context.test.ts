/** The context as handlers use it that were written for the official SDK. */
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  CreateMessageResultSchema,
  ElicitResultSchema,
  EmptyResultSchema,
  ListRootsResultSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js'
import type { ServerContext } from '@modelcontextprotocol/server'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { ErrorCode, McpError } from '../../lib/protocol/errors.ts'
import { META } from '../../lib/protocol/meta.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { Context as OwnContext } from '../../lib/server/context/context.ts'
import { AskError, AskPending, MissingCapability } from '../../lib/server/context/errors.ts'
import * as own from '../../lib/server/context/result-schemas.ts'
import { type FakeOptions, fakeChannel } from './fake-channel.ts'

function contextWith(options: FakeOptions = {}, meta?: Record<string, unknown>) {
  const channel = fakeChannel({ capabilities: { elicitation: {}, sampling: {}, roots: {} }, ...options })
  return { channel, ctx: new OwnContext(channel, meta === undefined ? undefined : { _meta: meta }) }
}

/** As compilers read the SDK's types without `exactOptionalPropertyTypes`, which projects of servers do not set. */
type OrUndefined<T> = { [K in keyof T]: T[K] | undefined }

const requestedSchema = {
  type: 'object' as const,
  properties: { color: { type: 'string' as const, enum: ['r', 'g'], enumNames: ['Red', 'Green'] } },
  required: ['color'],
}
const elicitation = {
  method: 'elicitation/create' as const,
  params: { message: 'Which?', requestedSchema },
}
const accepted = { action: 'accept', content: { color: 'r' } }
const answer = () => ({ ...accepted, content: { ...accepted.content } })
const rejected = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('sendNotification', () => {
  test('works without its object, and sends progress with its token where it is more than the last', async () => {
    const { ctx, channel } = contextWith({}, { progressToken: 'p' })
    const { sendNotification, _meta } = ctx
    for (const progress of [1, 1, 2]) {
      const params = { progressToken: _meta?.progressToken as string, progress, total: 2, message: 'm' }
      await sendNotification({ method: 'notifications/progress', params })
    }
    expect(channel.notified.map(({ params }) => params)).toEqual([
      { progressToken: 'p', progress: 1, total: 2, message: 'm' },
      { progressToken: 'p', progress: 2, total: 2, message: 'm' },
    ])
  })

  test('sends no progress without a token', async () => {
    const { ctx, channel } = contextWith()
    // As servers write it that do not look whether there is a token.
    const params = { progressToken: ctx._meta?.progressToken as string, progress: 1 }
    await ctx.sendNotification({ method: 'notifications/progress', params })
    expect(channel.notified).toEqual([])
  })

  test('sends the log messages that the client wants', async () => {
    const { ctx, channel } = contextWith({ level: 'warning' })
    for (const level of ['info', 'error'] as const) {
      await ctx.sendNotification({ method: 'notifications/message', params: { level, data: 'x', logger: 'l' } })
    }
    expect(channel.notified).toEqual([
      { method: 'notifications/message', params: { level: 'error', data: 'x', logger: 'l' } },
    ])
  })

  test('sends any other notification as it is', async () => {
    const { ctx, channel } = contextWith()
    await ctx.sendNotification({ method: 'notifications/tools/list_changed' })
    await ctx.sendNotification({ method: 'x/y', params: { z: 1 } })
    expect(channel.notified).toEqual([
      { method: 'notifications/tools/list_changed', params: {} },
      { method: 'x/y', params: { z: 1 } },
    ])
  })
})

describe('sendRequest', () => {
  test.each([
    ['2025-06-18', undefined, { enum: ['r', 'g'], enumNames: ['Red', 'Green'] }],
    ['2025-11-25', 'form', { enum: ['r', 'g'], enumNames: ['Red', 'Green'] }],
    ['2026-07-28', 'form', { enum: ['r', 'g'], enumNames: ['Red', 'Green'] }],
  ] as const)('asks with a form as %s has it', async (revision, mode, color) => {
    const { ctx, channel } = contextWith({ revision, answer })
    const { sendRequest } = ctx
    expect(await sendRequest(elicitation, ElicitResultSchema, { timeout: 9, key: 'k' })).toEqual(accepted)
    const params = { message: 'Which?', requestedSchema: { properties: { color }, required: ['color'] } }
    expect(channel.asked).toMatchObject([{ method: 'elicitation/create', key: 'k', timeout: 9, params }])
    expect(channel.asked[0]?.params?.mode).toBe(mode)
  })

  test('opens a page, samples, lists roots and pings', async () => {
    const sample = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi' } }
    const answers = {
      'elicitation/create': { action: 'accept' },
      'sampling/createMessage': sample,
      'roots/list': { roots: [{ uri: 'file:///r' }] },
      ping: {},
    }
    const capabilities = { elicitation: { url: {} }, sampling: {}, roots: {} }
    const { ctx, channel } = contextWith({
      capabilities,
      answer: ({ method }) => answers[method as keyof typeof answers],
    })
    const page = { mode: 'url' as const, message: 'Open', url: 'https://a.example', elicitationId: 'e' }
    const { sendRequest } = ctx
    expect(await sendRequest({ method: 'elicitation/create', params: page }, ElicitResultSchema)).toEqual({
      action: 'accept',
    })
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'Hi' } }]
    const create = { method: 'sampling/createMessage' as const, params: { messages, maxTokens: 3 } }
    expect(await sendRequest(create, CreateMessageResultSchema)).toEqual(sample)
    expect(await sendRequest({ method: 'roots/list' }, ListRootsResultSchema)).toEqual(answers['roots/list'])
    expect(await sendRequest({ method: 'ping' }, EmptyResultSchema)).toEqual({})
    expect(channel.asked.map(({ method, key }) => [method, key])).toEqual([
      ['elicitation/create', 'elicit-1'],
      ['sampling/createMessage', 'sample-1'],
      ['roots/list', 'roots-1'],
      ['ping', 'ping-1'],
    ])
    expect(channel.asked[0]?.params).toEqual(page)
  })

  test('parses the result with a schema of any library', async () => {
    const { ctx } = contextWith({ answer })
    const schemas = [
      z.object({ action: z.string().transform((text) => text.length) }),
      v.object({
        action: v.pipe(
          v.string(),
          v.transform((text) => text.length),
        ),
      }),
      { safeParse: () => ({ success: true, data: { action: 6 } }) },
      { parse: () => ({ action: 6 }) },
    ]
    for (const schema of schemas) expect(await ctx.sendRequest(elicitation, schema)).toEqual({ action: 6 })
  })

  test('parses it with our own schemas of the same names', async () => {
    const { ctx } = contextWith({ answer })
    const { action, content } = await ctx.sendRequest(elicitation, own.ElicitResultSchema)
    expectTypeOf(action).toEqualTypeOf<'accept' | 'decline' | 'cancel'>()
    expect([action, content]).toEqual(['accept', { color: 'r' }])
    const page = { roots: [{ uri: 'file:///r' }] }
    const sample = { role: 'user', model: 'm', content: { type: 'text', text: '' } }
    expect(own.ListRootsResultSchema.parse(page)).toEqual(page)
    expect(own.CreateMessageResultSchema.parse(sample)).toEqual(sample)
    expect(own.EmptyResultSchema.parse({})).toEqual({})
    expect(() => own.ElicitResultSchema.parse({ action: 'perhaps' })).toThrow('"action" must be')
  })

  test('rejects a result that does not fit the schema', async () => {
    const { ctx } = contextWith({ answer })
    const error = new TypeError('no')
    expect(await rejected(ctx.sendRequest(elicitation, z.object({ other: z.string() })))).toMatchObject({
      code: ErrorCode.InvalidParams,
      message: expect.stringContaining('does not fit the schema'),
    })
    expect(await rejected(ctx.sendRequest(elicitation, { safeParse: () => ({ success: false, error }) }))).toBe(error)
  })

  test('names what is missing where there is no schema', async () => {
    const { ctx, channel } = contextWith()
    expect(await rejected(ctx.sendRequest(elicitation, { timeout: 3 }))).toMatchObject({
      message: expect.stringContaining('must be a schema of the result'),
    })
    expect(channel.asked).toEqual([])
  })

  test('names the methods that clients answer, for another one', async () => {
    const { ctx, channel } = contextWith()
    const request = { method: 'tasks/get' } as unknown as { method: 'ping' }
    expect(await rejected(ctx.sendRequest(request, EmptyResultSchema))).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining(
        'clients answer elicitation/create, sampling/createMessage, roots/list and ping',
      ),
    })
    expect(channel.asked).toEqual([])
  })

  test.each([
    [new AskError('refused', 'no', { code: -7, data: { d: 1 } }), { code: -7, data: { d: 1 } }],
    [new AskError('timeout', 'late'), { code: ErrorCode.RequestTimeout }],
    [new AskError('unreachable', 'gone'), { code: ErrorCode.ConnectionClosed }],
  ])('has the error of SDK 1.x for %s', async (thrown, expected) => {
    const { ctx } = contextWith({ answer: () => Promise.reject(thrown) })
    const error = await rejected(ctx.sendRequest(elicitation, ElicitResultSchema))
    expect(error).toBeInstanceOf(McpError)
    expect(error).toMatchObject({ ...expected, message: `MCP error ${expected.code}: ${thrown.message}` })
  })

  test('needs the capability of the client, and ends a run that has no answer yet', async () => {
    const { ctx } = contextWith({ capabilities: {} })
    expect(await rejected(ctx.sendRequest(elicitation, ElicitResultSchema))).toBeInstanceOf(MissingCapability)
    const pending = contextWith({ answer: () => Promise.reject(new AskPending('elicit-1')) })
    expect(await rejected(pending.ctx.sendRequest(elicitation, ElicitResultSchema))).toBeInstanceOf(AskPending)
  })

  test('sends those of one turn before it waits for anything', () => {
    const { ctx, channel } = contextWith({ answer })
    void ctx.sendRequest(elicitation, ElicitResultSchema)
    void ctx.mcpReq.elicitInput(elicitation.params)
    void ctx.sendRequest({ method: 'roots/list' }, ListRootsResultSchema)
    expect(channel.asked.map(({ key }) => key)).toEqual(['elicit-1', 'elicit-2', 'roots-1'])
  })

  test('stops waiting when its signal is aborted, and sends nothing where it is aborted before', async () => {
    const { ctx, channel } = contextWith({ answer: () => new Promise(() => {}) })
    const controller = new AbortController()
    const options = { signal: controller.signal }
    const sent = rejected(ctx.sendRequest(elicitation, ElicitResultSchema, options))
    controller.abort('enough')
    expect(await sent).toMatchObject({ code: ErrorCode.RequestTimeout, message: expect.stringContaining('enough') })
    expect(await rejected(ctx.sendRequest(elicitation, ElicitResultSchema, options))).toBe('enough')
    expect(channel.asked).toHaveLength(1)
  })
})

describe('the members of SDK 1.x', () => {
  test('describe the caller', () => {
    const { ctx, channel } = contextWith()
    expect(ctx.authInfo).toBeUndefined()
    const auth = {
      issuer: 'https://i.example',
      subject: 's',
      clientId: 'c',
      scopes: ['a'],
      expiresAt: 9,
      claims: { aud: ['https://mcp.example/mcp'], sub: 's' },
      token: 't',
    }
    const known = new OwnContext({ ...channel, auth }, undefined)
    expect(known.authInfo).toEqual({
      token: 't',
      clientId: 'c',
      scopes: ['a'],
      expiresAt: 9,
      resource: new URL('https://mcp.example/mcp'),
      extra: auth.claims,
    })
    const { clientId: _, expiresAt: __, ...rest } = auth
    const bare = new OwnContext({ ...channel, auth: { ...rest, claims: { aud: 'api' } } }, undefined)
    expect(bare.authInfo).toEqual({ token: 't', clientId: '', scopes: ['a'], extra: { aud: 'api' } })
  })

  test('describe the HTTP request, where there is one', () => {
    const { ctx, channel } = contextWith({}, { progressToken: 1 })
    expect(ctx.requestInfo).toBeUndefined()
    expect(ctx.http).toBeUndefined()
    const url = new URL('https://mcp.example/tools/mcp?key=1')
    const over = new OwnContext({ ...channel, request: { headers: new Headers({ 'X-A': 'b' }), url } }, undefined)
    expect(over.requestInfo).toEqual({ headers: { 'x-a': 'b' }, url })
    expect(over.http?.req.url).toBe(url.href)
    expect(over.http?.req.headers.get('x-a')).toBe('b')
    expect([ctx.sessionId, ctx.requestId, ctx._meta]).toEqual(['session', 1, { progressToken: 1 }])
  })

  test('close the stream', () => {
    const { ctx, channel } = contextWith()
    const { closeSSEStream } = ctx
    closeSSEStream()
    expect(channel.closed).toEqual([undefined])
    const request = { headers: new Headers(), url: new URL('https://mcp.example/mcp') }
    new OwnContext({ ...channel, request }, undefined).http?.closeSSE()
    expect(channel.closed).toEqual([undefined, undefined])
  })

  test('are those that a handler of SDK 1.x asks for', () => {
    expectTypeOf<Context>().toExtend<OrUndefined<RequestHandlerExtra<ServerRequest, ServerNotification>>>()
    const { ctx } = contextWith({ answer })
    const asked = ctx.sendRequest(elicitation, ElicitResultSchema)
    expectTypeOf(asked).toExtend<ReturnType<RequestHandlerExtra<ServerRequest, ServerNotification>['sendRequest']>>()
    expectTypeOf<Awaited<typeof asked>['action']>().toEqualTypeOf<'accept' | 'decline' | 'cancel'>()
  })
})

describe('mcpReq of SDK 2.x', () => {
  test('has the members that a handler asks for', () => {
    expectTypeOf<Context['mcpReq']>().toExtend<OrUndefined<ServerContext['mcpReq']>>()
    expectTypeOf<Context['http']>().toExtend<OrUndefined<NonNullable<ServerContext['http']>> | undefined>()
    expectTypeOf<Context['sessionId']>().toExtend<ServerContext['sessionId'] | undefined>()
  })

  test('describes the request, without the members that 2026-07-28 reserves', () => {
    const reserved = { [META.protocolVersion]: '2026-07-28', [META.clientCapabilities]: {} }
    const { ctx } = contextWith({ revision: '2026-07-28' }, { ...reserved, progressToken: 3 })
    const { id, method, _meta, envelope, requestState, signal } = ctx.mcpReq
    expect([id, method, requestState()]).toEqual([1, 'tools/call', undefined])
    expect(_meta).toEqual({ progressToken: 3 })
    expect(envelope).toEqual(reserved)
    expect(signal).toBe(ctx.signal)
    expect(contextWith().ctx.mcpReq).toMatchObject({ _meta: undefined, envelope: undefined })
  })

  test('sends notifications and log messages', async () => {
    const { ctx, channel } = contextWith()
    const { notify, log } = ctx.mcpReq
    await notify({ method: 'notifications/message', params: { level: 'info', data: 1 } })
    await log('error', 2, 'l')
    expect(channel.notified.map(({ params }) => params)).toEqual([
      { level: 'info', data: 1 },
      { level: 'error', data: 2, logger: 'l' },
    ])
  })

  test('asks with the content checked, and without a schema for the result', async () => {
    const { ctx } = contextWith({ answer })
    const { elicitInput, send } = ctx.mcpReq
    expect(await elicitInput(elicitation.params)).toEqual(accepted)
    expect(await send(elicitation, { timeout: 3 })).toEqual(accepted)
    expect(await send(elicitation, z.object({ action: z.literal('accept') }))).toEqual({ action: 'accept' })
    const wrong = contextWith({ answer: () => ({ action: 'accept', content: { color: 'b' } }) })
    expect(await rejected(wrong.ctx.mcpReq.elicitInput(elicitation.params))).toMatchObject({
      code: ErrorCode.InvalidParams,
    })
    // Servers that use `send` check the content themselves.
    expect(await wrong.ctx.mcpReq.send(elicitation)).toEqual({ action: 'accept', content: { color: 'b' } })
  })

  test('samples, and opens a page', async () => {
    const sample = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi' } }
    const capabilities = { elicitation: { url: {} }, sampling: {} }
    const { ctx, channel } = contextWith({
      capabilities,
      answer: ({ method }) => (method === 'sampling/createMessage' ? sample : { action: 'accept' }),
    })
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'Hi' } }]
    expect(await ctx.mcpReq.requestSampling({ messages, maxTokens: 1 })).toEqual(sample)
    const page = { mode: 'url' as const, message: 'Open', url: 'https://a.example', elicitationId: 'e' }
    expect(await ctx.mcpReq.elicitInput(page)).toEqual({ action: 'accept' })
    expect(channel.asked[1]?.params).toEqual(page)
  })
})

test('waitUntil needs a promise', () => {
  const { ctx, channel } = contextWith()
  const work = Promise.resolve()
  ctx.waitUntil(work)
  expect(channel.left).toEqual([work])
  const wrong = (async () => {}) as unknown as Promise<void>
  expect(() => ctx.waitUntil(wrong)).toThrow('ctx.waitUntil needs a promise, not a function: call the function.')
})
