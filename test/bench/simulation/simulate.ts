/** A deployment of many instances and sessions, by the measured costs: what it takes, and which limit comes first. */
import { Random } from '../../nemesis/random.ts'
import type { BusCost } from '../operations/bus.ts'
import type { Operation } from '../operations/operations.ts'
import { type BusNode, simulateBusNode } from './bus-node.ts'
import { busCosts } from './costs.ts'
import { type Demand, demandOf, type Mix, ratesOf, total, updatesOf } from './mix.ts'

/** How much of a core of Redis is used at most: beyond it, waiting grows fast. */
export const USABLE = 0.7
/** As in lib/store/redis/receive.ts. */
const PAUSE = 20
/** More changes in a second than this are not looked for. */
export const MOST_CHANGES = 1_000

export interface Deployment {
  instances: number
  sessions: number
  /** Slots of the bus. */
  slots: number
  mix: Mix
}

export interface Simulated {
  demands: Demand[]
  /** Cores of Redis for the sessions, and how many nodes have them at {@link USABLE}. */
  redis: number
  nodes: number
  /** The share of a core that each instance takes. */
  instance: number
  changes: number
  /** The node that has a slot of the bus. */
  bus: BusNode
}

export interface Measured {
  operations: readonly Operation[]
  bus: readonly BusCost[]
}

export function simulate(measured: Measured, { instances, sessions, slots, mix }: Deployment): Simulated {
  const rates = ratesOf(mix, sessions, instances)
  const demands = demandOf(measured.operations, rates)
  const redis = total(demands, 'redis')
  const changes = updatesOf(mix, sessions) + mix.listChanges / 3_600
  return {
    demands,
    redis,
    nodes: Math.max(1, Math.ceil(redis / USABLE)),
    instance: total(demands, 'instances') / instances,
    changes,
    bus: busNode(measured, instances, slots, changes, mailLoad(measured, rates, slots)),
  }
}

/** The share of a node that the mail of asks and cancels takes. */
function mailLoad({ bus }: Measured, rates: ReturnType<typeof ratesOf>, slots: number): number {
  const mails = (rates.ask ?? 0) + (rates.cancel ?? 0)
  return Math.min(0.95, (mails * busCosts(bus).mail) / 1e6 / slots)
}

/** The node has nothing but its slot of the bus. */
function busNode({ bus }: Measured, instances: number, slots: number, changes: number, other: number): BusNode {
  const load = { readers: Math.ceil(instances / slots), changes, other, pause: PAUSE }
  const random = new Random(1, 'bus')
  return simulateBusNode(busCosts(bus), load, () => random.next())
}

/** How many changes in a second take {@link USABLE} of the node that has a slot of the bus. */
export function mostChanges(measured: Measured, instances: number, slots: number): number {
  let [low, high] = [0.5, MOST_CHANGES]
  const fits = (changes: number) => busNode(measured, instances, slots, changes, 0).busy <= USABLE
  if (fits(high)) return high
  while (high / low > 1.03) {
    const middle = Math.sqrt(low * high)
    if (fits(middle)) low = middle
    else high = middle
  }
  return low
}

/** How many sessions of this mix one core of Redis serves at {@link USABLE}. */
export function sessionsPerCore({ operations }: Measured, mix: Mix): number {
  const some = 100_000
  return (some * USABLE) / total(demandOf(operations, ratesOf(mix, some, some / 1_000)), 'redis')
}
