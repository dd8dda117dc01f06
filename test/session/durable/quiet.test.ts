/** Durable calls that have sent nothing when their instance shuts down. */
import { afterEach, expect, test } from 'vitest'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import { LEASE, TestClient, TestFleet, until } from './fleet.ts'

let fleet: TestFleet
afterEach(() => fleet.close())

/** A tool whose first run has no end. */
function waiting(config: object) {
  const runs: AbortSignal[] = []
  const effects: string[] = []
  const server = new McpServer({ name: 'quiet', version: '1' })
  server.registerTool('order', config, async (ctx) => {
    const isFirst = runs.push(ctx.signal) === 1
    await ctx.once('pay', () => effects.push('pay'))
    if (isFirst) await new Promise(() => {})
    return { content: [{ type: 'text', text: 'done' }] }
  })
  return { server, runs, effects }
}

test.each([{ durable: true }, { annotations: { readOnlyHint: true } }])(
  'a call that has sent nothing goes on at another instance after a drain: %o',
  async (config) => {
    const { server, runs, effects } = waiting(config)
    fleet = new TestFleet(server)
    // Nothing opens the stream but the drain.
    const [first, second] = [fleet.start({ streamAfter: 10 * LEASE, drainTimeout: 1_000 }), fleet.start()]
    const client = await TestClient.open(fleet, first)
    const calling = client.call(first, 'order', {}, {})
    await until(() => effects.length === 1)
    const closing = first.close()
    await calling
    await fleet.pass(5_000)
    await closing
    expect([client.result, runs[0]?.aborted]).toEqual([undefined, true])
    await client.poll(second)
    await fleet.pass(2 * LEASE)
    await until(() => client.text === 'done')
    expect([runs.length, effects]).toEqual([2, ['pay']])
  },
)
