/** The thread of {@link Looking}: keeps the history and checks it whenever it has grown. */
import { parentPort } from 'node:worker_threads'
import type { Call, Entry } from '../history.ts'
import { check } from './check.ts'
import type { Grown } from './looking.ts'

const calls: Call[] = []
const ledger: Entry[] = []

parentPort?.on('message', ({ from, ...grown }: Grown) => {
  calls.length = from
  for (const call of grown.calls) calls.push(call)
  for (const entry of grown.ledger) ledger.push(entry)
  parentPort?.postMessage(check({ ...grown, calls, ledger }))
})
