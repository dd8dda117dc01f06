/** `ctx.once`, the lifetime and size of `requestState`, and the rotation of its keys. One process, a manual clock. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { bindingOf } from '../../lib/stateless/request-state.ts'
import type { memoryStore } from '../../lib/store/memory/index.ts'
import { ManualClock } from '../cluster/simulation.ts'
import { ACCEPT_BOTH, type RpcMessage } from '../support/raw.ts'
import { body, headers, retry, type StatelessRequest, tool } from './requests.ts'

const FORM = { type: 'object', properties: { ok: { type: 'boolean' } } } as const
const yes = { 'elicit-1': { action: 'accept', content: { ok: true } } }

function make(
  options: { keys?: Uint8Array[]; clock?: ManualClock; store?: ReturnType<typeof memoryStore> } = {},
  free: (ctx: Context) => Promise<string> = async () => '',
) {
  const done = { once: 0, single: 0, before: 0 }
  const server = new McpServer({ name: 'once', version: '1' })
  server.registerTool('act', {}, async (ctx) => {
    const before = await ctx.once('before', () => ++done.before)
    await ctx.elicit('Sure?', FORM)
    const once = await ctx.once('plain', () => ++done.once)
    const single = await ctx.once('single', () => ++done.single, { single: true })
    return { content: [{ type: 'text', text: JSON.stringify({ before, once, single }) }] }
  })
  server.registerTool('large', {}, async (ctx) => {
    await ctx.once('large', () => 'x'.repeat(100_000))
    await ctx.elicit('Sure?', FORM)
    return { content: [] }
  })
  server.registerTool('free', {}, async (ctx) => ({ content: [{ type: 'text', text: await free(ctx) }] }))
  const endpoint = createEndpoint(server, options)
  const ask = async (request: StatelessRequest): Promise<RpcMessage> => {
    const answer = await endpoint.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers(request) },
        body: JSON.stringify(body(request)),
      }),
    )
    return (await answer.json()) as RpcMessage
  }
  return { ask, done }
}

test('a replay does not repeat the functions of ctx.once', async () => {
  const { ask, done } = make()
  const first = await ask(tool('act'))
  const answer = await ask(retry(tool('act'), first, yes))
  expect(JSON.parse(answer.result.content[0].text)).toEqual({ before: 1, once: 1, single: 1 })
  expect(done).toEqual({ before: 1, once: 1, single: 1 })
})

test('a state that is sent twice runs a function of ctx.once twice, unless it is single', async () => {
  const { ask, done } = make()
  const first = await ask(tool('act'))
  const again = retry(tool('act'), first, yes)
  const answers = [await ask(again), await ask(again)]
  expect(answers.map(({ result }) => JSON.parse(result.content[0].text).single)).toEqual([1, 1])
  expect(done).toEqual({ before: 1, once: 2, single: 1 })
})

test('ctx.once runs one function for two concurrent calls with the same name', async () => {
  let done = 0
  const { ask } = make({}, async (ctx) => {
    const both = await Promise.all([ctx.once('pay', async () => ++done), ctx.once('pay', async () => ++done)])
    return both.join()
  })
  expect((await ask(tool('free'))).result.content[0].text).toBe('1,1')
  expect(done).toBe(1)
})

test('a state expires', async () => {
  const clock = new ManualClock()
  const { ask } = make({ clock })
  const first = await ask(tool('act'))
  await clock.advance(59 * 60_000)
  expect((await ask(retry(tool('act'), first, yes))).result.resultType).toBe('complete')
  // The clocks of two instances may be apart by a minute.
  await clock.advance(3 * 60_000)
  expect((await ask(retry(tool('act'), first, yes))).error?.code).toBe(-32602)
})

test('a state is valid for another minute where clocks are apart, and one from the future for no more', async () => {
  const clock = new ManualClock()
  const { ask } = make({ clock })
  const first = await ask(tool('act'))
  const answer = async () => {
    const { result, error } = await ask(retry(tool('act'), first, yes))
    return error?.code ?? result.resultType
  }
  const hour = 60 * 60_000
  const steps = [hour + 55_000, 10_000, -hour - 65_000, -55_000, -10_000, 65_000] as const
  const seen: unknown[] = []
  for (const ms of steps) {
    clock.setWall(ms)
    seen.push(await answer())
  }
  expect(seen).toEqual(['complete', -32602, 'complete', 'complete', -32602, 'complete'])
})

test('a call expires although its state is renewed again and again, and a single function does not run again', async () => {
  const clock = new ManualClock()
  const { ask, done } = make({ clock })
  const first = await ask(tool('act'))
  expect((await ask(retry(tool('act'), first, yes))).result.resultType).toBe('complete')
  let last = first
  let hours = 0
  for (; last.error === undefined && hours < 100; hours++) {
    await clock.advance(54 * 60_000)
    const answer = await ask(retry(tool('act'), last, yes))
    if (answer.error === undefined) expect(JSON.parse(answer.result.content[0].text).single).toBe(1)
    last = await ask(retry(tool('act'), last, {}))
  }
  expect(last.error?.code).toBe(-32602)
  expect(hours).toBeLessThan(30)
  expect(done.single).toBe(1)
})

test('the bindings of null, of 1e400 and of 1 differ', () => {
  const of = (n: unknown) =>
    bindingOf('ada', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { arguments: { n } } })
  const [none, infinite, one] = ['null', '1e400', '1'].map((text) => of(JSON.parse(text)))
  expect(new Set([none, infinite, one]).size).toBe(3)
})

test('a state over its bound is an error', async () => {
  const { ask } = make()
  expect((await ask(tool('large'))).error?.message).toMatch(/65536 bytes/)
})

test('a key rotation loses no call: the first key seals, every key opens', async () => {
  const [one, two, three] = [1, 2, 3].map((n) => Buffer.alloc(32, n)) as [Buffer, Buffer, Buffer]
  const before = make({ keys: [one] })
  const between = make({ keys: [two, one] })
  const after = make({ keys: [two] })
  const old = await before.ask(tool('act'))
  expect((await between.ask(retry(tool('act'), old, yes))).result.resultType).toBe('complete')
  expect((await after.ask(retry(tool('act'), old, yes))).error?.code).toBe(-32602)
  const recent = await between.ask(tool('act'))
  expect((await after.ask(retry(tool('act'), recent, yes))).result.resultType).toBe('complete')
  expect((await make({ keys: [three] }).ask(retry(tool('act'), recent, yes))).error?.code).toBe(-32602)
})

test.each(['constructor', 'toString', '__proto__'])(
  '"%s" works as a key of an ask and as a name of once',
  async (name) => {
    let done = 0
    const { ask } = make({}, async (ctx) => {
      const once = await ctx.once(name, () => ({ done: ++done }))
      const { content } = await ctx.elicit('Sure?', FORM, { key: name })
      const { action } = await ctx.elicit('Really?', FORM)
      return JSON.stringify({ once, content, action })
    })
    const first = await ask(tool('free'))
    expect(Object.keys(first.result.inputRequests)).toEqual([name])
    const accept = { action: 'accept', content: { ok: true } }
    const second = await ask(retry(tool('free'), first, Object.fromEntries([[name, accept]])))
    expect(Object.keys(second.result.inputRequests)).toEqual(['elicit-2'])
    const third = await ask(retry(tool('free'), second, { 'elicit-2': { action: 'decline' } }))
    const expected = { once: { done: 1 }, content: { ok: true }, action: 'decline' }
    expect(JSON.parse(third.result.content[0].text)).toEqual(expected)
  },
)
