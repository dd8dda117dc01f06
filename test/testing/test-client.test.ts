/** `mcp-anywhere/testing`: the official client in process, its asks, several instances, and their death. */
import { AskError, type Context, McpServer } from 'mcp-anywhere'
import { type TestClient, type TestClientOptions, testClient } from 'mcp-anywhere/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'

const open: TestClient[] = []
afterEach(async () => {
  for (const client of open.splice(0).reverse()) await client[Symbol.asyncDispose]()
})
async function start(server: McpServer, options?: TestClientOptions): Promise<TestClient> {
  const client = await testClient(server, options)
  open.push(client)
  return client
}

const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] })
const textOf = async (result: Promise<unknown>) => ((await result) as { content: { text: string }[] }).content[0]?.text

/** Calls a tool. `streams` resolves when the client has got a message of the call: before, a kill would lose it. */
function call(client: TestClient, name: string) {
  const streams = Promise.withResolvers<void>()
  const result = client.callTool({ name }, { onprogress: () => streams.resolve() })
  // A test may await it later.
  result.catch(() => {})
  return { result, streams: streams.promise }
}

/** A server whose tools a test can wait for. */
function build() {
  const server = new McpServer({ name: 'notes', version: '1' })
  const runs: PromiseWithResolvers<void>[] = []
  const begun: (() => void)[] = []
  const audit: string[] = []
  const run = (n: number) => (runs[n] ??= Promise.withResolvers<void>())
  let count = 0
  server.registerTool('ask', {}, async (ctx) => {
    const { content } = await ctx.elicit('Who?', z.object({ name: z.string() }))
    const model = await ctx.sample({
      messages: [{ role: 'user', content: { type: 'text', text: 'Hi' } }],
      maxTokens: 9,
    })
    const [first] = [model.content].flat()
    const roots = await ctx.listRoots()
    return text(`${content?.name} ${first?.type === 'text' ? first.text : ''} ${roots[0]?.uri}`)
  })
  server.registerTool('count', {}, async (ctx) => {
    const n = (await ctx.session?.get<number>('n')) ?? 0
    await ctx.session?.set('n', n + 1)
    return text(n + 1)
  })
  const long = async (ctx: Context) => {
    const n = ++count
    await ctx.progress(n)
    begun[n]?.()
    await run(n).promise
    ctx.waitUntil(Promise.resolve().then(() => audit.push(`run ${n}`)))
    return text(`run ${n}`)
  }
  server.registerTool('safe', { annotations: { readOnlyHint: true } }, long)
  server.registerTool('unsafe', {}, long)
  server.registerTool('patient', {}, async (ctx) => {
    try {
      await ctx.elicit('Who?', z.object({ name: z.string() }))
      return text('answered')
    } catch (error) {
      return text(error instanceof AskError ? error.reason : error)
    }
  })
  server.registerTool('leave', {}, (ctx) => {
    ctx.waitUntil(new Promise<void>((resolve) => setImmediate(resolve)).then(() => audit.push('left')))
    return text('done')
  })
  server.registerTool('whoami', {}, ({ auth, request }) => text(`${auth?.subject} ${request.address}`))
  return {
    server,
    audit,
    /** Resolves when the run of this number has begun. */
    began: (n: number) => new Promise<void>((resolve) => (begun[n] = resolve)),
    finish: (n: number) => run(n).resolve(),
  }
}

describe.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'])('a client of %s', (revision) => {
  test('lists and calls tools, and answers asks by the functions of the test', async () => {
    const { server } = build()
    const client = await start(server, {
      revision,
      ...(revision >= '2025-06-18' && { elicit: () => ({ action: 'accept', content: { name: 'Ada' } }) }),
      sample: async () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'Hello' } }),
      roots: [{ uri: 'file:///notes' }],
    })
    expect(client.getNegotiatedProtocolVersion()).toBe(revision)
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('ask')
    if (revision >= '2025-06-18') expect(await textOf(client.callTool({ name: 'ask' }))).toBe('Ada Hello file:///notes')
  })

  test('without functions has neither user nor model', async () => {
    const client = await start(build().server, { revision })
    // For a stateless client it is an error of the protocol.
    const refused = client.callTool({ name: 'ask' }).then(({ isError }) => isError, String)
    expect(await refused).toEqual(revision === '2026-07-28' ? expect.stringContaining('"elicitation"') : true)
  })
})

test('requests go to the instances in turn, which share the session', async () => {
  const client = await start(build().server, { instances: 3 })
  const seen = new Set<number>()
  for (let i = 1; i <= 6; i++) {
    expect(await textOf(client.callTool({ name: 'count' }))).toBe(String(i))
    seen.add(client.lastInstance)
  }
  expect([...seen].sort()).toEqual([0, 1, 2])
})

test.each(['2025-11-25', '2026-07-28'])('settled() waits for work that a tool leaves (%s)', async (revision) => {
  const { server, audit } = build()
  const client = await start(server, { instances: 2, revision })
  expect(await textOf(client.callTool({ name: 'leave' }))).toBe('done')
  await client.settled()
  expect(audit).toEqual(['left'])
})

