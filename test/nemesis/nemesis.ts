/** One run: clients call while faults happen, then the faults end, the calls end, and the sessions end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { check, type Problem } from './check/check.ts'
import { Looking } from './check/looking.ts'
import { Http } from './clients/http.ts'
import { LegacyClient } from './clients/legacy-client.ts'
import { CALL_MIXES, type CallMixName, revisionOf } from './clients/mixes.ts'
import { SessionClient } from './clients/session-client.ts'
import { StatelessClient } from './clients/stateless-client.ts'
import { SessionTaskClient } from './clients/tasks/session.ts'
import { StatelessTaskClient } from './clients/tasks/stateless.ts'
import type { World } from './clients/world.ts'
import { Faults, type Mix, planFaults, WITHOUT_LINKS } from './faults.ts'
import type { Entry, History, Limits } from './history.ts'
import { Fleet } from './processes/fleet.ts'
import { LedgerReader } from './processes/ledger.ts'
import type { Arrangement } from './processes/store-servers.ts'
import { Random } from './random.ts'
import { comeToRest } from './rest.ts'

export interface NemesisOptions {
  seed: number
  /** How long faults happen, in ms. */
  length: number
  /** Clients at once. */
  clients?: number
  /** Calls per second of all clients together, about. */
  rate?: number
  mix?: Mix
  /** What the clients call; default: `all`. */
  calls?: CallMixName
  /** The part of the clients, from 0 to 1, that run tasks instead of calls; default: a tenth, and none where they make other calls than `all`. */
  tasks?: number | undefined
  /** How the store is arranged; default: `replica`. */
  redis?: Arrangement | undefined
  /** Only clients of this revision. */
  revision?: string
  /** The checkout whose endpoint runs; default: this one. */
  root?: URL
  /** Ends the run when it has found something. */
  stopAtFirst?: boolean
  report?: (line: string) => void
}

export interface Outcome {
  history: History
  problems: Problem[]
  /** When the first problem was found, ms of the timeline, and how many calls there were. */
  found?: { at: number; calls: number }
}

export const LIMITS: Limits = {
  lease: 4_000,
  taskLease: 4_000,
  heartbeat: 2_000,
  registerAfter: 50,
  drainTimeout: 2_000,
  storePatience: 10_000,
  commandTimeout: 2_500,
  askTimeout: 25_000,
  suspendAfter: 700,
  firstLifetime: 20_000,
  idleLifetime: 120_000,
  callPatience: 75_000,
}

/** How often a run is checked that ends at the first problem, and one that does not, in ms. */
const CHECK_EVERY = { first: 5_000, all: 60_000 }

export async function runNemesis(options: NemesisOptions): Promise<Outcome> {
  const { seed, length, clients = 100, rate = 70, redis = 'replica', report = () => {} } = options
  const { mix = { gap: 1_500 }, calls = 'all' } = options
  const limits = LIMITS
  const fleet = await Fleet.start({ limits, redis, root: options.root })
  const ledger = new LedgerReader(fleet.ledger)
  const faults = new Faults(fleet, limits.lease)
  const entries: Entry[] = []
  const abort = new AbortController()
  const http = new Http(() => fleet.next())
  let running = true
  const world: World = {
    http,
    now: fleet.now,
    mix: CALL_MIXES[calls],
    limits,
    sessions: [],
    calls: [],
    tasks: [],
    taskIds: new Map(),
    open: new Map(),
    get running() {
      return running
    },
    think: (clients / rate) * 1_000,
    silence: 3.5 * limits.heartbeat,
  }
  const history = (): History => {
    for (const entry of ledger.read()) entries.push(entry)
    const { sessions, calls, tasks } = world
    return {
      seed,
      limits,
      faults: [...faults.done, ...fleet.servers.unplanned],
      sessions,
      calls,
      tasks,
      ledger: entries,
      exits: fleet.exits,
      errors: fleet.errors,
    }
  }
  let found: Outcome['found']
  let suspected = false
  const looking = new Looking(limits)
  const look = async () => {
    const at = fleet.now()
    const problems = await looking.look(history(), at)
    // A look may come before the line of the ledger that explains what it finds: two in a row count.
    const before = suspected
    suspected = problems.length > 0
    if (!before || !suspected || found) return
    found = { at, calls: world.calls.length }
    report(`found after ${Math.round(found.at / 1000)} s and ${found.calls} calls: ${problems[0]?.text}`)
    if (options.stopAtFirst) abort.abort()
  }
  try {
    const { revision } = options
    const hasTasks = revision === undefined || revision === '2025-11-25' || revision === '2026-07-28'
    const isTasks = spread(hasTasks ? (options.tasks ?? (calls === 'all' ? 0.1 : 0)) : 0)
    const alive = Array.from({ length: clients }, (_, i) =>
      isTasks(i) ? makeTaskClient(world, seed, i, revision) : makeClient(world, seed, i, revision),
    )
    const lives = Promise.all(alive.map((client) => client.live()))
    const checking = setInterval(() => void look(), options.stopAtFirst ? CHECK_EVERY.first : CHECK_EVERY.all)
    const over = setTimeout(() => abort.abort(), length)
    await faults.run(planFaults(seed, length, limits.lease, fitting(mix, redis)), abort.signal)
    if (!abort.signal.aborted) await new Promise((resolve) => abort.signal.addEventListener('abort', resolve))
    clearTimeout(over)
    running = false
    report(`${world.calls.length} calls, ${faults.done.length} faults; coming to rest`)
    const done = await Promise.race([lives.then(() => true), sleep(limits.callPatience + 15_000, false)])
    clearInterval(checking)
    await looking.end()
    if (!done) report('Some clients have not ended.')
    const whole = history()
    if (!(options.stopAtFirst && found)) {
      whole.rest = await comeToRest(
        fleet,
        world,
        alive.filter((client) => 'session' in client),
      )
      whole.ledger = history().ledger
    }
    const problems = check(whole)
    if (problems.length > 0) found ??= { at: fleet.now(), calls: world.calls.length }
    return { history: whole, problems, ...(found && { found }) }
  } finally {
    running = false
    await looking.end()
    http.close()
    ledger.close()
    await fleet.stop()
  }
}

/** The faults that this arrangement can have. */
function fitting(mix: Mix, redis: Arrangement): Mix {
  if (redis === 'replica') return mix
  return { ...mix, only: WITHOUT_LINKS.filter((kind) => !mix.only || mix.only.includes(kind)) }
}

function makeClient(world: World, seed: number, i: number, only: string | undefined) {
  const random = new Random(seed, `client ${i}`)
  const revision = only ?? revisionOf(world.mix, i)
  const name = `${i}`
  if (revision === '2024-11-05') return new LegacyClient(world, random, name)
  if (revision === '2026-07-28') return new StatelessClient(world, random, name)
  return new SessionClient(world, random, name, revision)
}

/** Chooses a part of the numbers from 0 on, evenly. */
const spread = (part: number) => (i: number) => Math.floor((i + 1) * part) > Math.floor(i * part)

/** Two of three speak the revision with sessions. */
function makeTaskClient(world: World, seed: number, i: number, only: string | undefined) {
  const random = new Random(seed, `tasks ${i}`)
  const isStateless = only === undefined ? random.chance(1 / 3) : only === '2026-07-28'
  return isStateless ? new StatelessTaskClient(world, random, `t${i}`) : new SessionTaskClient(world, random, `t${i}`)
}
