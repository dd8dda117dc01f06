/** The official conformance suite through three instances behind round robin, in peace and while instances die. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startFleet } from '../support/fleet.ts'
import type { Outcome } from './suite.ts'
import { inLanes, listScenarios, runScenario, surprise } from './suite.ts'

test('every scenario of 2025-06-18, 2025-11-25 and 2026-07-28 is clean, and those of extensions fail as expected', async () => {
  const fleet = await startFleet()
  try {
    const scenarios = await listScenarios()
    for (const [version, least] of Object.entries({ '2025-06-18': 27, '2025-11-25': 33, '2026-07-28': 40 })) {
      expect(scenarios.filter((scenario) => scenario.version === version).length).toBeGreaterThanOrEqual(least)
    }
    const outcomes = await inLanes(scenarios, 2, (scenario) => runScenario(fleet.url.href, scenario))
    expect(outcomes.flatMap((outcome) => surprise(outcome) ?? [])).toEqual([])
    // Of the revisions themselves nothing is skipped, and no failure is expected.
    expect(
      outcomes.filter(({ version, clean, skipped }) => version !== 'extension' && (!clean || skipped > 0)),
    ).toEqual([])
    // The balancer spread them: no instance served an exchange alone.
    const total = fleet.proxy.counts.reduce((sum, count) => sum + count, 0)
    for (const count of fleet.proxy.counts) expect(count).toBeGreaterThan(total / 4)
  } finally {
    await fleet.stop()
  }
}, 240_000)

test('the scenarios with sessions pass while every two seconds an instance is killed and another put in its place', async () => {
  const fleet = await startFleet({ session: { lease: 2_000 } })
  let over = false
  let kills = 0
  const killing = (async () => {
    while (!over) {
      await sleep(2_000)
      const index = kills++ % 3
      await fleet.instances[index]?.kill()
      await fleet.restart(index)
    }
  })()
  try {
    const scenarios = (await listScenarios()).filter(({ version }) => version.startsWith('2025'))
    let retries = 0
    const outcomes = await inLanes(scenarios, 2, async (scenario) => {
      let outcome: Outcome | undefined
      // One that lost its own connection may be tried again.
      for (let attempt = 0; attempt <= 3 && !outcome?.clean; attempt++) {
        if (attempt > 0) retries++
        outcome = await runScenario(fleet.url.href, scenario)
      }
      return outcome as Outcome
    })
    over = true
    await killing
    console.log(`${outcomes.length} scenarios, ${kills} kills, ${retries} tried again`)
    expect(outcomes.filter(({ clean }) => !clean)).toEqual([])
    expect(kills).toBeGreaterThan(3)
  } finally {
    over = true
    await killing
    await fleet.stop()
  }
}, 240_000)

test('a failure that nobody expects is wrong, and so is a success where a failure was', () => {
  const outcome = { version: 'extension', checks: 1, skipped: 0 } as const
  expect(surprise({ ...outcome, problems: [], scenario: 'ping', clean: true })).toBeUndefined()
  expect(surprise({ ...outcome, problems: ['why'], scenario: 'tasks-lifecycle', clean: false })).toBeUndefined()
  expect(surprise({ ...outcome, problems: ['why'], scenario: 'ping', clean: false })).toContain('why')
  expect(surprise({ ...outcome, problems: [], scenario: 'tasks-lifecycle', clean: true })).toContain('passes')
})
