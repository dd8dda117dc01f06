/** Wakes of an executor: each runs its leg once, and one that comes too early waits. */
import { expect, test, vi } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import type { TaskKey, TaskStore } from '../../lib/store/tasks.ts'
import { nameOf } from '../../lib/tasks/names.ts'
import { ManualClock, turn } from '../cluster/simulation.ts'

const TERMS = { lease: 60_000, backOff: [20_000], patience: 60_000 }
const released = { kind: 'released', counts: true, enqueue: true } as const

/** A task whose leg was lost a moment ago, so that it may begin again after the back-off. */
async function lostLeg() {
  const clock = new ManualClock()
  const store = memoryStore({ clock })
  const tasks = (await store.tasks?.()) as TaskStore
  const server = new McpServer({ name: 'wakes', version: '1' })
  const runs: number[] = []
  server.registerTool('quick', { task: 'required', durable: true }, () => {
    runs.push(clock.now())
    return { content: [{ type: 'text', text: 'done' }] }
  })
  const endpoint = createEndpoint(server, { store, clock, onError: () => {}, allowedHosts: '*' })
  const key: TaskKey = { scope: 'woken', id: 'task' }
  const request = JSON.stringify({
    ...{ method: 'tools/call', params: { name: 'quick', arguments: {} }, requestId: 1, revision: '2026-07-28' },
    ...{ client: { capabilities: {}, info: undefined }, principal: '' },
  })
  await tasks.create(key, { owner: 'i:a', request, ttl: 600_000, poll: 2_000, retries: 3 }, TERMS)
  await tasks.end(key, 'i:a', released, TERMS)
  return { clock, tasks, endpoint, key, runs, wake: { task: nameOf(key), leg: 1 } }
}

test('a wake that comes before the back-off is over waits for the rest, and then runs the leg', async () => {
  const { clock, tasks, endpoint, key, runs, wake } = await lostLeg()
  let outcome: string | undefined
  const began = clock.now()
  void endpoint.runTask(wake).then((result) => {
    outcome = result
  })
  // Its code is loaded meanwhile.
  await vi.waitFor(async () => {
    await clock.advance(1_000)
    expect(outcome).toBeDefined()
  }, 30_000)
  expect(outcome).toBe('ran')
  expect(runs).toHaveLength(1)
  expect(runs[0]).toBeGreaterThanOrEqual(began + 20_000)
  expect(await tasks.get(key, TERMS)).toMatchObject({ view: { status: 'completed' } })
  expect(await endpoint.runTask(wake)).toBe('nothing')
  await endpoint.close()
})

test('a wake whose time is too short for that is held back', async () => {
  const { clock, endpoint, wake } = await lostLeg()
  expect(await endpoint.runTask(wake, { deadline: clock.now() + 30_000 })).toBe('held')
  await endpoint.close()
})

test('a wake that waits ends with its instance', async () => {
  const { clock, endpoint, wake } = await lostLeg()
  const ran = endpoint.runTask(wake)
  await turn()
  const closed = endpoint.close()
  let outcome: string | undefined
  void ran.then((result) => {
    outcome = result
  })
  await vi.waitFor(async () => {
    await clock.advance(1_000)
    expect(outcome).toBe('held')
  }, 30_000)
  await closed
})
