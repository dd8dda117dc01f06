/** What the first answer of a new instance waits for, with 5 ms to Redis and 5 ms back. */
import {
  type DistantRedis,
  distantCluster,
  distantSentinel,
  distantServer,
  distantTlsServer,
} from '../support/distant-redis.ts'
import { firstAnswer } from '../support/first-answer.ts'
import type { Figure } from './report.ts'

const KINDS: readonly (readonly [name: string, most: number, start: () => Promise<DistantRedis>])[] = [
  ['a server with a password', 2, () => distantServer()],
  ['a server with TLS', 2, distantTlsServer],
  ['a cluster', 4, () => distantCluster('redis+cluster')],
  ['a cluster that is found', 4, () => distantCluster('redis')],
  ['a cluster with TLS', 4, () => distantCluster('rediss+cluster')],
  ['what a Sentinel names', 4, distantSentinel],
]

/** Round trips and time until the first answer, for each kind of Redis. */
export async function firstAnswers(rounds: number): Promise<Figure[]> {
  const list: Figure[] = []
  for (const [name, most, start] of KINDS) {
    const redis = await start()
    try {
      // The first round loads code that the others have.
      const { session } = await firstAnswer(redis)
      const opened = await several(rounds, () => firstAnswer(redis))
      const called = await several(rounds, () => firstAnswer(redis, session))
      list.push({
        name: `first answer of a new instance, 10 ms a round trip: ${name}`,
        value: `initialize ${opened.text}, a call ${called.text}`,
        goal: `at most ${most} trips`,
        met: Math.max(opened.trips, called.trips) <= most,
      })
    } finally {
      await redis.stop()
    }
  }
  return list
}

async function several(
  rounds: number,
  measure: () => Promise<{ trips: number; ms: number }>,
): Promise<{ trips: number; text: string }> {
  const all: { trips: number; ms: number }[] = []
  for (let i = 0; i < rounds; i++) all.push(await measure())
  const trips = Math.max(...all.map((one) => one.trips))
  const times = all.map(({ ms }) => ms).sort((a, b) => a - b)
  const median = times[Math.floor(rounds / 2)] ?? 0
  return { trips, text: `${trips} ${trips === 1 ? 'trip' : 'trips'} (${median.toFixed(0)} ms)` }
}
