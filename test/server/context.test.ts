import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { ClientCapabilities } from '../../lib/protocol/types.ts'
import { Context } from '../../lib/server/context/context.ts'
import { AskError, MissingCapability } from '../../lib/server/context/errors.ts'
import { type FakeOptions, fakeChannel } from './fake-channel.ts'

function contextWith(options: FakeOptions = {}, meta?: Record<string, unknown>) {
  const channel = fakeChannel(options)
  return { channel, ctx: new Context(channel, meta === undefined ? undefined : { _meta: meta }) }
}

const form = z.object({ name: z.string().min(2) })
const everything: ClientCapabilities = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {}, context: {} },
  roots: {},
}

describe('progress', () => {
  it('goes out with the token of the request', async () => {
    const { ctx, channel } = contextWith({}, { progressToken: 'p' })
    await ctx.progress(1, 3, 'first')
    await ctx.progress(2)
    expect(channel.notified).toEqual([
      { method: 'notifications/progress', params: { progressToken: 'p', progress: 1, total: 3, message: 'first' } },
      { method: 'notifications/progress', params: { progressToken: 'p', progress: 2 } },
    ])
  })

  it('only ever increases', async () => {
    const { ctx, channel } = contextWith({}, { progressToken: 0 })
    for (const value of [1, 1, 0.5, Number.NaN, 2, -1, 3, Number.POSITIVE_INFINITY]) await ctx.progress(value)
    expect(channel.notified.map(({ params }) => params.progress)).toEqual([1, 2, 3])
  })

  it('is not sent to a client that did not ask for it', async () => {
    for (const meta of [undefined, {}, { progressToken: null }, { progressToken: 1.5 }]) {
      const { ctx, channel } = contextWith({}, meta)
      await ctx.progress(1)
      expect(channel.notified).toEqual([])
    }
  })

  it('has no message in 2024-11-05', async () => {
    const { ctx, channel } = contextWith({ revision: '2024-11-05' }, { progressToken: 1 })
    await ctx.progress(1, 2, 'words')
    expect(channel.notified[0]?.params).toEqual({ progressToken: 1, progress: 1, total: 2 })
  })
})

describe('log', () => {
  it('sends messages of the level that the client wants, and above', async () => {
    const { ctx, channel } = contextWith({ level: 'warning' })
    await ctx.log('info', 'quiet')
    await ctx.log('error', { loud: true }, 'disk')
    await ctx.log('alert', undefined)
    expect(channel.notified).toEqual([
      { method: 'notifications/message', params: { level: 'error', logger: 'disk', data: { loud: true } } },
      { method: 'notifications/message', params: { level: 'alert', data: null } },
    ])
  })
})

describe('elicit', () => {
  const accept = (content: Record<string, unknown>) => () => ({ action: 'accept', content })

  it('asks with a form, and returns the answer as the schema parses it', async () => {
    const { ctx, channel } = contextWith({ capabilities: everything, answer: accept({ name: 'Ann', age: '7' }) })
    const schema = z.object({ name: z.string(), age: z.coerce.number(), city: z.string().default('Bern') })
    const answer = await ctx.elicit('Who?', schema, { key: 'who', timeout: 5 })
    expect(answer).toEqual({ action: 'accept', content: { name: 'Ann', age: 7, city: 'Bern' } })
    expect(channel.asked).toMatchObject([{ method: 'elicitation/create', key: 'who', timeout: 5 }])
  })

  it.each(['decline', 'cancel'])('returns the action %s of the user', async (action) => {
    const { ctx } = contextWith({ capabilities: everything, answer: () => ({ action }) })
    expect(await ctx.elicit('Who?', form)).toEqual({ action })
  })

  it.each([
    [{ action: 'accept', content: { name: 'A' } }],
    [{ action: 'accept', content: {} }],
    [{ action: 'accept' }],
    [{ action: 'perhaps' }],
    [{ action: 'accept', content: 'Ann' }],
    [{}],
  ])('rejects %j as an answer', async (answer) => {
    const { ctx } = contextWith({ capabilities: everything, answer: () => answer })
    const error = await ctx.elicit('Who?', form).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AskError)
    expect(error).toMatchObject({ reason: 'invalid' })
  })

  it('checks the answer to a plain JSON Schema as well', async () => {
    const schema = { type: 'object', properties: { n: { type: 'integer', multipleOf: 5 } } }
    const ask = (n: number) => contextWith({ capabilities: everything, answer: accept({ n }) }).ctx.elicit('N?', schema)
    expect(await ask(10)).toEqual({ action: 'accept', content: { n: 10 } })
    await expect(ask(11)).rejects.toThrow(/n: /)
  })

  it.each([
    ['no elicitation', '2025-11-25', {}, { elicitation: {} }],
    ['pages only', '2025-11-25', { elicitation: { url: {} } }, { elicitation: { form: {} } }],
    ['a revision before forms', '2025-03-26', everything, { elicitation: {} }],
  ] as const)('needs a client with forms: %s', async (_what, revision, capabilities, required) => {
    const { ctx, channel } = contextWith({ revision, capabilities })
    const error = await ctx.elicit('Who?', form).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(MissingCapability)
    expect(error).toMatchObject({ requiredCapabilities: required })
    expect(channel.asked).toEqual([])
  })

  it('reads "elicitation: {}" as a client with forms', async () => {
    const { ctx } = contextWith({ capabilities: { elicitation: {} }, answer: () => ({ action: 'cancel' }) })
    expect(await ctx.elicit('Who?', form)).toEqual({ action: 'cancel' })
  })

  it('sends "mode" from 2025-11-25 on', async () => {
    for (const revision of ['2025-06-18', '2025-11-25', '2026-07-28'] as const) {
      const { ctx, channel } = contextWith({ revision, capabilities: everything, answer: () => ({ action: 'cancel' }) })
      await ctx.elicit('Who?', form)
      expect(channel.asked[0]?.params?.mode).toBe(revision === '2025-06-18' ? undefined : 'form')
    }
  })
})

