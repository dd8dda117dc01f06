/** Calls that are suspended while their client is asked: nothing runs, and any instance goes on with the answer. */
import { afterEach, expect, test } from 'vitest'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { SUSPEND_AFTER, TestClient, TestFleet, until } from './fleet.ts'

const FORM = { type: 'object', properties: { a: { type: 'string' } } } as const

let fleet: TestFleet
afterEach(() => fleet.close())

/** A server whose tool asks twice, with an effect before and between. */
function asking(effects: string[], config: object = { durable: true }) {
  const server = new McpServer({ name: 'suspended', version: '1' })
  server.registerTool('order', config, async (ctx) => {
    await ctx.log('info', 'begin')
    await ctx.once('reserve', () => void effects.push('reserve'))
    await ctx.progress(1)
    const first = await ctx.elicit('Which?', FORM)
    await ctx.once('pay', () => void effects.push('pay'))
    await ctx.log('info', `got ${JSON.stringify(first.content)}`)
    const second = await ctx.elicit('Really?', FORM)
    await ctx.log('info', 'end')
    return { content: [{ type: 'text', text: JSON.stringify([first.content, second.content]) }] }
  })
  return server
}

const answer = (a: string) => ({ action: 'accept', content: { a } })

test('the run ends, the stream closes with a retry, and the answer at another instance goes on with the call', async () => {
  const effects: string[] = []
  fleet = new TestFleet(asking(effects))
  const [first, second] = [fleet.start(), fleet.start()]
  const client = await TestClient.open(first)
  await client.call(first, 'order')
  await until(() => client.asks.length === 1)
  await fleet.pass(SUSPEND_AFTER)
  await until(() => !client.isConnected)
  await first.settled()
  expect(first.stats()).toMatchObject({ calls: 0, connections: 0, unregistered: 0 })
  expect(client.retries.length).toBe(1)
  expect(client.result).toBeUndefined()
  await client.poll(second)
  await until(() => !client.isConnected)
  expect(client.retries.length).toBe(2)
  expect(second.stats()).toMatchObject({ calls: 0, connections: 0 })
  expect(await client.answer(second, client.asks[0]!, answer('x'))).toBe(202)
  await client.poll(first)
  await until(() => client.asks.length === 2)
  expect(effects).toEqual(['reserve', 'pay'])
  expect(client.said).toEqual(['begin', 'got {"a":"x"}'])
  expect(await client.answer(first, client.asks[1]!, answer('y'))).toBe(202)
  await until(() => client.result !== undefined)
  expect(client.text).toBe('[{"a":"x"},{"a":"y"}]')
  expect(client.said).toEqual(['begin', 'got {"a":"x"}', 'end'])
  expect(effects).toEqual(['reserve', 'pay'])
  const progress = client.messages.flatMap(({ method, params }) =>
    method === 'notifications/progress' ? [params.progress] : [],
  )
  expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  expect(new Set(progress).size).toBe(progress.length)
  expect(fleet.errors).toEqual([])
})
