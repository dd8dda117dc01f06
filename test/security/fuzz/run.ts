/** A run: so many inputs of one seed, one after the other, against one store. */
import type { Store } from '../../../lib/store/store.ts'
import { type Input, inputOf } from './inputs.ts'
import { judge, type Outcome } from './judge.ts'
import { Random } from './random.ts'
import { Target } from './target.ts'

export interface Run {
  seed: number
  /** The number of the first input, and how many there are. */
  from?: number
  inputs: number
  store: () => Store
  /** After so many ms the run ends with fewer inputs. */
  limit?: number
  progress?: (done: number) => void
}

interface Fault {
  /** The number with which `--from` repeats it. */
  index: number
  fault: string
  input: Input
}

export interface Report {
  inputs: number
  faults: Fault[]
  /** How many inputs of each kind had which status; 0: no client can send it. */
  statuses: Record<string, Record<number, number>>
  /** The most of all responses. */
  longest: Outcome['length']
  cpu: Outcome['cpu']
  /** Reported to the operator, or rejected without a handler. */
  errors: string[]
  /** Whether the session of the other principal is as it was. */
  foreignIsWhole: boolean
  /** What is left when every session has ended. */
  left: number
}

/** Sessions are opened anew after so many inputs, which leave calls behind that wait for answers. */
const RENEWED = 40
const MAX_FAULTS = 20

export async function run({ seed, from = 0, inputs, store, limit = Infinity, progress }: Run): Promise<Report> {
  const target = await Target.create(store)
  const rejected: unknown[] = []
  const onRejection = (error: unknown) => void rejected.push(error)
  process.on('unhandledRejection', onRejection)
  const report: Report = {
    inputs: 0,
    faults: [],
    statuses: {},
    longest: 0,
    cpu: 0,
    errors: [],
    foreignIsWhole: false,
    left: 0,
  }
  // The timers of an endpoint keep no process alive, and a response may wait for one.
  const awake = setInterval(() => {}, 60_000)
  const ends = performance.now() + limit
  try {
    for (let index = from; index < from + inputs && performance.now() < ends; index++) {
      if (report.inputs > 0 && report.inputs % RENEWED === 0) await target.renew()
      const input = inputOf(new Random(seed, index), target.material)
      const { status, length, cpu, fault } = await judge(target, input)
      report.inputs++
      const statuses = report.statuses[input.kind] ?? {}
      report.statuses[input.kind] = { ...statuses, [status]: (statuses[status] ?? 0) + 1 }
      report.longest = Math.max(report.longest, length)
      report.cpu = Math.max(report.cpu, cpu)
      if (fault !== undefined) report.faults.push({ index, fault, input })
      if (report.faults.length >= MAX_FAULTS) break
      if (report.inputs % 1_000 === 0) progress?.(report.inputs)
    }
    report.foreignIsWhole = await target.foreignIsWhole()
    report.left = await target.rest()
    report.errors = [...target.errors, ...rejected].map(String)
    return report
  } finally {
    process.off('unhandledRejection', onRejection)
    clearInterval(awake)
    // Calls that are left would have their time to end.
    if (report.left === 0) await target.close()
  }
}
