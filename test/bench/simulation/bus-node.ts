/**
 * The node of Redis that has a slot of the bus, as a queue with one server: changes are added, and the instances that wait in
 * this slot read them. What each step costs is measured.
 */

/** us of Redis. */
export interface BusCosts {
  /** For a change, before anybody reads it. */
  publish: number
  /** For each instance that a change wakes: its reply, and its next read. */
  wake: number
  /** For each further change in the same reply. */
  entry: number
}

export interface BusLoad {
  /** Instances that wait in this slot. */
  readers: number
  /** Changes in a second, in the whole cluster: each is added to each slot of the bus. */
  changes: number
  /** The share of the node's time that everything else takes: its sessions, and mail. */
  other: number
  /** From one read of an instance to its next, in ms. */
  pause: number
}

export interface BusNode {
  /** The share of the node's time that is taken, 1 at most. */
  busy: number
  /** From a change to the last instance that has it, in ms: the median and the 99th percentile. */
  last: { p50: number; p99: number }
  /** How long another command waits at this node, in ms. */
  waits: { p50: number; p99: number }
}

/** Between an instance and Redis, both ways, in ms. */
const ROUND_TRIP = 0.5
/** How long the simulation runs, in ms, and how much of its beginning does not count. */
const LENGTH = 3_000
const WARM_UP = 500

/** A random number from 0 to 1, the same in each run. */
export type Chance = () => number

export function simulateBusNode(costs: BusCosts, { readers, changes, other, pause }: BusLoad, chance: Chance): BusNode {
  // Everything else makes each step of the bus take longer, as if the server were slower.
  const slower = 1 / Math.max(0.02, 1 - other)
  const ms = (us: number) => (us / 1_000) * slower
  /** When the server has done what it has. */
  let free = 0
  let worked = 0
  const work = (at: number, us: number) => {
    free = Math.max(free, at) + ms(us)
    if (at >= WARM_UP) worked += us / 1_000
    return free
  }
  const published: number[] = []
  /** The changes that a read took, from the first to before the last, and when its instance had them. */
  const reads: { from: number; to: number; done: number }[] = []
  const waits: number[] = []
  const position = new Uint32Array(readers)
  let blocked: number[] = Array.from({ length: readers }, (_, n) => n)
  /** Readers that come back, in order of time: the pause is the same for all. */
  const coming: { at: number; reader: number }[] = []
  let next = 0
  const read = (reader: number, at: number) => {
    const news = published.length - (position[reader] ?? 0)
    const done = work(at, costs.wake + (news - 1) * costs.entry) + ROUND_TRIP / 2
    reads.push({ from: position[reader] ?? 0, to: published.length, done })
    position[reader] = published.length
    coming.push({ at: done + pause, reader })
  }
  let change = -Math.log(1 - chance()) * (1_000 / changes)
  for (let now = 0; now < LENGTH; ) {
    const back = coming[next]?.at ?? Number.POSITIVE_INFINITY
    now = Math.min(change, back)
    if (now >= LENGTH) break
    if (change <= back) {
      change += -Math.log(1 - chance()) * (1_000 / changes)
      if (now >= WARM_UP) waits.push(Math.max(0, free - now))
      published.push(now)
      work(now, costs.publish)
      const woken = blocked
      blocked = []
      for (const reader of woken) read(reader, now)
      continue
    }
    const { reader } = coming[next++] as { reader: number }
    if ((position[reader] ?? 0) < published.length) read(reader, now)
    else blocked.push(reader)
  }
  const had = lastReads(reads, published.length)
  const delays = published.flatMap((at, n) => (at >= WARM_UP && had[n] !== undefined ? had[n] - at : []))
  return {
    busy: Math.min(1, other + worked / (LENGTH - WARM_UP)),
    last: { p50: percentile(delays, 0.5), p99: percentile(delays, 0.99) },
    waits: { p50: percentile(waits, 0.5), p99: percentile(waits, 0.99) },
  }
}

/** When the last instance had each change. Later reads end later: the last that has a change counts. */
function lastReads(
  reads: readonly { from: number; to: number; done: number }[],
  changes: number,
): (number | undefined)[] {
  const had: (number | undefined)[] = Array.from({ length: changes })
  // No read before took more than this one, but for changes that none of those after it took.
  let lowest = changes
  for (let i = reads.length - 1; i >= 0 && lowest > 0; i--) {
    const { from, to, done } = reads[i] as { from: number; to: number; done: number }
    for (let n = Math.min(to, lowest) - 1; n >= from; n--) had[n] ??= done
    if (to >= lowest) lowest = Math.min(lowest, from)
  }
  return had
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
