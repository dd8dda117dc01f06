/** Packages from npm, served by three instances without a line changed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients, type ExampleClient } from '../../examples/clients.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { startServeFleet } from './fleet.ts'
import { type Call, packages, type Runs } from './packages.ts'

const LOG: Readonly<Record<Runs, RegExp>> = {
  'one instance': /has one instance for all clients of this process: /,
  'an instance for each session': /has an instance for each session: /,
  'a process for each session': /has a process for each session: /,
}

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** The text that a client gets for a call: that of the result, or of an error of the server. */
async function called(client: ExampleClient, { tool, args }: Call): Promise<string> {
  return client.call(tool, args).then(
    ({ text }) => text,
    (error: Error) => error.message,
  )
}

/** Not a text of the endpoint. */
const OWN = /^(?!.*\b(?:instance|session|call has)\b)./s

test.each(Object.entries(packages))('%s lists and calls its tools for every client', async (name, served) => {
  const { runs, why, sdk, call } = served
  const fleet = await startServeFleet(name, redis)
  try {
    const reason = await fleet.line(LOG[runs])
    expect(reason).toMatch(why)
    const isProcess = runs === 'a process for each session'
    const found = isProcess ? reason : await fleet.line(/runs in this process, with/)
    if (sdk !== 'inside') expect(found).toContain(`with @modelcontextprotocol/${sdk}`)
    for (const [kind, connect] of clients) {
      // Without authorization nobody knows whose process a client without a session would get.
      if (isProcess && kind.includes('stateless')) {
        await expect(connect(fleet.url)).rejects.toThrow()
        continue
      }
      const client = await connect(fleet.url)
      expect([kind, await client.tools()]).toEqual([kind, expect.arrayContaining([call.tool])])
      for (let i = 0; i < 3; i++) {
        const expected = expect.stringMatching(call.answer ?? OWN)
        expect([kind, await called(client, call)]).toEqual([kind, expected])
      }
      await client.close()
    }
    expect(Math.min(...fleet.counts)).toBeGreaterThan(1)
  } finally {
    await fleet.stop()
  }
})
