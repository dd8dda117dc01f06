/**
 * The official conformance suite with an unchanged server of the official SDK in three instances behind round robin: one revision
 * and one line. `test/more/conformance` has all of them, beside the same servers alone, and while instances are killed.
 */
import { expect, test } from 'vitest'
import { startFleet } from '../support/fleet.ts'
import { lostOf, MODULES, ofRevisions, surpriseOf } from './official.ts'
import { inLanes, listScenarios, type Outcome, runScenario } from './suite.ts'

test('every scenario of 2025-11-25 that a server of SDK 1.x passes alone is clean in three instances', async () => {
  const fleet = await startFleet({}, { module: MODULES['1.x'] })
  try {
    const scenarios = ofRevisions(await listScenarios(), ['2025-11-25'])
    expect(scenarios.length).toBeGreaterThanOrEqual(33)
    const outcomes = await inLanes(scenarios, 2, (scenario) => runScenario(fleet.url.href, scenario))
    expect(outcomes.flatMap((outcome) => surpriseOf('1.x', outcome) ?? [])).toEqual([])
    expect(Math.min(...fleet.proxy.counts)).toBeGreaterThan(10)
  } finally {
    await fleet.stop()
  }
}, 240_000)

const outcome: Outcome = {
  version: '2025-11-25',
  scenario: 'ping',
  checks: 1,
  skipped: 0,
  hung: false,
  clean: true,
  problems: [],
}

test('surpriseOf reports an unlisted failure and a listed scenario that passes', () => {
  expect(surpriseOf('1.x', outcome)).toBeUndefined()
  expect(surpriseOf('1.x', { ...outcome, clean: false, problems: ['why'] })).toContain('why')
  const listed = { ...outcome, scenario: 'json-schema-2020-12' }
  expect(surpriseOf('1.x', listed)).toContain('is clean, and on the list')
  expect(surpriseOf('1.x', { ...listed, clean: false })).toBeUndefined()
})

test('lostOf names what was clean alone alone', () => {
  const failed = { ...outcome, clean: false }
  expect(lostOf([outcome], [failed])).toEqual(['2025-11-25 ping'])
  expect(lostOf([outcome, { ...failed, scenario: 'other' }], [outcome])).toEqual([])
})
