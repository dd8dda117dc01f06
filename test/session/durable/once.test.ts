/** `ctx.once` of durable tools, and their later runs after a death, a drain and the end of a platform's time. */
import { afterEach, expect, test } from 'vitest'
import { isObject } from '../../../lib/protocol/jsonrpc.ts'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { sessionKey } from '../../../lib/session/stream/session.ts'
import type { Step } from '../../support/intercepted-store.ts'
import { LEASE, SUSPEND_AFTER, TestClient, TestFleet, turns, until } from './fleet.ts'

let fleet: TestFleet
afterEach(() => fleet.close())

/** Resolved by the test, by name. */
function gates() {
  const made = new Map<string, PromiseWithResolvers<unknown>>()
  return (name: string) => {
    const gate = made.get(name) ?? Promise.withResolvers<unknown>()
    made.set(name, gate)
    return gate
  }
}

test('a call of a dead instance goes on after the last once that it has kept, and says what the log lacks', async () => {
  const effects: string[] = []
  const gate = gates()
  const server = new McpServer({ name: 'once', version: '1' })
  server.registerTool('order', { durable: true }, async (ctx) => {
    await ctx.log('info', 'begin')
    const first = await ctx.once('pay', () => {
      effects.push('pay')
      return { paid: 5 }
    })
    await ctx.log('info', `paid ${first.paid}`)
    await ctx.progress(1)
    await gate('second').promise
    const second = await ctx.once('ship', () => {
      effects.push('ship')
      return 'shipped'
    })
    await ctx.log('info', second)
    await ctx.progress(2)
    return { content: [{ type: 'text', text: `${first.paid} ${second}` }] }
  })
  fleet = new TestFleet(server)
  const [first, second] = [fleet.start(), fleet.start()]
  const client = await TestClient.open(first)
  await client.call(first, 'order')
  await until(() => client.said.length === 2)
  fleet.kill(first)
  client.drop()
  await client.poll(second)
  await fleet.pass(3 * LEASE)
  gate('second').resolve(undefined)
  await until(() => client.result !== undefined)
  expect(client.text).toBe('5 shipped')
  expect(client.said).toEqual(['begin', 'paid 5', 'shipped'])
  expect(effects).toEqual(['pay', 'ship'])
  const progress = client.messages.filter(({ method }) => method === 'notifications/progress')
  expect(progress.map(({ params }) => params.progress).filter(Number.isInteger)).toEqual([1, 2])
})

/** A tool that pays once, between two messages, and then waits for its gate. */
function paying(config: object) {
  const effects: string[] = []
  const gate = gates()
  const server = new McpServer({ name: 'once', version: '1' })
  server.registerTool('order', config, async (ctx) => {
    await ctx.log('info', 'begin')
    await gate('said').promise
    const { paid } = await ctx.once('pay', () => {
      effects.push('pay')
      return { paid: 5 }
    })
    await gate('paid').promise
    await ctx.log('info', 'end')
    return { content: [{ type: 'text', text: String(paid) }] }
  })
  return { server, effects, gate }
}

test.each([{ annotations: { idempotentHint: true } }, { annotations: { readOnlyHint: true } }])(
  '`ctx.once` of a tool that may run again keeps its result, and the later run goes on from it: %o',
  async (config) => {
    const { server, effects, gate } = paying(config)
    fleet = new TestFleet(server)
    const [first, second] = [fleet.start({ suspendAfter: 0 }), fleet.start({ suspendAfter: 0 })]
    const client = await TestClient.open(first)
    await client.call(first, 'order')
    // The log has a message before the call has a journal.
    await until(() => client.said.length === 1)
    gate('said').resolve(undefined)
    await until(() => effects.length === 1)
    await fleet.pass(500)
    fleet.kill(first)
    client.drop()
    await client.poll(second)
    await fleet.pass(3 * LEASE)
    gate('paid').resolve(undefined)
    await until(() => client.result !== undefined)
    expect(client.text).toBe('5')
    expect(effects).toEqual(['pay'])
    // What was sent before the call had its journal is not sent again either.
    expect(client.said).toEqual(['begin', 'end'])
  },
)

test('nothing of such a call is left at the store when it has ended', async () => {
  const { server, gate } = paying({ annotations: { idempotentHint: true } })
  const steps: string[] = []
  const noted =
    (name: string): Step =>
    async (proceed, _key, step) => {
      const reply = await proceed()
      steps.push(`${name}${isObject(step) && step.durable === true ? ' durable' : ''}`)
      return reply
    }
  fleet = new TestFleet(server)
  const at = fleet.start({}, { append: noted('append'), keep: noted('keep'), endCall: noted('end') })
  const client = await TestClient.open(at)
  await client.call(at, 'order')
  await until(() => client.said.length === 1)
  gate('said').resolve(undefined)
  gate('paid').resolve(undefined)
  await until(() => client.result !== undefined)
  // Its last message ends it as a durable one: only such an end forgets the journal.
  expect(steps.slice(0, 2)).toEqual(['append', 'keep'])
  expect(steps.slice(2)).toEqual(steps.slice(2).map(() => 'append durable'))
  expect(await fleet.base.calls(sessionKey('', client.session))).toEqual([])
})

test('a tool that is only idempotent is not suspended, also after its first `ctx.once`, and its name is in the log', async () => {
  const server = new McpServer({ name: 'once', version: '1' })
  server.registerTool('order', { annotations: { idempotentHint: true } }, async (ctx) => {
    await ctx.once('pay', () => 5)
    const { action } = await ctx.elicit('?', { type: 'object', properties: {} })
    return { content: [{ type: 'text', text: action }] }
  })
  fleet = new TestFleet(server)
  const at = fleet.start()
  const client = await TestClient.open(at)
  await client.call(at, 'order')
  await until(() => client.asks.length === 1)
  await fleet.pass(3 * SUSPEND_AFTER)
  expect([client.isConnected, at.stats().calls]).toEqual([true, 1])
  expect(fleet.errors.map(String).join()).toContain('The tool "order" waits for its client')
  await client.answer(at, client.asks[0]!, { action: 'decline' })
  await until(() => client.text === 'decline')
})

test('what was sent before the call had a journal is in the log before its first once is kept', async () => {
  const gate = gates()
  const steps: string[] = []
  const server = new McpServer({ name: 'once', version: '1' })
  server.registerTool('order', { annotations: { idempotentHint: true } }, async (ctx) => {
    await ctx.log('info', 'begin')
    await gate('stored').promise
    await ctx.log('info', 'more')
    await gate('sent').promise
    await ctx.once('pay', () => void steps.push('effect'))
    return { content: [{ type: 'text', text: 'paid' }] }
  })
  const append: Step = async (proceed) => {
    const reply = await proceed()
    if (steps.length === 1) {
      gate('sent').resolve(undefined)
      await gate('logged').promise
    }
    steps.push('append')
    return reply
  }
  const keep: Step = (proceed) => {
    steps.push('keep')
    return proceed()
  }
  fleet = new TestFleet(server)
  const at = fleet.start({}, { append, keep })
  const client = await TestClient.open(at)
  await client.call(at, 'order')
  await until(() => client.said.length === 1)
  gate('stored').resolve(undefined)
  await until(() => steps.includes('effect'))
  await turns()
  gate('logged').resolve(undefined)
  await until(() => client.text === 'paid')
  expect(steps).toEqual(['append', 'effect', 'append', 'keep', 'append'])
})
