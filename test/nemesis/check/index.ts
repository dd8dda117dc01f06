/** What the checker looks up again and again: the runs of a call, and the faults of a time. */
import { SIGN_EVERY } from '../../../lib/runtime/presence.ts'
import type { FaultKind } from '../faults.ts'
import type { Call, Entry, Fault, History } from '../history.ts'

/** One execution of a call's handler. */
export interface Run {
  run: string
  process: string
  begun: number
  /** When the handler returned or threw; undefined where it never did. */
  ended?: number
  entries: Entry[]
}

/** How long a sign of life lasts, in leases: as lib/runtime/presence.ts has it. */
const SIGN_LASTS = 4 / 6

/** Faults that end or freeze a process, or keep it from its store. */
const OWN: readonly FaultKind[] = ['kill', 'stop', 'drain', 'swallow store', 'delay store']
const FROZEN: readonly FaultKind[] = ['stop', 'swallow store', 'delay store']
const STORE: readonly FaultKind[] = ['redis pause', 'redis kill', 'redis full', 'redis failover']
/** Faults of a place's connection to the store: the process that is started there next has them too. */
const LINKS: readonly FaultKind[] = ['swallow store', 'delay store', 'slow store']
const CONNECTION: readonly FaultKind[] = ['cut store', 'lose reply', 'swallow store', 'delay store', 'slow store']

/** The end of a fault is noted so many ms before or after it is felt. */
const AFTER_HIT = 100

/** The clocks of a process and of the store run side by side, in ms. */
const EARLY = 500

/** How old the look at the memory of the store may be, in ms. */
const MEMORY_LOOK = 5_000

export class Index {
  readonly history: History
  readonly runs = new Map<string, Run[]>()
  readonly #stalls: Entry[]
  /** The faults by kind: there are a thousand of them, and each call asks for several kinds. */
  readonly #faults = new Map<FaultKind, Fault[]>()
  /** After the last of its faults a process or a store may take this long until all is as before, in ms. */
  readonly #after: number

  constructor(history: History) {
    this.history = history
    this.#stalls = history.ledger.filter(({ e }) => e === 'stall')
    this.#after = history.limits.commandTimeout + history.limits.heartbeat
    for (const fault of history.faults) {
      const known = this.#faults.get(fault.kind)
      if (known) known.push(fault)
      else this.#faults.set(fault.kind, [fault])
    }
    const byRun = new Map<string, Run>()
    for (const entry of history.ledger) {
      if (entry.run === undefined || entry.call === undefined) continue
      let run = byRun.get(entry.run)
      if (!run) {
        run = { run: entry.run, process: entry.process, begun: entry.at, entries: [] }
        byRun.set(entry.run, run)
        const runs = this.runs.get(entry.call)
        if (runs) runs.push(run)
        else this.runs.set(entry.call, [run])
      }
      run.entries.push(entry)
      if (entry.e === 'end' || entry.e === 'abort') run.ended ??= entry.at
    }
    for (const runs of this.runs.values()) runs.sort((a, b) => a.begun - b.begun)
  }

  runsOf({ call }: Call): Run[] {
    return this.runsNamed(call)
  }

  runsNamed(call: string): Run[] {
    return this.runs.get(call) ?? []
  }

  /** How long a sign of life lasts, in ms. */
  get signLasts(): number {
    return this.history.limits.lease * SIGN_LASTS
  }

