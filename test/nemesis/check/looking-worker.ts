/** The thread of {@link Looking}: keeps the history and checks it whenever it has grown. */
import { parentPort } from 'node:worker_threads'
import type { Call, Entry } from '../history.ts'
import type { Task } from '../task-history.ts'
import { check } from './check.ts'
import type { Grown } from './looking.ts'

const calls: Call[] = []
const tasks: Task[] = []
const ledger: Entry[] = []

parentPort?.on('message', ({ from, ...grown }: Grown) => {
  calls.length = from.calls
  tasks.length = from.tasks
  for (const call of grown.calls) calls.push(call)
  for (const task of grown.tasks) tasks.push(task)
  for (const entry of grown.ledger) ledger.push(entry)
  parentPort?.postMessage(check({ ...grown, calls, tasks, ledger }))
})
