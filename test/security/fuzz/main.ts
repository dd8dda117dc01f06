/**
 * The fuzz by hand: `npm run fuzz -- --inputs 200000 --seed 1`. Half of the inputs go to a store in memory, half to Redis. With
 * `--from <number> --inputs 1 --store memory|redis` an input that was at fault is sent again.
 */
import { parseArgs } from 'node:util'
import { memoryStore } from '../../../lib/store/memory/index.ts'
import { redisStore } from '../../../lib/store/redis/index.ts'
import type { Store } from '../../../lib/store/store.ts'
import { startRedis } from '../../support/redis.ts'
import { type Report, run } from './run.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: process.env.FUZZ_INPUTS ?? '200000' },
    seed: { type: 'string', default: String(process.pid) },
    from: { type: 'string', default: '0' },
    store: { type: 'string' },
  },
})
const [seed, from, inputs] = [Number(values.seed), Number(values.from), Number(values.inputs)]
const names = values.store === undefined ? ['memory', 'redis'] : [values.store]
const each = Math.ceil(inputs / names.length)

let failed = false
for (const [number, name] of names.entries()) {
  const redis = name === 'redis' ? await startRedis() : undefined
  const store = (): Store => (redis ? redisStore(redis.url) : memoryStore())
  const begin = from + number * each
  console.log(`${each} inputs from ${begin} on, seed ${seed}, ${name}`)
  const progress = (done: number) => process.stdout.write(`\r${done}`)
  const report = await run({ seed, from: begin, inputs: each, store, progress })
  await redis?.stop()
  print(report, name)
  failed ||= report.faults.length > 0 || report.errors.length > 0 || !report.foreignIsWhole || report.left > 0
}
process.exit(failed ? 1 : 0)

function print({ statuses, faults, errors, ...rest }: Report, name: string): void {
  console.log(`\r${JSON.stringify(rest)}`)
  for (const [kind, counts] of Object.entries(statuses)) console.log(`  ${kind.padEnd(10)} ${JSON.stringify(counts)}`)
  for (const { index, fault, input } of faults) {
    console.log(`FAULT ${fault}\n  npm run fuzz -- --seed ${seed} --from ${index} --inputs 1 --store ${name}`)
    console.log(`  ${JSON.stringify(input).slice(0, 2_000)}`)
  }
  for (const error of new Set(errors)) console.log(`ERROR ${error}`)
}
