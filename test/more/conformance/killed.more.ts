/** The official conformance suite through three instances, of which one is killed and replaced every two seconds. */
import { expect, test } from 'vitest'
import { summary, whileKilled } from '../../conformance/killed.ts'
import { listScenarios } from '../../conformance/suite.ts'

test('the scenarios with sessions pass, those that lost their own connection being tried again', async () => {
  const passes = (await listScenarios()).filter(({ version }) => version.startsWith('2025'))
  const tally = await whileKilled({ passes, limit: 90_000 })
  console.log(summary(tally))
  expect(tally).toMatchObject({ scenarios: passes.length, hung: [], falsely: [], failed: [] })
  expect(tally.kills).toBeGreaterThan(3)
}, 600_000)
