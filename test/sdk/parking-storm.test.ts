/** Calls that wait for their clients, while instances get kill -9, SIGTERM, SIGSTOP and SIGCONT at random. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ask, retry, tool } from '../stateless/requests.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import type { RpcMessage } from '../support/raw.ts'

const CLIENTS = 6
/** Each client makes so many calls at least, and goes on until so many hits are over. */
const CALLS = 8
const HITS = 3

/** Hits instances, in an order of its own each time. Resolves when each that was to end has ended. */
async function storm(fleet: Fleet, onHit: () => void): Promise<void> {
  const first = Math.floor(Math.random() * 3)
  for (let hit = 0; hit < HITS; hit++) {
    await sleep(300 + Math.random() * 500)
    const index = hit % 3
    const instance = fleet.instances[index]
    const kind = ['SIGKILL', 'SIGTERM', 'SIGSTOP'][(first + hit) % 3]
    if (kind === 'SIGSTOP') {
      instance?.signal('SIGSTOP')
      await sleep(300 + Math.random() * 1_000)
      instance?.signal('SIGCONT')
    } else {
      instance?.signal(kind as NodeJS.Signals)
      await instance?.ended()
      await fleet.restart(index)
    }
    onHit()
  }
}

/** The texts of a call that asks three times, each answered at another instance; or why it has none. */
async function outcome(fleet: Fleet, label: string): Promise<string[] | string> {
  const request = tool('ask_in_turn', { label })
  const at = () => fleet.at(Math.floor(Math.random() * 3))
  try {
    let now: RpcMessage = await ask(at(), request)
    for (let round = 0; now.result?.resultType === 'input_required'; round++) {
      const answer = { action: 'accept', content: { name: `${label} ${round}` } }
      const [key = ''] = Object.keys(now.result.inputRequests)
      now = await ask(at(), retry(request, now, { [key]: answer }))
    }
    if (now.result && !now.result.isError) return JSON.parse(now.result.content[0].text)
    return now.error?.message ?? now.result?.content[0].text ?? 'the connection broke'
  } catch {
    // The instance that had the request was hit, or is being started.
    await sleep(100)
    return 'the connection broke'
  }
}

test('each ends with its own answers or with an error that says why, and no drain waits for them', async () => {
  const session = { lease: 1_000, heartbeat: 500, drainTimeout: 300 }
  const fleet = await startFleet({ session }, { module: '../sdk/servers/v1.ts' })
  let hits = 0
  const hit = storm(fleet, () => {
    hits++
  })
  const ended = new Map<string, number>()
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, id) => {
      for (let n = 0; n < CALLS || hits < HITS; n++) {
        const label = `${id}-${n}`
        const result = await outcome(fleet, label)
        if (typeof result !== 'string') expect(result).toEqual([0, 1, 2].map((round) => `${label} ${round}`))
        const kind = typeof result === 'string' ? result : 'ok'
        ended.set(kind, (ended.get(kind) ?? 0) + 1)
      }
    }),
  )
  await hit
  const unexpected = [...ended.keys()].filter((kind) => !EXPECTED.some((text) => text.test(kind)))
  expect(unexpected).toEqual([])
  await fleet.stop()
}, 120_000)

const EXPECTED = [
  /^ok$/,
  /^the connection broke$/,
  // Of a parked run.
  /has ended, and the call with it|shuts down, and the call ended with it|is over: it was cancelled/,
  // Of an instance that shuts down.
  /shutting down|The store is closed/,
]
