/** `npm run bench -- --only compare`: this package beside others, in one chart and two tables. */
import type { RedisServer } from '../../support/redis.ts'
import type { LoadProcess } from '../processes.ts'
import { type Effort, type RaceResult, race } from '../throughput.ts'
import { askFacts } from './facts.ts'
import { layOutOthers } from './others.ts'
import { COMPARISONS } from './races.ts'
import { type ComparisonResult, comparedReleases } from './text.ts'

export async function compare(redis: RedisServer, loader: LoadProcess, effort: Effort): Promise<ComparisonResult> {
  const others = await layOutOthers()
  // A comparison without some of its servers would be another one.
  const all = { ...effort, only: undefined }
  try {
    const races: RaceResult[] = []
    for (const comparison of COMPARISONS) races.push(await race(comparison, loader, redis, all, others.root))
    return { races, facts: await askFacts(redis, others.root), releases: comparedReleases() }
  } finally {
    others.remove()
  }
}
