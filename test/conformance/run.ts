/**
 * `npm run conformance`: the official suite through three instances behind round robin.
 *
 * `--server 1.x`, `2.x` or `everything` serves an unchanged server of the official SDK, and runs it alone in one process behind
 * the SDK's own transport, too: the scenarios that it passes there must be clean in three instances. `--kill` kills one of the
 * instances every two seconds. `--only 2025-11-25` chooses revisions. `everything` needs the variable EVERYTHING: the folder of the
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

async function ownServer(): Promise<string[]> {
  const fleet = await startFleet()
  try {
    const outcomes = await runAll(fleet.url.href, await listScenarios(), surprise)
    console.log()
    for (const version of VERSIONS) {
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

async function killed(name: Official, versions: readonly string[]): Promise<string[]> {
  const fleet = await startFleet({}, { module: MODULES[name] })
  const scenarios = ofRevisions(await listScenarios(), versions)
  const before = await runAll(fleet.url.href, scenarios, () => undefined).finally(() => fleet.stop())
  const passes = before.filter(({ clean }) => clean)
  const fails = before.filter(({ clean }) => !clean)
  const tally = await whileKilled({ module: MODULES[name], passes, fails })
  console.log(`\n${name}, while instances are killed: ${summary(tally)}`)
  const { hung, falsely, failed } = tally
  const never = failed.map(
    ({ version, scenario, problems }) => `${version} ${scenario} never passed: ${problems.join('; ')}`,
  )
  return [...hung.map((it) => `${it} hung`), ...falsely.map((it) => `${it} passed falsely`), ...never]
}

async function main(): Promise<string[]> {
  const { server, kill = false, only } = values
  if (server === undefined) return ownServer()
  const name = OFFICIAL.find((known) => known === server)
  if (!name) throw new TypeError(`--server must be ${OFFICIAL.join(', ')}, not ${server}.`)
  const versions = only?.split(',') ?? VERSIONS
  return kill ? killed(name, versions) : officialServer(name, versions)
}

const wrong = await main()
for (const problem of wrong) console.error(problem)
process.exit(wrong.length === 0 ? 0 : 1)
