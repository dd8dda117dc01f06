/**
 * `npm run bench`: measures this project beside a raw Hono app and its peers.
 *
 * `--short` only shows that everything works. `--only session,stream` chooses workloads, `--variants ours` servers,
 * `--rounds 7` and `--seconds 2` say how much, `--out docs/performance` where JSON and chart go.
 */
import { parseArgs } from 'node:util'
import { startRedis } from '../support/redis.ts'
import { pin, startLoad } from './processes.ts'
import type { Effort, RaceResult } from './throughput.ts'
import { RACES, race } from './throughput.ts'

const { values } = parseArgs({
  options: {
    short: { type: 'boolean' },
    only: { type: 'string' },
    variants: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    out: { type: 'string' },
  },
})
const effort: Effort = {
  rounds: Number(values.rounds ?? (values.short ? 1 : 5)),
  ms: Number(values.seconds ?? (values.short ? 0.1 : 1)) * 1_000,
  warmUp: values.short ? 50 : 300,
  connections: values.short ? 4 : 32,
  only: values.variants?.split(','),
}
const wanted = values.only?.split(',')
const redis = await startRedis()
pin(redis.pid, 'rest')
const loader = startLoad()
const results: RaceResult[] = []
for (const one of RACES) {
  if (wanted && !wanted.includes(one.workload)) continue
  const result = await race(one, loader, redis, effort)
  results.push(result)
  console.log(`\n${result.title}`)
  for (const v of result.variants)
    console.log(
      v.name.padEnd(18),
      v.rate.median.toFixed(0).padStart(7),
      'req/s',
      v.ratio.median.toFixed(2),
      `(${v.ratio.low.toFixed(2)}-${v.ratio.high.toFixed(2)})`,
      'cpu',
      v.cpu.toFixed(1),
      v.cpuRatio.median.toFixed(2),
    )
  console.log(result.goals.map((g) => `over ${g.over}: ${g.reached.toFixed(2)} of ${g.ratio}`).join('; '))
}
await loader.stop()
await redis.stop()
