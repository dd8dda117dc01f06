/** Many changes in a short time, as Redis sees them. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNotifier } from '../../lib/runtime/notifier.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { getStream, initialize } from '../support/raw.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet({ session: { heartbeat: 0 } }, { size: 2 })
})
afterAll(() => fleet.stop())

const STREAMS = 20
const CHANGES = 400
/** ms: instances send changes to their streams, and read changes, no more often than this. */
const [BATCH, READ] = [25, 20]

/** How often Redis has run a command, in scripts too. */
async function calls(client: Redis, command: string): Promise<number> {
  const stats = await client.info('commandstats')
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0)
}

test('hundreds of changes cost a script for each stream and batch, and not for each change', async () => {
  const client = new Redis(fleet.redis.url)
  const store = redisStore(fleet.redis.url)
  const notify = createNotifier(store)
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, async (_, n) => getStream(fleet.at(n % 2), await initialize(fleet.at(n % 2)))),
  )
  // The first change opens what is opened once.
  await notify.promptsChanged()
  await Promise.all(streams.map((stream) => stream.until(({ method }) => method?.includes('prompts') === true)))
  const [evals, reads] = [await calls(client, 'evalsha'), await calls(client, 'xread')]
  const begun = performance.now()
  for (let n = 0; n < CHANGES; n++) await notify.toolsChanged()
  await notify.resourcesChanged()
  await Promise.all(streams.map((stream) => stream.until(({ method }) => method?.includes('resources') === true)))
  const ms = performance.now() - begun
  const scripts = (await calls(client, 'evalsha')) - evals - CHANGES - 1
  // The bounds grow with the time that this took, so that a slow machine changes nothing.
  expect(scripts).toBeLessThanOrEqual(STREAMS * (ms / BATCH + 2))
  expect((await calls(client, 'xread')) - reads).toBeLessThanOrEqual(2 * (ms / READ + 3))
  for (const stream of streams) stream.drop()
  client.disconnect()
  await store.close()
})
