/** The official conformance suite through three instances behind round robin, also while instances are killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startFleet } from '../support/fleet.ts'
import { inLanes, listScenarios, type Outcome, runScenario, surprise } from './suite.ts'

test('every scenario of the revisions is clean, and the scenarios of extensions fail as listed', async () => {
  const fleet = await startFleet()
  try {
    const scenarios = await listScenarios()
    for (const [version, least] of Object.entries({ '2025-06-18': 27, '2025-11-25': 33, '2026-07-28': 40 })) {
      expect(scenarios.filter((scenario) => scenario.version === version).length).toBeGreaterThanOrEqual(least)
    }
    const outcomes = await inLanes(scenarios, 2, (scenario) => runScenario(fleet.url.href, scenario))
    expect(outcomes.flatMap((outcome) => surprise(outcome) ?? [])).toEqual([])
    // No check of a revision is skipped, and no scenario of a revision is on the list of expected failures.
    expect(
      outcomes.filter(({ version, clean, skipped }) => version !== 'extension' && (!clean || skipped > 0)),
    ).toEqual([])
    // The load balancer gave every instance its share.
    const total = fleet.proxy.counts.reduce((sum, count) => sum + count, 0)
    for (const count of fleet.proxy.counts) expect(count).toBeGreaterThan(total / 4)
  } finally {
    await fleet.stop()
  }
}, 240_000)

test('the scenarios with sessions pass while an instance is killed and replaced every two seconds', async () => {
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
      // A scenario whose own connection was lost may run again.
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

test('surprise reports an unlisted failure and a listed scenario that passes', () => {
  const outcome = { version: 'extension', checks: 1, skipped: 0, hung: false } as const
  expect(surprise({ ...outcome, problems: [], scenario: 'ping', clean: true })).toBeUndefined()
  expect(surprise({ ...outcome, problems: ['why'], scenario: 'tasks-lifecycle', clean: false })).toBeUndefined()
  expect(surprise({ ...outcome, problems: ['why'], scenario: 'ping', clean: false })).toContain('why')
  expect(surprise({ ...outcome, problems: [], scenario: 'tasks-lifecycle', clean: true })).toContain('passes')
})