describe('elicitUrl', () => {
  const accept = () => ({ action: 'accept' })

  it('asks the user to open a page, with an elicitationId in 2025-11-25', async () => {
    const { ctx, channel } = contextWith({ capabilities: everything, answer: accept })
    expect(await ctx.elicitUrl('Sign in', 'https://example.com/in', { id: 'e1' })).toEqual({ action: 'accept' })
    await ctx.elicitUrl('Sign in', new URL('https://example.com/in'))
    const [first, second] = channel.asked
    expect(first?.params).toEqual({
      mode: 'url',
      message: 'Sign in',
      url: 'https://example.com/in',
      elicitationId: 'e1',
    })
    expect(String(second?.params?.elicitationId).length).toBeGreaterThanOrEqual(22)
  })

  it('has no elicitationId in the stateless revision', async () => {
    const { ctx, channel } = contextWith({ revision: '2026-07-28', capabilities: everything, answer: accept })
    await ctx.elicitUrl('Sign in', 'https://example.com/in', { id: 'e1' })
    expect(channel.asked[0]?.params).toEqual({ mode: 'url', message: 'Sign in', url: 'https://example.com/in' })
  })

  it.each([
    ['2025-11-25', { elicitation: {} }],
    ['2025-11-25', {}],
    ['2025-06-18', everything],
  ] as const)('needs a client with pages: %s, %j', async (revision, capabilities) => {
    const { ctx } = contextWith({ revision, capabilities })
    await expect(ctx.elicitUrl('Sign in', 'https://example.com/in')).rejects.toMatchObject({
      requiredCapabilities: { elicitation: { url: {} } },
    })
  })
})

describe('sample', () => {
  const message = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi' }, stopReason: 'endTurn' }
  const params = {
    messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Hello' } }],
    maxTokens: 10,
  }

  it('asks the model of the client', async () => {
    const { ctx, channel } = contextWith({ capabilities: { sampling: {} }, answer: () => message })
    expect(await ctx.sample(params)).toEqual(message)
    expect(channel.asked).toEqual([{ method: 'sampling/createMessage', params, key: 'sample-1', timeout: undefined }])
  })

  it('needs a client with sampling, and for tools one with sampling.tools', async () => {
    const tools = [{ name: 't', inputSchema: { type: 'object' } }]
    await expect(contextWith().ctx.sample(params)).rejects.toMatchObject({ requiredCapabilities: { sampling: {} } })
    for (const options of [{ capabilities: { sampling: {} } }, { capabilities: everything, revision: '2025-06-18' }]) {
      await expect(contextWith(options as FakeOptions).ctx.sample({ ...params, tools })).rejects.toMatchObject({
        requiredCapabilities: { sampling: { tools: {} } },
      })
    }
  })

  it('asks for context only where the client declares it or its revision has no declaration for it', async () => {
    const asked = async (options: FakeOptions) => {
      const { ctx, channel } = contextWith({ answer: () => message, ...options })
      await ctx.sample({ ...params, includeContext: 'thisServer' })
      return channel.asked[0]?.params?.includeContext
    }
    expect(await asked({ capabilities: { sampling: {} } })).toBeUndefined()
    expect(await asked({ capabilities: everything })).toBe('thisServer')
    expect(await asked({ capabilities: { sampling: {} }, revision: '2025-06-18' })).toBe('thisServer')
  })

  it('splits a message with several blocks for revisions that have one block a message', async () => {
    const { ctx, channel } = contextWith({ revision: '2025-06-18', capabilities: everything, answer: () => message })
    const content = [
      { type: 'text' as const, text: 'a' },
      { type: 'text' as const, text: 'b' },
    ]
    await ctx.sample({ messages: [{ role: 'user', content }], maxTokens: 1 })
    expect(channel.asked[0]?.params?.messages).toEqual(content.map((block) => ({ role: 'user', content: block })))
  })

  it.each([[{}], [{ ...message, model: undefined }], [{ ...message, content: 'Hi' }], [{ ...message, content: [1] }]])(
    'rejects %j as an answer',
    async (answer) => {
      const { ctx } = contextWith({ capabilities: everything, answer: () => answer })
      await expect(ctx.sample(params)).rejects.toMatchObject({ name: 'AskError', reason: 'invalid' })
    },
  )
})

