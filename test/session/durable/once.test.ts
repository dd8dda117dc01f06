/** `ctx.once` of durable tools, and their later runs after a death, a drain and the end of a platform's time. */
import { afterEach, expect, test } from 'vitest'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { LEASE, TestClient, TestFleet, until } from './fleet.ts'

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
  const client = await TestClient.open(fleet, first)
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
