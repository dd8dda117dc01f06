/** `npm run conformance`: the official suite through three instances behind round robin. */
import { startFleet } from '../support/fleet.ts'
import { expectedFailures } from './expected-failures.ts'
import { inLanes, listScenarios, runScenario, VERSIONS } from './suite.ts'

const fleet = await startFleet()
const wrong: string[] = []
try {
  const outcomes = await inLanes(await listScenarios(), 2, async ({ scenario, version }) => {
    const outcome = await runScenario(fleet.url.href, scenario, version)
    const expected = expectedFailures.includes(`${version} ${scenario}`)
    console.log(`${outcome.clean ? 'clean' : 'NOT CLEAN'}  ${version}  ${scenario}  (${outcome.checks} checks)`)
    for (const problem of outcome.problems) console.log(`    ${problem}`)
    if (outcome.clean === expected) {
      wrong.push(
        `${version} ${scenario}: ${expected ? 'passes, and is on the list of expected failures' : 'not clean'}`,
      )
    }
    return outcome
  })
  console.log()
  for (const version of VERSIONS) {
    const mine = outcomes.filter((outcome) => outcome.version === version)
    console.log(`${version}: ${mine.filter(({ clean }) => clean).length} of ${mine.length} scenarios clean`)
  }
  console.log(`requests by instance: ${fleet.proxy.counts.join(', ')}`)
} finally {
  await fleet.stop()
}
for (const line of wrong) console.error(line)
process.exit(wrong.length === 0 ? 0 : 1)