describe('listRoots', () => {
  it('returns the roots', async () => {
    const roots = [{ uri: 'file:///home', name: 'Home' }]
    const { ctx, channel } = contextWith({ capabilities: everything, answer: () => ({ roots }) })
    expect(await ctx.listRoots({ key: 'client_roots' })).toEqual(roots)
    expect(channel.asked).toEqual([
      { method: 'roots/list', params: undefined, key: 'client_roots', timeout: undefined },
    ])
  })

  it('needs a client with roots, and an answer with roots', async () => {
    await expect(contextWith().ctx.listRoots()).rejects.toBeInstanceOf(MissingCapability)
    const { ctx } = contextWith({ capabilities: everything, answer: () => ({ roots: [{}] }) })
    await expect(ctx.listRoots()).rejects.toBeInstanceOf(AskError)
  })
})

describe('ping', () => {
  it('asks the client of a session, and no client of the stateless revision', async () => {
    const { ctx, channel } = contextWith({ answer: () => ({}) })
    await ctx.ping({ timeout: 10 })
    expect(channel.asked).toEqual([{ method: 'ping', params: undefined, key: 'ping-1', timeout: 10 }])
    await contextWith({ revision: '2026-07-28' }).ctx.ping()
  })
})

describe('the key of an ask', () => {
  const options: FakeOptions = { capabilities: everything, answer: () => ({ action: 'cancel', roots: [] }) }

  it('is its kind and ordinal where the author gives none', async () => {
    const { ctx, channel } = contextWith(options)
    await ctx.elicit('1', form)
    await ctx.listRoots()
    await ctx.elicit('2', form)
    expect(channel.asked.map(({ key }) => key)).toEqual(['elicit-1', 'roots-1', 'elicit-2'])
  })

  it('must not occur twice in a call', async () => {
    const { ctx } = contextWith(options)
    await ctx.elicit('1', form, { key: 'same' })
    await expect(ctx.listRoots({ key: 'same' })).rejects.toThrow('Two asks of one call have the key "same".')
  })

  it('goes out in the turn in which the handler asks', () => {
    const { ctx, channel } = contextWith(options)
    void Promise.all([ctx.elicit('1', form), ctx.listRoots(), ctx.elicit('2', form)])
    expect(channel.asked).toHaveLength(3)
  })
})

it('gives a handler the members of its call', async () => {
  const { ctx, channel } = contextWith({ scopes: ['read'] }, { 'example.com/a': 1 })
  expect(ctx.auth?.scopes).toEqual(['read'])
  expect(ctx.requestId).toBe(1)
  expect(ctx.revision).toBe('2025-11-25')
  expect(ctx.client.info?.name).toBe('fake')
  expect(ctx.meta).toEqual({ 'example.com/a': 1 })
  expect(ctx.request.headers).toBeInstanceOf(Headers)
  await ctx.session?.set('a', 1)
  expect(await channel.session?.get('a')).toBe(1)
  expect(await ctx.handles.get(await ctx.handles.create('x'))).toBe('x')
  ctx.closeStream(100)
  expect(channel.closed).toEqual([100])
  await ctx.announce.resourceUpdated('test://a')
  expect(channel.announced).toEqual(['test://a'])
  await ctx.notify('notifications/example.com/hello')
  expect(channel.notified).toEqual([{ method: 'notifications/example.com/hello', params: {} }])
  channel.abort()
  expect(ctx.signal.aborted).toBe(true)
  expect(contextWith({ revision: '2026-07-28' }).ctx.session).toBeUndefined()
})
