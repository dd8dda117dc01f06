/** The reference server "everything" asks its client, and has the tools for which its client can do something. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { type ServeFleet, startServeFleet } from './fleet.ts'

let redis: RedisServer
let fleet: ServeFleet
beforeAll(async () => {
  redis = await startRedis()
  fleet = await startServeFleet('@modelcontextprotocol/server-everything', redis)
})
afterAll(async () => {
  await fleet.stop()
  await redis.stop()
})

test.each(clients.slice(0, 2))('questions, sampling and progress of a %s client', async (_, connect) => {
  const asked: string[] = []
  const client = await connect(fleet.url, {
    form(message) {
      asked.push(message)
      return { name: 'Ada' }
    },
    model: (prompt) => `an answer to ${prompt}`,
  })
  expect(await client.tools()).toEqual(
    expect.arrayContaining(['trigger-elicitation-request', 'trigger-sampling-request']),
  )
  for (let round = 0; round < 3; round++) {
    expect((await client.call('trigger-elicitation-request')).text).toContain('Ada')
    expect((await client.call('trigger-sampling-request', { prompt: 'hello' })).text).toMatch(/an answer to .*hello/)
  }
  expect(asked).toHaveLength(3)
  const steps: number[] = []
  const args = { duration: 0.3, steps: 3 }
  await client.call('trigger-long-running-operation', args, (_message, progress) => steps.push(progress))
  expect(steps).toEqual([1, 2, 3])
  await client.close()

  const other = await connect(fleet.url)
  expect(await other.tools()).not.toContain('trigger-sampling-request')
  await other.close()
  expect(Math.min(...fleet.counts)).toBeGreaterThan(2)
})