test('a question to a stateless client is answered at another instance', async () => {
  const client = await start(build().server, {
    instances: 2,
    revision: '2026-07-28',
    elicit: () => ({ action: 'accept', content: { name: 'Ada' } }),
  })
  expect(await textOf(client.callTool({ name: 'patient' }))).toBe('answered')
})

test('another client has a session of its own, and gets what the server announces', async () => {
  const client = await start(build().server, { instances: 2 })
  const other = await client.another()
  expect(await textOf(client.callTool({ name: 'count' }))).toBe('1')
  expect(await textOf(other.callTool({ name: 'count' }))).toBe('1')
  const changed = new Promise<void>((resolve) => {
    other.setNotificationHandler('notifications/tools/list_changed', () => resolve())
  })
  await client.notify.toolsChanged()
  await changed
  await other[Symbol.asyncDispose]()
  expect(await textOf(client.callTool({ name: 'count' }))).toBe('2')
})

describe('a kill', () => {
  test('lets another instance run a call again that may, and its client gets the result', async () => {
    const { server, audit, began, finish } = build()
    const client = await start(server, { instances: 3 })
    const second = began(2)
    const { result, streams } = call(client, 'safe')
    await streams
    const dead = client.lastInstance
    client.kill()
    await second
    finish(2)
    expect(await textOf(result)).toBe('run 2')
    await client.settled()
    expect(audit).toEqual(['run 2'])
    // The code of the first run goes on, and nothing of it is heard.
    finish(1)
    for (let i = 0; i < 3; i++) {
      await client.callTool({ name: 'count' })
      expect(client.lastInstance).not.toBe(dead)
    }
  })

  test('ends another call with an error that reports the loss', async () => {
    const client = await start(build().server, { instances: 2 })
    const { result, streams } = call(client, 'unsafe')
    await streams
    client.kill()
    await expect(result).rejects.toThrow(/instance/)
    expect(await textOf(client.callTool({ name: 'count' }))).toBe('1')
  })

  test('under a stateless client leaves the calls after it to the others', async () => {
    const client = await start(build().server, { instances: 2, revision: '2026-07-28' })
    const { streams } = call(client, 'safe')
    await streams
    const dead = client.lastInstance
    client.kill()
    for (let i = 0; i < 2; i++) {
      expect(await textOf(client.callTool({ name: 'whoami' }))).toContain('undefined')
      expect(client.lastInstance).not.toBe(dead)
    }
  })

  test('of every instance leaves none', async () => {
    const client = await start(build().server, { instances: 2 })
    client.kill(0)
    client.kill(1)
    await expect(client.callTool({ name: 'count' })).rejects.toThrow('Every instance was killed.')
    expect(() => client.kill(2)).toThrow('There is no instance 2; there are 2.')
  })

  test('with a long lease is noticed when the time has passed', async () => {
    const { server, began, finish } = build()
    const client = await start(server, { instances: 2, endpoint: { session: { lease: 600_000, heartbeat: 15_000 } } })
    const second = began(2)
    const { result, streams } = call(client, 'safe')
    await streams
    client.kill()
    let over = false
    void second.then(() => {
      over = true
    })
    // The client comes back some milliseconds after the kill, and then the lease begins to count.
    while (!over) await client.advance(60_000)
    finish(2)
    expect(await textOf(result)).toBe('run 2')
  })
})

test('time that passes ends an ask and a session', async () => {
  const asked = Promise.withResolvers<void>()
  const client = await start(build().server, {
    elicit: () => {
      asked.resolve()
      return new Promise(() => {})
    },
    endpoint: { session: { idleLifetime: 3_600_000 } },
  })
  const called = textOf(client.callTool({ name: 'patient' }))
  await asked.promise
  await client.advance(600_000)
  expect(await called).toBe('timeout')
})

test('the caller is the one that the test names', async () => {
  const auth = { token: 't', clientId: 'app', scopes: [], extra: { sub: 'ada' } }
  const client = await start(build().server, { auth })
  expect(await textOf(client.callTool({ name: 'whoami' }))).toBe('ada undefined')
  const bob = await client.another({ auth: { ...auth, token: 'u', extra: { sub: 'bob' } } })
  expect(await textOf(bob.callTool({ name: 'whoami' }))).toBe('bob undefined')
  await expect(client.another()).rejects.toThrow()
})

test('the path and the prefix of the endpoint are those of the client', async () => {
  const client = await start(build().server, { endpoint: { path: '/v1', prefix: '/tools' } })
  expect(await textOf(client.callTool({ name: 'count' }))).toBe('1')
})

test('await using closes everything', async () => {
  let closed = false
  {
    await using client = await testClient(build().server)
    client.onclose = () => {
      closed = true
    }
    await client.listTools()
  }
  expect(closed).toBe(true)
})

test.each([
  [{ instances: 0 }, 'instances must be a whole number from 1, not 0.'],
  [{ revision: '2020-01-01' }, 'revision must be one of'],
  [{ endpoint: { path: 'mcp' } }, 'path must begin with /'],
] as [TestClientOptions, string][])('%o is refused with one line', async (options, message) => {
  await expect(testClient(build().server, options)).rejects.toThrow(message)
})
