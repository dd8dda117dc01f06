/** The reference server "sequential-thinking", moved to this package: its thoughts are kept for each session. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { type PortFleet, startPort } from '../../ports/fleet.ts'
import { expectSameLists } from '../../ports/same-lists.ts'

let fleet: PortFleet

beforeAll(async () => {
  fleet = await startPort('sequential-thinking', { DISABLE_THOUGHT_LOGGING: 'true' })
})

afterAll(() => fleet.stop())

const thought = (thoughtNumber: number | string, more: Record<string, unknown> = {}) => ({
  thought: `Thought ${thoughtNumber}`,
  nextThoughtNeeded: 'true',
  thoughtNumber,
  totalThoughts: 2,
  ...more,
})

test('has the tool of the package', async () => {
  const { tools } = await expectSameLists(fleet)
  expect(tools).toHaveLength(1)
})

test.each(clients)('counts thoughts and branches wherever they are sent (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  const sent = [
    thought(1),
    thought('2', { nextThoughtNeeded: false }),
    thought(3, { branchFromThought: 1, branchId: 'other' }),
    thought(4),
  ]
  const results: unknown[] = []
  for (const args of sent) results.push((await client.call('sequentialthinking', args)).structured)
  const [first] = results as { thoughtHistoryLength: number; branches: string[] }[]
  const before = (first?.thoughtHistoryLength ?? 0) - 1
  const branches = first?.branches ?? []
  expect(results).toEqual([
    { thoughtNumber: 1, totalThoughts: 2, nextThoughtNeeded: true, branches, thoughtHistoryLength: before + 1 },
    { thoughtNumber: 2, totalThoughts: 2, nextThoughtNeeded: false, branches, thoughtHistoryLength: before + 2 },
    {
      thoughtNumber: 3,
      totalThoughts: 3,
      nextThoughtNeeded: true,
      branches: ['other'],
      thoughtHistoryLength: before + 3,
    },
    {
      thoughtNumber: 4,
      totalThoughts: 4,
      nextThoughtNeeded: true,
      branches: ['other'],
      thoughtHistoryLength: before + 4,
    },
  ])
  await client.close()
})

test.each(clients.slice(0, 2))('a session does not see the thoughts of another one (%s)', async (_, connect) => {
  const [one, other] = await Promise.all([connect(fleet.url), connect(fleet.url)])
  for (const client of [one, other, one, other]) await client.call('sequentialthinking', thought(1))
  const { structured } = await one.call('sequentialthinking', thought(2))
  expect(structured).toMatchObject({ thoughtHistoryLength: 3 })
  await one.close()
  await other.close()
})
