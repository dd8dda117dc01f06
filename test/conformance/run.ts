/** `npm run conformance`: the official suite through three instances behind round robin. */
import { startFleet } from '../support/fleet.ts'
import { inLanes, listScenarios, type Outcome, runScenario, surprise, VERSIONS } from './suite.ts'

function line(outcome: Outcome): string {
  const { scenario, version, clean, checks, skipped } = outcome
  const word = clean ? (skipped > 0 ? 'skipped' : 'clean') : surprise(outcome) ? 'NOT CLEAN' : 'expected'
  return `${word.padEnd(9)}  ${version}  ${scenario}  (${checks} checks${skipped > 0 ? `, ${skipped} skipped` : ''})`
}

const fleet = await startFleet()
let wrong: string[]
try {
  const outcomes = await inLanes(await listScenarios(), 2, async (scenario) => {
    const outcome = await runScenario(fleet.url.href, scenario)
    console.log(line(outcome))
    if (surprise(outcome)) for (const problem of outcome.problems) console.log(`    ${problem}`)
    return outcome
  })
  wrong = outcomes.flatMap((outcome) => surprise(outcome) ?? [])
  console.log()
  for (const version of VERSIONS) {
    const mine = outcomes.filter((outcome) => outcome.version === version)
    const clean = mine.filter((outcome) => outcome.clean && outcome.skipped === 0).length
    const skipped = mine.filter((outcome) => outcome.clean && outcome.skipped > 0).length
    console.log(`${version}: ${clean} of ${mine.length} scenarios clean${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  }
  console.log(`requests by instance: ${fleet.proxy.counts.join(', ')}`)
} finally {
  await fleet.stop()
}
for (const problem of wrong) console.error(problem)
process.exit(wrong.length === 0 ? 0 : 1)
