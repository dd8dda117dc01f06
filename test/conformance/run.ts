/**
 * `npm run conformance`: the official suite through three instances behind round robin.
 *
 * `--server 1.x`, `2.x` or `everything` serves an unchanged server of the official SDK, and runs it alone in one process behind
 * the SDK's own transport, too: the scenarios that it passes there must be clean in three instances. `--kill` kills one of the
 * instances every two seconds, with or without `--server`: a scenario that lost its own connection is tried again, and counted.
 * `--only 2025-11-25` chooses revisions, and `--only extension` those of extensions. `everything` needs the variable EVERYTHING: the folder of the
 * npm package `@modelcontextprotocol/server-everything`.
 */
import { parseArgs } from 'node:util'
import { startFleet } from '../support/fleet.ts'
import { summary, whileKilled } from './killed.ts'
import { counts, lostOf, MODULES, OFFICIAL, type Official, ofRevisions, startAlone, surpriseOf } from './official.ts'
import { inLanes, listScenarios, type Outcome, runScenario, type Scenario, surprise, VERSIONS } from './suite.ts'

const { values } = parseArgs({
  options: { server: { type: 'string' }, kill: { type: 'boolean' }, only: { type: 'string' } },
})

type Surprise = (outcome: Outcome) => string | undefined

function line(outcome: Outcome, surprise: Surprise): string {
  const { scenario, version, clean, checks, skipped } = outcome
  const word = clean ? (skipped > 0 ? 'skipped' : 'clean') : surprise(outcome) ? 'NOT CLEAN' : 'expected'
  return `${word.padEnd(9)}  ${version}  ${scenario}  (${checks} checks${skipped > 0 ? `, ${skipped} skipped` : ''})`
}

function runAll(url: string, scenarios: readonly Scenario[], surprise: Surprise): Promise<Outcome[]> {
  return inLanes(scenarios, 2, async (scenario) => {
    const outcome = await runScenario(url, scenario)
    console.log(line(outcome, surprise))
    if (surprise(outcome)) for (const problem of outcome.problems) console.log(`    ${problem}`)
    return outcome
  })
}

/** With those of extensions, which servers of the official SDK do not have. */
function ofVersions(scenarios: readonly Scenario[], versions: readonly string[]): Scenario[] {
  return scenarios.filter(({ version }) => versions.includes(version))
}

async function ownServer(versions: readonly string[]): Promise<string[]> {
  const fleet = await startFleet()
  try {
    const outcomes = await runAll(fleet.url.href, ofVersions(await listScenarios(), versions), surprise)
    console.log()
    for (const version of versions) {
      const mine = outcomes.filter((outcome) => outcome.version === version)
      const clean = mine.filter((outcome) => outcome.clean && outcome.skipped === 0).length
      const skipped = mine.filter((outcome) => outcome.clean && outcome.skipped > 0).length
      console.log(`${version}: ${clean} of ${mine.length} scenarios clean${skipped > 0 ? `, ${skipped} skipped` : ''}`)
    }
    console.log(`requests by instance: ${fleet.proxy.counts.join(', ')}`)
    return outcomes.flatMap((outcome) => surprise(outcome) ?? [])
  } finally {
    await fleet.stop()
  }
}

async function officialServer(name: Official, versions: readonly string[]): Promise<string[]> {
  const scenarios = ofRevisions(await listScenarios(), versions)
  const one = await startAlone(name, process.env.EVERYTHING)
  const alone = await runAll(one.url, scenarios, () => undefined).finally(() => one.stop())
  console.log(`\n${name}, alone in one process: ${counts(alone)}\n`)
  const mine: Surprise = (outcome) => surpriseOf(name, outcome)
  const fleet = await startFleet({}, { module: MODULES[name] })
  const outcomes = await runAll(fleet.url.href, scenarios, mine).finally(() => fleet.stop())
  const older = alone.filter(({ version }) => version.startsWith('2025'))
  const lost = lostOf(older, outcomes).map(
    (scenario) => `${name}: ${scenario} is clean alone, and not in three instances`,
  )
  console.log(`\n${name}, unchanged in three instances: ${counts(outcomes)}`)
  console.log(`requests by instance: ${fleet.proxy.counts.join(', ')}`)
  return [...lost, ...outcomes.flatMap((outcome) => mine(outcome) ?? [])]
}

/** Undefined: the everything server, which is to pass all that is not on the list of expected failures. */
async function killed(name: Official | undefined, versions: readonly string[]): Promise<string[]> {
  const module = name && MODULES[name]
  const fleet = await startFleet({}, { module })
  const scenarios = (name ? ofRevisions : ofVersions)(await listScenarios(), versions)
  const before = await runAll(fleet.url.href, scenarios, name ? () => undefined : surprise).finally(() => fleet.stop())
  const passes = before.filter(({ clean }) => clean)
  const fails = before.filter(({ clean }) => !clean)
  const tally = await whileKilled({ module, passes, fails, ...(!name && { limit: 90_000 }) })
  console.log(`\n${name ?? 'everything server'}, while instances are killed: ${summary(tally)}`)
  const { hung, falsely, failed } = tally
  const never = failed.map(
    ({ version, scenario, problems }) => `${version} ${scenario} never passed: ${problems.join('; ')}`,
  )
  const surprises = name ? [] : before.flatMap((outcome) => surprise(outcome) ?? [])
  return [...surprises, ...hung.map((it) => `${it} hung`), ...falsely.map((it) => `${it} passed falsely`), ...never]
}

async function main(): Promise<string[]> {
  const { server, kill = false, only } = values
  const versions = only?.split(',') ?? VERSIONS
  if (server === undefined) return kill ? killed(undefined, versions) : ownServer(versions)
  const name = OFFICIAL.find((known) => known === server)
  if (!name) throw new TypeError(`--server must be ${OFFICIAL.join(', ')}, not ${server}.`)
  return kill ? killed(name, versions) : officialServer(name, versions)
}

const wrong = await main()
for (const problem of wrong) console.error(problem)
process.exit(wrong.length === 0 ? 0 : 1)
