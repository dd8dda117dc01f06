/**
 * The reports of an instance to the operators of its fleet: one command in `every` ms, also where nobody uses the instance.
 * They say nothing about whether it lives: for that instances ask for each other's sign of life.
 */
import { hostname } from 'node:os'
import { type Clock, everySpread } from '../base/clock.ts'
import { onEvent } from '../base/events.ts'
import type { AdminStore } from '../store/store.ts'
import { writeReport } from './report.ts'

/** How many reports may be missing until an instance is no longer listed. */
const REPORTS = 3

interface HeartbeatParts {
  instance: {
    instanceId: string
    about(): { name: string; version: string }
    stats(): { connections: number; calls: number; unregistered: number }
  }
  store: Pick<AdminStore, 'report' | 'retract'>
  /** ms */
  every: number
  clock: Clock
}

/**
 * Begins to report, until the instance has shut down: then its report is removed. A report that the store does not take is left
 * out, since the next one follows. Returns a function that ends it.
 */
export function beginReports({ instance, store, every, clock }: HeartbeatParts): () => void {
  const id = instance.instanceId
  const lasts = Math.ceil(REPORTS * every)
  let draining = false
  const report = () => {
    const { name, version } = instance.about()
    const { connections, calls, unregistered } = instance.stats()
    const facts = writeReport({
      name,
      version,
      up: Math.round(process.uptime() * 1_000),
      lasts,
      calls: calls + unregistered,
      streams: connections,
      draining,
      host: hostname(),
      pid: process.pid,
    })
    store.report(id, facts, lasts).catch(() => {})
  }
  const timer = everySpread(clock, every, report)
  const ends = [
    onEvent('drain-start', (event) => {
      if (event.instance !== id) return
      draining = true
      report()
    }),
    onEvent('drain', (event) => {
      if (event.instance !== id) return
      end()
      store.retract(id).catch(() => {})
    }),
  ]
  const end = () => {
    timer.cancel()
    for (const off of ends) off()
  }
  report()
  return end
}
