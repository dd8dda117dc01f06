/** `ctx.once(…, { single: true })` where runs die, fail, or lose the store between two steps. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { ManualClock, turn } from '../cluster/simulation.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ACCEPT_BOTH, type RpcMessage, request, toolCall } from '../support/raw.ts'
import { body, headers, retry, tool } from './requests.ts'

const yes = { 'elicit-1': { action: 'accept', content: {} } }
const KEYS = [Buffer.alloc(32, 1)]

/** Instances that share a store, each with a clock and faults of its own. The tool's single function is `pay`. */
function place() {
  const time = new ManualClock()
  const base = memoryStore({ clock: time })
  let paid = 0
  function instance(pay: (n: number) => Promise<number> | number, steps: Partial<Record<keyof Store, Step>> = {}) {
    const clock = new ManualClock()
    const server = new McpServer({ name: 'single', version: '1' })
    server.registerTool('pay', {}, async (ctx) => {
      await ctx.elicit('Pay?', { type: 'object', properties: {} })
      const value = await ctx.once('pay', () => pay(++paid), { single: true })
      return { content: [{ type: 'text', text: `paid ${value}` }] }
    })
    const store = interceptedStore({ ...steps, close: async () => {} }, base)
    const endpoint = createEndpoint(server, { store, clock, keys: KEYS, onError: () => {} })
    const ask = async (message: ReturnType<typeof tool>): Promise<RpcMessage> => {
      const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers(message) }
      const init = { method: 'POST', headers: all, body: JSON.stringify(body(message)) }
      return (await (await endpoint.fetch(new Request('http://localhost/mcp', init))).json()) as RpcMessage
    }
    return { clock, ask }
  }
  return { time, instance, times: () => paid }
}

const textOf = (answer: RpcMessage) => JSON.stringify(answer.result ?? answer.error)

test('what a run began that is no more does not run again, and the error says so as soon as that is known', async () => {
  const { time, instance, times } = place()
  const dies = instance(() => new Promise<number>(() => {}))
  const lives = instance((n) => n)
  const paying = retry(tool('pay'), await dies.ask(tool('pay')), yes)
  void dies.ask(paying)
  await turn()
  // While the run shows a sign, the function is being done, however long that takes.
  for (let i = 0; i < 10; i++) {
    await Promise.all([time.advance(9_000), dies.clock.advance(9_000)])
    expect(textOf(await lives.ask(paying))).toContain('is being done by another request')
  }
  // The clock of the dead process stands still, so that it renews nothing.
  await time.advance(40_000)
  expect(textOf(await lives.ask(paying))).toContain('whether it had an effect is unknown')
  await time.advance(60 * 60_000)
  expect(textOf(await lives.ask(paying))).not.toContain('paid')
  expect(times()).toBe(1)
  // A call that begins anew is another one.
  expect(textOf(await lives.ask(retry(tool('pay'), await lives.ask(tool('pay')), yes)))).toContain('paid 2')
})

test('a function that failed may run again, also where the store did not take that at first', async () => {
  for (const away of [false, true]) {
    const { instance } = place()
    let failing = away
    const deleteValue: Step = (proceed) => (failing ? Promise.reject(new StoreUnavailable('away')) : proceed())
    const pay = (n: number) => (n === 1 ? Promise.reject(new Error('no money')) : n)
    const { ask, clock } = instance(pay, { deleteValue })
    const paying = retry(tool('pay'), await ask(tool('pay')), yes)
    expect(textOf(await ask(paying))).toContain('no money')
    failing = false
    await clock.advance(6_000)
    expect(textOf(await ask(paying))).toContain('paid 2')
  }
})

test('a result that the store did not take at first is kept, and the function does not run again', async () => {
  const { instance, times } = place()
  let away = true
  const setValue: Step = (proceed, _kind, _id, value) =>
    away && String(value).startsWith('=') ? Promise.reject(new StoreUnavailable('away')) : proceed()
  const { ask, clock } = instance((n) => n, { setValue })
  const paying = retry(tool('pay'), await ask(tool('pay')), yes)
  expect(textOf(await ask(paying))).toContain('paid 1')
  expect(textOf(await ask(paying))).not.toContain('paid')
  away = false
  await clock.advance(6_000)
  expect(textOf(await ask(paying))).toContain('paid 1')
  expect(times()).toBe(1)
})

test('a function that did not begin, since the reply of the store was lost, is not locked', async () => {
  const { instance, times } = place()
  let lost = true
  const addValue: Step = async (proceed) => {
    const reply = await proceed()
    if (lost) throw new StoreUnavailable('the reply was lost')
    return reply
  }
  const { ask } = instance((n) => n, { addValue })
  const paying = retry(tool('pay'), await ask(tool('pay')), yes)
  expect(textOf(await ask(paying))).toContain('did not answer')
  lost = false
  await turn()
  expect(textOf(await ask(paying))).toContain('paid 1')
  expect(times()).toBe(1)
})

test.each(['2025-11-25', '2026-07-28'])(
  'a function of once that failed runs again in the same call, in %s',
  async (revision) => {
    let runs = 0
    const server = new McpServer({ name: 'once', version: '1' })
    server.registerTool('act', {}, async (ctx: Context) => {
      const flaky = () => {
        if (++runs === 1) throw new Error('not yet')
        return runs
      }
      const first = await ctx.once('flaky', flaky).catch((error: Error) => error.message)
      const results = [first, await ctx.once('flaky', flaky), await ctx.once('flaky', flaky)]
      return { content: [{ type: 'text', text: results.join() }] }
    })
    const endpoint = createEndpoint(server, {})
    const post = async (message: object, more: Record<string, string>) => {
      const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...more }
      return endpoint.fetch(
        new Request('http://localhost/mcp', { method: 'POST', headers: all, body: JSON.stringify(message) }),
      )
    }
    const stateless = async () => post(body(tool('act')), headers(tool('act')))
    const inSession = async () => {
      const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 't', version: '1' } }
      const opened = await post(request(0, 'initialize', params), {})
      return post(toolCall(1, 'act'), { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' })
    }
    const answer = (await (await (revision.startsWith('2026') ? stateless() : inSession())).json()) as RpcMessage
    expect(answer.result.content[0].text).toBe('not yet,2,2')
  },
)
