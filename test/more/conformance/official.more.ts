/**
 * The official conformance suite with servers of the official SDK, in every revision: unchanged in three instances behind round
 * robin they pass what they pass alone in one process behind the SDK's own transport.
 */
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { summary, whileKilled } from '../../conformance/killed.ts'
import { counts, lostOf, MODULES, OFFICIAL, ofRevisions, startAlone, surpriseOf } from '../../conformance/official.ts'
import { inLanes, listScenarios, type Outcome, runScenario, type Scenario } from '../../conformance/suite.ts'
import { startFleet } from '../../support/fleet.ts'
import { installed } from '../support/installed.ts'

/** The npm package "everything", which the check of ports installs. */
let everything: string
let scenarios: Scenario[]
beforeAll(async () => {
  everything = join(await installed('ports'), 'node_modules/@modelcontextprotocol/server-everything')
  // The processes of a fleet have the variables of this one.
  process.env.EVERYTHING = everything
  scenarios = ofRevisions(await listScenarios())
})

const runAll = (url: string, given: readonly Scenario[]): Promise<Outcome[]> =>
  inLanes(given, 2, (scenario) => runScenario(url, scenario))

/** Two times a hundred scenarios, each a process of the suite. */
const LONG = 1_800_000

describe.each(OFFICIAL)('the server %s', (name) => {
  test('passes in three instances what it passes alone', { timeout: LONG }, async () => {
    const one = await startAlone(name, everything)
    const alone = await runAll(one.url, scenarios).finally(() => one.stop())
    const fleet = await startFleet({}, { module: MODULES[name] })
    const here = await runAll(fleet.url.href, scenarios).finally(() => fleet.stop())
    console.log(`${name}: alone ${counts(alone)}; in three instances ${counts(here)}`)
    expect(
      lostOf(
        alone.filter(({ version }) => version.startsWith('2025')),
        here,
      ),
    ).toEqual([])
    expect(here.flatMap((outcome) => surpriseOf(name, outcome) ?? [])).toEqual([])
    expect(Math.min(...fleet.proxy.counts)).toBeGreaterThan(30)
  })
})

test.each(['1.x', '2.x'] as const)(
  'the server %s passes the scenarios with sessions while instances are killed',
  { timeout: LONG },
  async (name) => {
    const given = ofRevisions(scenarios, ['2025-06-18', '2025-11-25'])
    const module = MODULES[name]
    const fleet = await startFleet({}, { module })
    const before = await runAll(fleet.url.href, given).finally(() => fleet.stop())
    const passes = before.filter(({ clean }) => clean)
    const tally = await whileKilled({ module, passes, fails: before.filter(({ clean }) => !clean) })
    console.log(`${name}: ${summary(tally)}`)
    expect(tally).toMatchObject({ hung: [], falsely: [], failed: [] })
    expect(tally.kills).toBeGreaterThan(3)
  },
)
