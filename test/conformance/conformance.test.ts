/** The official conformance suite through three instances behind round robin, in peace and while instances die. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startFleet } from '../support/fleet.ts'
import { expectedFailures } from './expected-failures.ts'
import type { Outcome } from './suite.ts'
import { inLanes, listScenarios, runScenario } from './suite.ts'

test('every scenario of 2025-06-18, 2025-11-25 and 2026-07-28 is clean', async () => {
  const fleet = await startFleet()
  try {
    const scenarios = await listScenarios()
    expect(scenarios.length).toBeGreaterThanOrEqual(100)
    const outcomes = await inLanes(scenarios, 2, ({ scenario, version }) =>
      runScenario(fleet.url.href, scenario, version),
    )
    const failed = outcomes.filter(({ clean }) => !clean)
    expect(
      failed.map(({ version, scenario }) => `${version} ${scenario}`),
      JSON.stringify(failed),
    ).toEqual(expectedFailures)
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
    const scenarios = (await listScenarios()).filter(({ version }) => version !== '2026-07-28')
    let retries = 0
    const outcomes = await inLanes(scenarios, 2, async ({ scenario, version }) => {
      let outcome: Outcome | undefined
      // One that lost its own connection may be tried again.
      for (let attempt = 0; attempt <= 3 && !outcome?.clean; attempt++) {
        if (attempt > 0) retries++
        outcome = await runScenario(fleet.url.href, scenario, version)
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
