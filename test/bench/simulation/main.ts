/**
 * `npm run simulate`: what a deployment takes, by the costs in docs/performance.json (`--from FILE`). `--instances 1000
 * --sessions 1000000 --slots 8 --updates 1` choose the deployment; `updates`: in a second for each 10,000 sessions.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Report } from '../report.ts'
import { MIX } from './mix.ts'
import { simulate } from './simulate.ts'
import { simulationText } from './text.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: 'docs/performance.json' },
    instances: { type: 'string' },
    sessions: { type: 'string', default: '1000000' },
    slots: { type: 'string', default: '1' },
    updates: { type: 'string', default: String(MIX.updates) },
  },
})

function main(): void {
  const { ceilings } = JSON.parse(readFileSync(values.from, 'utf8')) as Report
  if (!ceilings)
    throw new Error(`${values.from} has no costs of operations: npm run bench -- --only operations --out FILE`)
  if (values.instances === undefined) return console.log(simulationText(ceilings))
  const mix = { ...MIX, updates: Number(values.updates) }
  const [instances, sessions, slots] = [values.instances, values.sessions, values.slots].map(Number) as [
    number,
    number,
    number,
  ]
  const { demands, ...found } = simulate(ceilings, { instances, sessions, slots, mix })
  for (const { title, rate, redis, instances: cores } of demands)
    console.log(
      `${rate.toFixed(1).padStart(10)}/s  ${redis.toFixed(3)} cores of Redis  ${cores.toFixed(2)} of instances  ${title}`,
    )
  console.log(found)
}

try {
  main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
