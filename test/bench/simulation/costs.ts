/** The costs of the bus, from what was measured with few and with many instances that wait. */
import type { BusCost } from '../operations/bus.ts'
import type { BusCosts } from './bus-node.ts'

/** @throws Error where fewer than two numbers of receivers were measured */
export function busCosts(measured: readonly BusCost[]): BusCosts & { mail: number } {
  const sorted = [...measured].sort((a, b) => a.receivers - b.receivers)
  const [few, many] = [sorted[0], sorted.at(-1)]
  if (!few || !many || few === many)
    throw new Error('The costs of the bus were not measured: npm run bench -- --only operations')
  const wake = (many.change - few.change) / (many.receivers - few.receivers)
  const publish = Math.max(0, few.change - few.receivers * wake)
  // What fast changes cost beyond the reads that took them is what the further changes of each read cost.
  const { rate, change, reads } = many.fast
  const beyond = (change - publish) / many.receivers - (wake * reads) / rate
  const further = Math.max(0, 1 - reads / rate)
  return { publish, wake, entry: further > 0 ? Math.max(0, beyond / further) : 0, mail: many.mail }
}
