/** Packages from npm, served by three instances without a line changed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { startServeFleet } from './fleet.ts'
import { packages, type Runs } from './packages.ts'

const LOG: Readonly<Record<Runs, string>> = {
  'one instance': 'has one instance for all clients of this process: ',
  'an instance for each session': 'has an instance for each session: ',
  'a process for each session': 'has a process for each session: ',
}

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

test.each(Object.entries(packages))('%s lists and calls its tools for every client', async (name, served) => {
  const { runs, why, sdk, call, serves = clients.map(([kind]) => kind) } = served
  const fleet = await startServeFleet(name, redis)
  try {
    const log = fleet.lines.join('\n')
    expect(log).toContain(LOG[runs])
    expect(log).toMatch(why)
    if (runs !== 'a process for each session') expect(log).toContain(`with @modelcontextprotocol/${sdk}.`)
    for (const [kind, connect] of clients) {
      if (!serves.includes(kind)) continue
      const client = await connect(fleet.url)
      const tools = await client.tools()
      expect([kind, tools]).toEqual([kind, expect.arrayContaining([call.tool])])
      for (let i = 0; i < 3; i++) {
        const { text, isError } = await client.call(call.tool, call.args)
        expect([kind, text]).toEqual([kind, expect.stringMatching(call.answer)])
        expect([kind, isError]).toEqual([kind, call.fails === true])
      }
      await client.close()
    }
    expect(Math.min(...fleet.counts)).toBeGreaterThan(1)
  } finally {
    await fleet.stop()
  }
})
