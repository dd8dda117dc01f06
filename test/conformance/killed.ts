/** The conformance suite while one of three instances is killed every two seconds and started again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { GET_STREAM } from '../../lib/store/names.ts'
import { type Fleet, type FleetOptions, startFleet } from '../support/fleet.ts'
import type { Forwarded } from '../support/proxy.ts'
import { inLanes, type Outcome, runScenario, type Scenario } from './suite.ts'

export interface Tally {
  scenarios: number
  kills: number
  /** Attempts that ended with the endpoint's error for a call whose instance is gone. */
  explicit: number
  /** Attempts whose connection, or whose request on the way, was lost. */
  connection: number
  /** Other attempts that failed: a check of the suite that saw the same, in its own words. */
  other: number
  /** Attempts that did not end, though nothing was lost for good. */
  hung: string[]
  /** Scenarios that the server cannot pass, and passed. */
  falsely: string[]
  /** Scenarios that did not pass in any attempt. */
  failed: Outcome[]
  /** The longest attempt that failed, in ms. */
  slowest: number
}

interface Killing {
  /** The module of the server, from test/support; default: the everything server. */
  module?: string | undefined
  /** Scenarios that the server passes. */
  passes: readonly Scenario[]
  /** Scenarios that it does not pass, whoever is killed. */
  fails?: readonly Scenario[]
  /** An attempt that takes longer hangs, in ms. Scenarios of tasks wait for one after the other. */
  limit?: number
}

const LEASE = 2_000
const OPTIONS: FleetOptions = { session: { lease: LEASE }, taskLease: LEASE }
/** A scenario takes a second or two, and a call whose instance is gone a lease more. */
const LIMIT = LEASE + 20_000
/** Of each scenario. */
const ATTEMPTS = 12 // a busy machine needs longer for one than from one kill to the next
/** The calls of so many are looked for. A later one is hit by chance alone: else one that takes long would be hit each time. */
const HUNTED = 3
/** The end of the address of an attempt whose calls are not looked for. */
const SPARED = '&spared'
/** How often a running call is looked for, before any instance is killed. */
const LOOKS = 150

const EXPLICIT = /The instance that ran this call (?:was (?:lost|shut down)|has ended)/
const CONNECTION =
  /\b50[23]\b|Error POSTing|fetch failed|terminated|socket|ECONN|closed|disconnect|Failed to (?:open|reconnect)/i

export async function whileKilled({ module, passes, fails = [], limit = LIMIT }: Killing): Promise<Tally> {
  const fleet = await startFleet(OPTIONS, { module })
  const tally: Tally = {
    scenarios: passes.length + fails.length,
    kills: 0,
    explicit: 0,
    connection: 0,
    other: 0,
    hung: [],
    falsely: [],
    failed: [],
    slowest: 0,
  }
  let over = false
  const killing = (async () => {
    while (!over) {
      await sleep(2_000)
      const index = (await runningCall(fleet, () => over)) ?? tally.kills % 3
      tally.kills++
      await fleet.instances[index]?.kill()
      await fleet.restart(index)
    }
  })()
  let attempts = 0
  /** Runs a scenario at an address of its own, by which its requests are known. */
  const run = async (scenario: Scenario, nth = 0) => {
    const query = `?attempt=${attempts++}${nth < HUNTED ? '' : SPARED}`
    const outcome = await runScenario(`${fleet.url.href}${query}`, scenario, limit)
    if (!outcome.hung) return outcome
    if (isForsaken(fleet.proxy.requests.filter(({ path }) => path.endsWith(query)))) tally.connection++
    else tally.hung.push(`${scenario.version} ${scenario.scenario}`)
    return outcome
  }
  const attempt = async (scenario: Scenario, nth: number) => {
    const begin = performance.now()
    const outcome = await run(scenario, nth)
    if (outcome.clean) return outcome
    tally.slowest = Math.max(tally.slowest, performance.now() - begin)
    const text = outcome.problems.join('\n')
    if (outcome.hung) return outcome
    if (EXPLICIT.test(text)) tally.explicit++
    else if (CONNECTION.test(text)) tally.connection++
    else tally.other++
    return outcome
  }
  try {
    await inLanes(passes, 2, async (scenario) => {
      let outcome = await attempt(scenario, 0)
      for (let nth = 1; nth < ATTEMPTS && !outcome.clean; nth++) outcome = await attempt(scenario, nth)
      if (!outcome.clean) tally.failed.push(outcome)
    })
    await inLanes(fails, 2, async (scenario) => {
      const { clean } = await run(scenario)
      if (clean) tally.falsely.push(`${scenario.version} ${scenario.scenario}`)
    })
    return tally
  } finally {
    over = true
    await killing
    await fleet.stop()
  }
}

/**
 * Whether a kill took something from the client that nobody can give back, so that it waits until its own timeout: the SDK's client
 * repeats no answer that was not acknowledged, and resumes no stream of which it has read no event.
 */
function isForsaken(requests: readonly Forwarded[]): boolean {
  const resumes = ({ lastEventId }: Forwarded) => lastEventId !== undefined && !lastEventId.startsWith(`${GET_STREAM}.`)
  return requests.some((request, i) => {
    const { method, lost, status } = request
    if (!lost || (method !== 'POST' && !resumes(request))) return false
    return (method === 'POST' && status === undefined) || !requests.slice(i + 1).some(resumes)
  })
}

/** The instance that runs a call. A short request is over when it is looked at for the second time. */
async function runningCall({ proxy }: Fleet, over: () => boolean): Promise<number | undefined> {
  let seen = new Set<object>()
  for (let look = 0; look < LOOKS && !over(); look++) {
    const recent = proxy.requests.slice(-20)
    const posts = recent.filter(({ method, open, path }) => method === 'POST' && open && !path.endsWith(SPARED))
    const running = posts.find((post) => seen.has(post))
    if (running) return running.target
    seen = new Set(posts)
    await sleep(20)
  }
  return undefined
}

/** The tally in one line. */
export function summary(tally: Tally): string {
  const { scenarios, kills, explicit, connection, other, hung, falsely, failed, slowest } = tally
  return (
    `${scenarios} scenarios, ${kills} kills; of the attempts that failed ${explicit} ended in the explicit error, ${connection} ` +
    `with their connection and ${other} in another way, the longest after ${(slowest / 1_000).toFixed(1)} s; ` +
    `${hung.length} hung, ${falsely.length} passed falsely, ${failed.length} never passed`
  )
}
