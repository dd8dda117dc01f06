/** One instance of an official server for all clients, through the official client, in three revisions. */
import { describe, expect, test } from 'vitest'
import { accept, call, connect, LINES, REVISIONS, reported, textOf } from './lines.ts'

const user = {
  elicit: () => accept('Ada'),
  sample: () => ({ model: 'm', role: 'assistant' as const, content: { type: 'text' as const, text: 'Hello' } }),
  roots: [{ uri: 'file:///r', name: 'r' }],
}

describe.each(LINES)('an McpServer of %s', (line, { makeServer }) => {
  describe.each(REVISIONS)('for a client of %s', (revision) => {
    test('describes itself and lists what it registered', async () => {
      const client = await connect(makeServer(), { revision })
      expect(client.getServerVersion()).toMatchObject({ name: 'official', version: '1.0.0' })
      expect(client.getInstructions()).toBe('Use it.')
      expect(client.getServerCapabilities()).toMatchObject({ tools: {}, resources: {}, prompts: {}, completions: {} })
      const { tools } = await client.listTools()
      const add = tools.find(({ name }) => name === 'add')
      expect(add).toMatchObject({ annotations: { readOnlyHint: true }, inputSchema: { required: ['a', 'b'] } })
      expect((await client.listResources()).resources).toMatchObject([{ uri: 'fixed://one' }])
      expect((await client.listResourceTemplates()).resourceTemplates).toMatchObject([{ uriTemplate: 'note://{id}' }])
      expect((await client.listPrompts()).prompts).toMatchObject([{ name: 'visit', arguments: [{ name: 'city' }] }])
    })

    test('calls tools, reads resources, gets prompts and completes', async () => {
      const client = await connect(makeServer(), { revision })
      expect(textOf(await call(client, 'add', { a: 1, b: 2 }))).toBe(3)
      expect((await client.readResource({ uri: 'note://7' })).contents).toMatchObject([{ text: 'note 7' }])
      expect((await client.readResource({ uri: 'fixed://one' })).contents).toMatchObject([{ text: 'one' }])
      const { messages } = await client.getPrompt({ name: 'visit', arguments: { city: 'Paris' } })
      expect(messages).toMatchObject([{ content: { text: 'Visit Paris' } }])
      const ref = { type: 'ref/prompt' as const, name: 'visit' }
      const { completion } = await client.complete({ ref, argument: { name: 'city', value: 'Pr' } })
      expect(completion.values).toEqual(['Prague'])
    })

    test('keeps the errors of the SDK: results with isError, and codes with data', async () => {
      const client = await connect(makeServer(), { revision })
      expect(await call(client, 'fail')).toMatchObject({ isError: true, content: [{ text: 'It failed.' }] })
      expect(await call(client, 'add', { a: 'x' })).toMatchObject({ isError: true })
      const prompt = client.getPrompt({ name: 'visit', arguments: { city: 'Atlantis' } })
      await expect(prompt).rejects.toMatchObject({ code: -32602, data: { city: 'Atlantis' } })
      await expect(client.readResource({ uri: 'none://x' })).rejects.toMatchObject({ code: -32602 })
    })

    test('reports progress to the call that asked for it', async () => {
      const client = await connect(makeServer(), { revision })
      const received: number[] = []
      const options = { onprogress: ({ progress }: { progress: number }) => void received.push(progress) }
      await client.callTool({ name: 'count', arguments: { n: 4, delayMs: 5 } }, options)
      expect(received.slice(0, 3)).toEqual([1, 2, 3])
    })

    test('asks the client of the call, with the request and without it', async () => {
      const client = await connect(makeServer(), { revision, ...user })
      expect(textOf(await call(client, 'ask', { message: 'Who?' }))).toEqual(accept('Ada'))
      expect(textOf(await call(client, 'ask_related', { message: 'Who?' }))).toEqual(accept('Ada'))
      expect(textOf(await call(client, 'ask_all'))).toMatchObject({
        content: { text: 'Hello' },
        roots: [{ uri: 'file:///r' }],
      })
    })

    test('knows the caller', async () => {
      const auth = { token: 't', clientId: 'app', scopes: [], extra: { sub: 'ada' } }
      const client = await connect(makeServer(), { revision, auth, elicit: user.elicit })
      const who = textOf(await call(client, 'who')) as Record<string, unknown>
      expect(who.declared).toMatchObject({ elicitation: { form: {} } })
      expect(who.clientId).toBe('app')
      expect(typeof who.sessionId).toBe(revision === '2026-07-28' ? 'undefined' : 'string')
      const other = await client.another({ revision, auth })
      const otherWho = textOf(await call(other, 'who')) as Record<string, unknown>
      expect(otherWho.declared).not.toHaveProperty('elicitation')
    })
  })

  test('is run again for a stateless client where its options mark the tool, and waits for the answer elsewhere', async () => {
    for (const tools of [undefined, { ask_once: { idempotent: true } }, { ask_once: { durable: true } }]) {
      const client = await connect(makeServer(), { revision: '2026-07-28', ...user, endpoint: { tools } })
      expect(textOf(await call(client, 'ask_once'))).toEqual(accept('Ada'))
    }
  })

  test('logs at the level of each session', async () => {
    const client = await connect(makeServer())
    const logged: unknown[] = []
    client.setNotificationHandler('notifications/message', ({ params }) => void logged.push(params.data))
    await call(client, 'log')
    expect(logged).toEqual(['small', 'large'])
    await client.setLoggingLevel('error')
    await call(client, 'log')
    expect(logged).toEqual(['small', 'large', 'large'])
  })

  test('ends a call that its client cancels', async () => {
    const client = await connect(makeServer())
    const { left } = await import('./servers/tools.ts')
    const abort = new AbortController()
    client.setNotificationHandler('notifications/message', () => abort.abort())
    await expect(client.callTool({ name: 'wait', arguments: {} }, { signal: abort.signal })).rejects.toThrow()
    await left
  })

  test('gives up an ask that its author does not wait for', async () => {
    const cancelled = Promise.withResolvers<void>()
    const elicit = () => new Promise<never>(() => {})
    const client = await connect(makeServer(), { elicit })
    client.setNotificationHandler('notifications/cancelled', () => cancelled.resolve())
    const result = await call(client, 'ask_briefly')
    expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('timed out') }] })
  })

  test('announces new tools and resources, and lists them', async () => {
    const client = await connect(makeServer(), { revision: '2025-11-25' })
    const changed = Promise.withResolvers<void>()
    const updated = Promise.withResolvers<string>()
    client.setNotificationHandler('notifications/tools/list_changed', () => changed.resolve())
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => updated.resolve(params.uri))
    await client.subscribeResource({ uri: 'note://1' })
    const before = (await client.listTools()).tools.length
    await call(client, 'grow')
    await changed.promise
    expect(await updated.promise).toBe('note://1')
    expect((await client.listTools()).tools).toHaveLength(before + 1)
    expect(textOf(await call(client, 'grown'))).toBe('new')
  })

  test('does not ask or log for a call that has ended', async () => {
    let asked = 0
    const elicit = () => {
      asked++
      return accept('Ada')
    }
    const client = await connect(makeServer(), { elicit })
    expect(textOf(await call(client, 'late'))).toBe('ended')
    const { eventually } = await import('../support/eventually.ts')
    await eventually(async () => (reported.some((text) => /has ended/.test(text)) ? true : undefined))
    expect(asked).toBe(0)
  })

  if (line === '2.x') {
    test('asks with ctx.mcpReq.elicitInput where messages must name their request', async () => {
      const client = await connect(makeServer(), { ...user, endpoint: { attribution: 'strict' } })
      expect(textOf(await call(client, 'ask_ctx'))).toEqual(accept('Ada'))
    })

    test.each(REVISIONS)('fulfils inputRequired() for a client of %s', async (revision) => {
      const client = await connect(makeServer(), { revision, ...user })
      expect(textOf(await call(client, 'input_required'))).toBe('Hello, Ada')
    })
  }
})

describe.each(LINES)('a low-level Server of %s', (_line, { makeLowLevel }) => {
  test.each(REVISIONS)('serves its own handlers to a client of %s', async (revision) => {
    const client = await connect(makeLowLevel(), { revision, ...user })
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('add')
    expect(textOf(await call(client, 'add', { a: 1, b: 2 }))).toBe(3)
    expect(textOf(await call(client, 'ask', { message: 'Who?' }))).toEqual(accept('Ada'))
    await expect(call(client, 'nothing')).rejects.toMatchObject({ code: -32602 })
    expect(client.getServerCapabilities()).not.toHaveProperty('prompts')
  })

  test('lists for each caller what its handler gives that caller', async () => {
    const caller = (clientId: string) => ({ auth: { token: clientId, clientId, scopes: [], extra: { sub: clientId } } })
    const client = await connect(makeLowLevel(), caller('full'))
    const limited = await client.another(caller('limited'))
    expect((await client.listTools()).tools.length).toBeGreaterThan(5)
    expect((await limited.listTools()).tools.map(({ name }) => name)).toEqual(['add'])
    expect((await client.listTools()).tools.length).toBeGreaterThan(5)
  })
})
