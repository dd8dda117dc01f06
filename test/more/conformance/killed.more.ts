/** The official conformance suite through three instances, which are killed and replaced. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inLanes, listScenarios, type Outcome, runScenario } from '../../conformance/suite.ts'
import { startFleet } from '../../support/fleet.ts'

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