  /** After so many ms without a renewal the sign of life may be gone: the renewal before may have been late, or lost. */
  get #signGone(): number {
    return this.signLasts - 2 * this.history.limits.lease * SIGN_EVERY - 200
  }

  #any(kinds: readonly FaultKind[], from: number, to: number, fits: (fault: Fault) => boolean, after = 0): boolean {
    return kinds.some((kind) =>
      this.#of(kind).some(
        (fault) => fault.from <= to && (fault.to === undefined || fault.to + after >= from) && fits(fault),
      ),
    )
  }

  /** The fault concerns the process. */
  #hits({ kind, process: hit }: Fault, process: string): boolean {
    return hit === process || (LINKS.includes(kind) && hit.split('.')[0] === process.split('.')[0])
  }

  #of(kind: FaultKind): readonly Fault[] {
    return this.#faults.get(kind) ?? []
  }

  /**
   * The process died, was shut down, stood still, or was cut off from the store, for so long that the others may have
   * taken it for dead. A fault of the store that all share is none of these.
   */
  mayBeTakenForDead(process: string, from: number, to: number): boolean {
    const { lease } = this.history.limits
    const long = this.#signGone
    const within = (begin: number, end: number | undefined) =>
      begin <= to && (end === undefined || (end - begin >= long && end + lease >= from))
    if (this.#any(['kill', 'drain'], 0, to, (fault) => fault.process === process)) return true
    const frozen = this.#any(OWN, 0, to, (fault) => this.#hits(fault, process) && within(fault.from, fault.to))
    const stalled = this.#stalls.some(
      (stall) => stall.process === process && within(stall.at - (stall.ms ?? 0), stall.at),
    )
    return frozen || stalled || this.lost(from - lease, to)
  }

  /**
   * A fault hit what the process did in this time: it died, stood still or was cut off from the store meanwhile, for so long that
   * the others may have taken it for dead. A drain lets an effect end, unless the store does not answer.
   */
  isHit(process: string, from: number, to: number): boolean {
    if (this.#any(['kill'], 0, to, (fault) => fault.process === process)) return true
    const long = this.#signGone
    const frozen = this.#any(
      FROZEN,
      from,
      to,
      (fault) => this.#hits(fault, process) && (fault.to === undefined || fault.to - fault.from >= long),
      AFTER_HIT,
    )
    const stalled = this.#stalls.some(
      ({ process: stalled, at, ms = 0 }) =>
        stalled === process && ms >= long && at - ms <= to && at + AFTER_HIT >= from,
    )
    const drained = this.isDrained(process, to) && this.storeTroubled(process, from, to)
    return frozen || stalled || drained || this.lost(from, to)
  }

  /** The ends of connections of clients may not have come to this process. */
  hides(process: string): boolean {
    return this.#any(['swallow clients'], 0, Number.POSITIVE_INFINITY, (fault) => fault.process === process)
  }

  isDrained(process: string, to: number): boolean {
    return this.#any(['drain'], 0, to, (fault) => fault.process === process)
  }

  /** Some process was shut down before this moment. */
  someDrained(to: number): boolean {
    return this.#any(['drain'], 0, to, () => true)
  }

  /** Some fault went on in this time. */
  someFault(from: number, to: number): boolean {
    return this.history.faults.some((fault) => fault.from <= to && (fault.to === undefined || fault.to >= from))
  }

  /**
   * Faults kept a question from the client, or its answer from the store, until its time was over. `n`: which question of the call.
   */
  isAnsweredLate(call: Call, n: number | undefined, at: number): boolean {
    const asked = this.runsOf(call).flatMap(({ entries }) =>
      entries.filter((entry) => entry.e === 'asked' && entry.n === n),
    )
    const [first, last] = [asked[0]?.at, asked.at(-1)?.at]
    // The runs of a durable call ask once.
    const begun = call.tool === 'durable' ? first : last
    if (begun === undefined || !this.someFault(begun, at)) return false
    const ids = call.received.flatMap((message) => (message.kind === 'ask' && message.n === n ? [message.ask] : []))
    const due = begun + this.history.limits.askTimeout - EARLY
    return !call.answers.some(({ ask, acknowledged = due }) => ids.includes(ask) && acknowledged < due)
  }

  /** A process was killed in this time; which one, where that is known. */
  killed(process: string | undefined, from: number, to: number): boolean {
    return this.#of('kill').some(
      (fault) => fault.from >= from && fault.from <= to && (process === undefined || fault.process === process),
    )
  }

  /** The process, or all, may have waited in vain for the store. */
  storeTroubled(process: string | undefined, from: number, to: number): boolean {
    const after = this.#after
    return (
      this.#any(STORE, from, to, () => true, after) ||
      this.#any(
        CONNECTION,
        from,
        to,
        (fault) => process === undefined || fault.process === '' || this.#hits(fault, process),
        after,
      ) ||
      this.#stalls.some(
        (s) => (process === undefined || s.process === process) && s.at >= from - after && s.at <= to + after,
      )
    )
  }

  /**
   * The store had, as far as the processes knew, no room for a log: calls go on without a stream then. A process that was
   * cut off since knows it for longer.
   */
  full({ call, sent }: Pick<Call, 'call' | 'sent'>, to: number): boolean {
    if (this.#any(['redis full'], sent, to, () => true, MEMORY_LOOK + this.#after)) return true
    const runs = this.runs.get(call) ?? []
    const cutOff = runs.some(({ process }) => this.storeTroubled(process, sent - 4 * MEMORY_LOOK, to))
    return cutOff && this.#any(['redis full'], sent, to, () => true, 4 * MEMORY_LOOK)
  }

  /** A wall clock was off by so much. */
  clocksDiffer(from: number, to: number, by: number): boolean {
    return this.#any(['clock'], from, to, (fault) => Math.abs(fault.shift ?? 0) >= by, this.#after)
  }

  /**
   * HTTP+SSE has no event ids, so that neither side notices a message that a failover lost before its holder had it: it may be
   * missing, and where it is the response the client waits until its own time is over. The same holds where the instance dies
   * before the store has the call, which was acknowledged with 202.
   */
  mayMissMessages(call: Call): boolean {
    const ended = Math.max(call.sent, ...this.runsOf(call).map((run) => run.ended ?? run.begun))
    const until = ended + this.history.limits.storePatience
    if (call.revision !== '2024-11-05') return false
    return (
      this.lost(call.sent, until) || this.runsOf(call).some(({ process, begun }) => this.killed(process, begun, until))
    )
  }

  /** A failover may have lost what was written in this time. */
  lost(from: number, to: number): boolean {
    // A failover that is under way has no end yet. Where servers decide by themselves, other faults cause failovers, too.
    return STORE.some((kind) =>
      this.#of(kind).some(({ from: begun, lost }) =>
        lost ? lost.from <= to && lost.to >= from : kind === 'redis failover' && begun <= to,
      ),
    )
  }
}
