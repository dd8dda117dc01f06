/** `npm run nemesis -- --minutes 10`: faults of every kind against three instances, and a proof from what happened. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { taskTable } from './check/count-tasks.ts'
import { countDurable, countsText } from './check/counts.ts'
import { CALL_MIXES, isCallMix } from './clients/mixes.ts'
import type { FaultKind } from './faults.ts'
import { writeHistory } from './history.ts'
import { runNemesis } from './nemesis.ts'
import { ARRANGEMENTS } from './processes/store-servers.ts'
import { copyWithout, isProtection, PROTECTIONS, type Protection } from './protections.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    without: { type: 'string' },
    clients: { type: 'string', default: '100' },
    rate: { type: 'string', default: '70' },
    gap: { type: 'string' },
    mix: { type: 'string' },
    only: { type: 'string' },
    tasks: { type: 'string' },
    revision: { type: 'string' },
    redis: { type: 'string', default: 'replica' },
    history: { type: 'string' },
  },
})

const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
const { without } = values
const redis = ARRANGEMENTS.find((name) => name === values.redis)
if (redis === undefined) {
  console.error(`--redis takes one of: ${ARRANGEMENTS.join(', ')}.`)
  process.exit(1)
}
if (without !== undefined && !isProtection(without)) {
  console.error(`--without takes one of: ${Object.keys(PROTECTIONS).join(', ')}.`)
  process.exit(1)
}
const protection: Protection | undefined = without && PROTECTIONS[without]
const calls = values.mix ?? protection?.calls ?? 'all'
if (!isCallMix(calls)) {
  console.error(`--mix takes one of: ${Object.keys(CALL_MIXES).join(', ')}.`)
  process.exit(1)
}
const copy = without === undefined ? undefined : copyWithout(without)
const only = (values.only?.split(',') ?? protection?.faults) as FaultKind[] | undefined
console.log(`seed ${seed}${protection ? `, without: ${protection.what}` : ''}`)
try {
  const { history, problems, found } = await runNemesis({
    seed,
    redis,
    length: Number(values.minutes) * 60_000,
    clients: Number(values.clients),
    rate: Number(values.rate),
    calls,
    mix: { gap: Number(values.gap ?? protection?.gap ?? 1_500), only },
    tasks: values.tasks === undefined ? protection?.tasks : Number(values.tasks),
    ...(values.revision !== undefined && { revision: values.revision }),
    ...(copy && { root: copy.root }),
    stopAtFirst: without !== undefined,
    report: (line) => console.log(line),
  })
  const path = values.history ?? join(tmpdir(), `mcp-anywhere-nemesis-${seed}.jsonl`)
  writeHistory(history, path)
  const resumes = history.calls.reduce((sum, call) => sum + call.resumes, 0)
  console.log(
    `${history.calls.length} calls, ${resumes} resumes, ${history.sessions.length} sessions, ${history.faults.length} faults`,
  )
  console.log(countsText(countDurable(history)))
  if (history.tasks.length > 0) console.log(taskTable(history))
  for (const { property, text, at } of problems.slice(0, 30)) console.log(`[${property}] ${at ?? ''} ${text}`)
  if (found) {
    console.log(
      `${problems.length} problems, the first after ${Math.round(found.at / 1000)} s and ${found.calls} calls.`,
    )
    const given = process.argv.slice(2).join(' ')
    console.log(`Again: npm run nemesis -- ${given}${values.seed === undefined ? ` --seed ${seed}` : ''}`)
  } else console.log('No problem.')
  console.log(`History: ${path}`)
  process.exitCode = problems.length > 0 ? 1 : 0
} finally {
  copy?.remove()
}
process.exit()
