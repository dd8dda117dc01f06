/** What the simulation found, as Markdown. */
import { MIX } from './mix.ts'
import {
  type Measured,
  MOST_CHANGES,
  mostChanges,
  type Simulated,
  sessionsPerCore,
  simulate,
  USABLE,
} from './simulate.ts'

const DEPLOYMENTS = [
  { instances: 3, sessions: 10_000 },
  { instances: 10, sessions: 100_000 },
  { instances: 100, sessions: 300_000 },
  { instances: 1_000, sessions: 1_000_000 },
]
const SLOTS = [1, 2, 4, 8, 16]
const INSTANCES = [10, 100, 300, 1_000]

const percent = (share: number) => `${(share * 100).toFixed(0)} %`
const whole = (value: number) => Math.round(value).toLocaleString('en')
/** Two digits are known. */
const rough = (value: number) => whole(Number(value.toPrecision(2)))

export function simulationText(measured: Measured): string {
  return [mixText(), deployments(measured), changes(measured), firstLimit(measured)].join('\n\n')
}

function mixText(): string {
  const { streams, calls, kinds, life, updates, concerned, listChanges, heartbeat } = MIX
  const { registered = 0, streamSpaced = 0, ask = 0, cancel = 0 } = kinds
  const short = 100 - registered - streamSpaced - ask - cancel
  return (
    `Each session lives for ${life} minutes and makes ${calls} calls in a minute. Of 100 calls ${short} are short, ${registered} are silent for longer than 50 ms, ` +
    `${streamSpaced} stream five messages, ${ask} ask, and ${cancel} is cancelled. ${streams} of 100 sessions have a GET stream open, with a heartbeat every ${heartbeat} s. ` +
    `There ${updates === 1 ? 'is 1 resource update' : `are ${updates} resource updates`} in a second for each 10,000 sessions, of which each concerns ${concerned} session, and ${listChanges} list change in an hour.`
  )
}

function deployments(measured: Measured): string {
  const lines = [
    '| instances | sessions | calls/s | changes/s | Redis, cores | nodes at 70 % | an instance | node of the bus | a change is at the last instance after | others wait there |',
    '|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
  ]
  for (const { instances, sessions, slots } of cases()) {
    const found = simulate(measured, { instances, sessions, slots, mix: MIX })
    const { redis, nodes, instance, changes: rate, bus } = found
    const name = slots === 1 ? whole(instances) : `${whole(instances)}, ${slots} slots`
    const cells = [
      name,
      whole(sessions),
      rough(callsOf(found)),
      rough(rate),
      redis.toFixed(2),
      nodes,
      percent(instance),
    ]
    cells.push(percent(bus.busy), `${bus.last.p50.toFixed(0)} ms (p99 ${bus.last.p99.toFixed(0)})`)
    cells.push(`${bus.waits.p50.toFixed(0)} ms (p99 ${bus.waits.p99.toFixed(0)})`)
    lines.push(`| ${cells.join(' | ')} |`)
  }
  return lines.join('\n')
}

const cases = () => [
  ...DEPLOYMENTS.map((deployment) => ({ ...deployment, slots: 1 })),
  { ...(DEPLOYMENTS.at(-1) as (typeof DEPLOYMENTS)[number]), slots: 8 },
]

function callsOf({ demands }: Simulated): number {
  const none = ['initialize', 'heartbeat', 'listChange', 'instance', 'update']
  return demands.reduce((sum, { name, rate }) => sum + (none.includes(name) ? 0 : rate), 0)
}

function changes(measured: Measured): string {
  const head = `| instances | ${SLOTS.map((slots) => `${slots} ${slots === 1 ? 'slot' : 'slots'}`).join(' | ')} |`
  const lines = INSTANCES.map((instances) => {
    const cells = SLOTS.map((slots) => {
      const most = mostChanges(measured, instances, slots)
      return most >= MOST_CHANGES ? `over ${whole(MOST_CHANGES)}` : rough(most)
    })
    return `| ${whole(instances)} | ${cells.join(' | ')} |`
  })
  return `Changes in a second that take ${percent(USABLE)} of a node that has nothing but its slot of the bus:\n\n${[head, `|--:${'|--:'.repeat(SLOTS.length)}|`, ...lines].join('\n')}`
}

function firstLimit(measured: Measured): string {
  const largest = DEPLOYMENTS.at(-1) as (typeof DEPLOYMENTS)[number]
  const found = simulate(measured, { ...largest, slots: 1, mix: MIX })
  const most = mostChanges(measured, largest.instances, 1)
  const perCore = rough(sessionsPerCore(measured, MIX))
  const where = `One core of Redis serves about ${perCore} sessions of this kind at ${percent(USABLE)}; with more, take a cluster.`
  const who = `${whole(largest.instances)} instances and ${whole(largest.sessions)} sessions`
  const busFirst = found.changes > most
  const sessions = `The sessions of ${who} take ${found.nodes} nodes of a cluster, and ${percent(found.instance)} of each instance.`
  const bus = busFirst
    ? `The first limit is the node of the bus, which more nodes do not help: ${rough(found.changes)} changes in a second come, and ${rough(most)} take ${percent(USABLE)} of it. Slots of the bus (\`REDIS_BUS_SLOTS\`) move this limit.`
    : `The node of the bus is no limit: ${rough(found.changes)} changes in a second come, and ${rough(most)} would take ${percent(USABLE)} of it. The first limit is the time of Redis for the sessions, which more nodes move.`
  return `${where} ${sessions} ${bus}`
}
