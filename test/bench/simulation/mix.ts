/** What the clients of a large deployment do, and what that takes of Redis and of the instances, by the measured costs. */
import type { Operation, OperationName } from '../operations/operations.ts'

export interface Mix {
  /** Of 100 sessions, how many have a GET stream open. */
  streams: number
  /** Calls of a session in a minute. */
  calls: number
  /** Of 100 calls, how many are of a kind; the others are short. */
  kinds: Partial<Record<OperationName, number>>
  /** Minutes from the beginning of a session to its end. */
  life: number
  /** Resource updates in a second for each 10,000 sessions, and how many sessions with a stream each concerns. */
  updates: number
  concerned: number
  /** List changes in an hour. */
  listChanges: number
  /** Seconds from one heartbeat of a stream to the next. */
  heartbeat: number
}

/** A busy day: assistants whose people work. */
export const MIX: Mix = {
  streams: 30,
  calls: 2,
  kinds: { registered: 10, streamSpaced: 3, ask: 2, cancel: 1 },
  life: 30,
  updates: 1,
  concerned: 1,
  listChanges: 1,
  heartbeat: 15,
}

/** Operations in a second. Resource updates are a load of the bus, not of the sessions, but for the sessions that they concern. */
export function ratesOf(mix: Mix, sessions: number, instances: number): Partial<Record<OperationName, number>> {
  const calls = (sessions * mix.calls) / 60
  const rates: Partial<Record<OperationName, number>> = {}
  let short = 100
  for (const [name, share] of Object.entries(mix.kinds) as [OperationName, number][]) {
    rates[name] = (calls * share) / 100
    short -= share
  }
  const streams = (sessions * mix.streams) / 100
  return {
    ...rates,
    initialize: sessions / (mix.life * 60),
    echo: (calls * short) / 100,
    heartbeat: streams / mix.heartbeat,
    listChange: (streams * mix.listChanges) / 3_600 + updatesOf(mix, sessions) * mix.concerned,
    instance: instances,
  }
}

export function updatesOf({ updates }: Mix, sessions: number): number {
  return (updates * sessions) / 10_000
}

export interface Demand {
  name: OperationName
  title: string
  /** In a second. */
  rate: number
  /** Cores. */
  redis: number
  instances: number
}

export function demandOf(operations: readonly Operation[], rates: Partial<Record<OperationName, number>>): Demand[] {
  return operations.flatMap(({ name, title, redis, instances }) => {
    const rate = rates[name]
    return rate === undefined
      ? []
      : { name, title, rate, redis: (rate * redis) / 1e6, instances: (rate * instances) / 1e6 }
  })
}

export function total(demands: readonly Demand[], of: 'redis' | 'instances'): number {
  return demands.reduce((sum, demand) => sum + demand[of], 0)
}
