/** The scenarios of tasks through three instances, of which one is killed and replaced every two seconds. */
import { expect, test } from 'vitest'
import { summary, whileKilled } from '../../conformance/killed.ts'
import { listScenarios } from '../../conformance/suite.ts'

test('the scenarios of tasks pass, those that lost their own connection being tried again', async () => {
  const passes = (await listScenarios()).filter(({ scenario }) => scenario.startsWith('tasks-'))
  expect(passes.length).toBeGreaterThanOrEqual(9)
  // On a fast machine the scenarios take a few seconds, so they are run until enough instances were killed.
  for (let kills = 0; kills < 6; ) {
    const tally = await whileKilled({ passes, limit: 90_000 })
    console.log(summary(tally))
    expect(tally).toMatchObject({ scenarios: passes.length, hung: [], falsely: [], failed: [] })
    kills += tally.kills
  }
}, 600_000)
