/**
 * The official conformance suite through three instances behind round robin. `test/more/conformance` kills instances meanwhile, and
 * serves servers of the official SDK.
 */
import { expect, test } from 'vitest'
import { startFleet } from '../support/fleet.ts'
import { lostOf, surpriseOf } from './official.ts'
import { inLanes, listScenarios, type Outcome, runScenario, surprise } from './suite.ts'

test('every scenario of the revisions and of extensions is clean, and fails where it is listed', async () => {
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

const outcome: Outcome = {
  version: '2025-11-25',
  scenario: 'ping',
  checks: 1,
  skipped: 0,
  hung: false,
  clean: true,
  problems: [],
}

test('surprise reports an unlisted failure and a listed scenario that passes', () => {
  const extension = { ...outcome, version: 'extension' } as const
  const listed = new Set(['tasks-lifecycle'])
  expect(surprise({ ...extension, problems: [], scenario: 'ping', clean: true })).toBeUndefined()
  expect(
    surprise({ ...extension, problems: ['why'], scenario: 'tasks-lifecycle', clean: false }, listed),
  ).toBeUndefined()
  expect(surprise({ ...extension, problems: ['why'], scenario: 'ping', clean: false })).toContain('why')
  expect(surprise({ ...extension, problems: [], scenario: 'tasks-lifecycle', clean: true }, listed)).toContain('passes')
})

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
