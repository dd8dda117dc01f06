/** A longer run of the nemesis than that of `npm test`. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeHistory } from '../../nemesis/history.ts'
import { runNemesis } from '../../nemesis/nemesis.ts'

const SEED = 20_261_126

test('no fault below it makes the endpoint break a promise', async () => {
  const { history, problems } = await runNemesis({
    seed: SEED,
    length: 40_000,
    clients: 60,
    rate: 25,
    mix: { gap: 1_200 },
  })
  const path = join(tmpdir(), `mcp-anywhere-nemesis-test-${process.pid}.jsonl`)
  if (problems.length > 0) writeHistory(history, path)
  const again = `seed ${SEED}, history ${path}`
  expect(problems.map(({ property, text }) => `[${property}] ${text}`).slice(0, 20), again).toEqual([])
  expect(history.faults.length).toBeGreaterThan(5)
  expect(history.calls.filter(({ outcomes }) => outcomes[0]?.kind === 'result').length).toBeGreaterThan(50)
}, 300_000)

test.each(['cluster', 'sentinel'] as const)(
  'a %s that fails over by itself loses no session that Redis kept',
  async (redis) => {
    const { history, problems } = await runNemesis({
      seed: SEED,
      redis,
      length: 25_000,
      clients: 40,
      rate: 20,
      mix: { gap: 2_500, only: ['redis failover', 'redis kill', 'redis pause', 'kill', 'cut store'] },
    })
    const path = join(tmpdir(), `mcp-anywhere-nemesis-test-${redis}-${process.pid}.jsonl`)
    if (problems.length > 0) writeHistory(history, path)
    const again = `seed ${SEED}, --redis ${redis}, history ${path}`
    expect(problems.map(({ property, text }) => `[${property}] ${text}`).slice(0, 20), again).toEqual([])
    expect(history.faults.some(({ kind, lost }) => kind === 'redis failover' && lost !== undefined)).toBe(true)
    expect(history.calls.filter(({ outcomes }) => outcomes[0]?.kind === 'result').length).toBeGreaterThan(50)
  },
  300_000,
)
