/** The faults of a run: a schedule that the seed decides, and how each is done and undone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './history.ts'
import type { Fleet, Place } from './processes/fleet.ts'
import { Random } from './random.ts'

const WEIGHTS = {
  /** kill -9 and a restart. */
  kill: 6,
  /** SIGSTOP and SIGCONT. */
  stop: 6,
  /** One instance is killed while another stands still. */
  'kill and stop': 3,
  /** One instance stands still until its sign of life is over, while the others reach the store slowly: they claim its calls late. */
  'stop and slow': 3,
  /** SIGTERM and a restart. */
  drain: 5,
  'cut clients': 5,
  'swallow clients': 2,
  'delay clients': 2,
  'cut store': 5,
  'lose reply': 8,
  'swallow store': 3,
  'delay store': 3,
  /** The store of all instances. */
  'redis pause': 3,
  'redis kill': 3,
  'redis full': 2,
  'redis failover': 2,
  clock: 4,
}

type PlannedKind = keyof typeof WEIGHTS
/** `slow store`: a part of `stop and slow`. */
export type FaultKind = PlannedKind | 'slow store'
export type StoreFault = Extract<FaultKind, `redis ${string}`>

/** Faults of the connections between instances and the store, which need links. */
const LINKED: readonly FaultKind[] = ['lose reply', 'swallow store', 'delay store', 'stop and slow']

/** The faults that there are where instances reach the store without links. */
export const WITHOUT_LINKS = (Object.keys(WEIGHTS) as FaultKind[]).filter((kind) => !LINKED.includes(kind))

export interface Plan {
  at: number
  kind: PlannedKind
  place: number
  /** How long it lasts, in ms. */
  ms: number
  /** A part from 0 to 1: of connections that are cut, for instance. */
  part: number
}

/** The wall clocks are off by this much, in ms, in one direction or the other. */
const SHIFTS = [5_000, 90_000, 3_600_000, 31 * 86_400_000]
const PLACES = 3

export interface Mix {
  /** The mean time from one fault to the next, in ms. */
  gap: number
  /** Only these kinds; default: all. */
  only?: readonly FaultKind[] | undefined
}

/** The schedule of `length` ms: the same for the same seed. */
export function planFaults(seed: number, length: number, lease: number, { gap, only }: Mix): Plan[] {
  const random = new Random(seed, 'faults')
  const weights = Object.fromEntries(
    Object.entries(WEIGHTS).filter(([kind]) => !only || only.includes(kind as FaultKind)),
  ) as typeof WEIGHTS
  const plans: Plan[] = []
  for (let at = random.pause(gap); at < length; at += random.pause(gap)) {
    const kind = random.weighted(weights)
    // Short ones, and ones that outlast a lease.
    const ms = random.chance(0.6) ? random.between(100, lease / 2) : random.between(lease / 2, 1.8 * lease)
    plans.push({ at, kind, place: random.whole(0, PLACES - 1), ms, part: random.next() })
  }
  return plans
}

export class Faults {
  readonly done: Fault[] = []
  readonly #fleet: Fleet
  readonly #lease: number
  /** The fault of Redis that is under way. */
  #store: Promise<void> | undefined
  #working = new Set<Promise<void>>()
  readonly #shifts = [0, 0, 0]

  constructor(fleet: Fleet, lease: number) {
    this.#fleet = fleet
    this.#lease = lease
  }

  /** Carries the plans out in their time, until `signal` is aborted, and undoes everything. */
  async run(plans: readonly Plan[], signal: AbortSignal): Promise<void> {
    const begun = this.#fleet.now()
    for (const plan of plans) {
      const wait = begun + plan.at - this.#fleet.now()
      if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => {})
      if (signal.aborted) break
      const work = this.#carryOut(plan).finally(() => this.#working.delete(work))
      this.#working.add(work)
    }
    await Promise.all(this.#working)
    for (const place of this.#fleet.places) this.#setClock(place, 0)
  }

  /** The fault begins, lasts as long as `work` takes, and ends. */
  async #during(kind: FaultKind, process: string, work: (fault: Fault) => Promise<void>): Promise<void> {
    const fault: Fault = { kind, process, from: this.#fleet.now() }
    this.done.push(fault)
    await work(fault)
    fault.to = this.#fleet.now()
  }

  async #carryOut({ kind, place: index, ms, part }: Plan): Promise<void> {
    const fleet = this.#fleet
    const place = fleet.places[index] as Place
    const { name } = place
    switch (kind) {
      case 'kill':
        return this.#kill(place, ms, part)
      case 'stop':
        return this.#stop(place, ms, part)
      case 'kill and stop': {
        const other = fleet.places[(index + 1) % PLACES] as Place
        if (this.#othersReady(place) < 2) return
        const both = this.#lease * (0.7 + part)
        await Promise.all([this.#kill(place, ms, part), this.#stop(other, both, part)])
        return
      }
      case 'stop and slow': {
        const others = fleet.places.filter((other) => other !== place)
        await Promise.all([
          this.#stop(place, this.#lease * (0.65 + 0.5 * part), 0),
          ...others.map((other) => this.#slow(other, 1.3 * this.#lease)),
        ])
        return
      }
      case 'drain':
        return this.#drain(place, part)
      case 'cut clients': {
        const random = new Random(ms)
        return this.#during(kind, name, async () => place.front.cut(() => random.chance(Math.max(0.2, part))))
      }
      case 'swallow clients':
        return this.#during(kind, name, () => this.#disturb(place.front, 'swallow', ms))
      case 'delay clients':
        return this.#during(kind, name, () => this.#disturb(place.front, 'delay', ms))
      case 'cut store':
        if (fleet.servers.port === undefined) return this.#during(kind, '', () => fleet.servers.cut({ ms, part }))
        return this.#during(kind, name, async () => place.back.cut())
      case 'lose reply':
        return this.#during(kind, name, async () => place.back.loseReply())
      case 'swallow store':
        return this.#during(kind, name, () => this.#disturb(place.back, 'swallow', ms))
      case 'delay store':
        return this.#during(kind, name, () => this.#disturb(place.back, 'delay', ms))
      case 'clock':
        return this.#setClock(place, SHIFTS[Math.floor(part * SHIFTS.length)] ?? 0, ms)
      default:
        return this.#troubleStore(kind, ms, part)
    }
  }

  /** Where no instance is left, clients only wait. */
  #othersReady(place: Place): number {
    return this.#fleet.places.filter((other) => other !== place && other.inRotation && !other.expected).length
  }

  #slow({ name, back }: Place, ms: number): Promise<void> {
    return this.#during('slow store', name, () => this.#disturb(back, 'slow', ms))
  }

  async #disturb(link: Place['front'], mode: 'swallow' | 'delay' | 'slow', ms: number): Promise<void> {
    // Where two of these overlapped, bytes could be lost without a cut.
    if (link.isDisturbed) return
    link.disturb(mode)
    await sleep(ms)
    link.heal()
  }

  async #kill(place: Place, ms: number, part: number): Promise<void> {
    if (!place.ready || place.expected || this.#othersReady(place) === 0) return
    await this.#during('kill', place.name, async () => {
      place.expected = true
      place.child?.kill('SIGKILL')
      await place.ended()
      await sleep(ms * part)
      await this.#fleet.launch(place)
    })
  }

  /** The load balancer notices, and takes the clients of the process to others. */
  async #stop(place: Place, ms: number, part: number): Promise<void> {
    const { child } = place
    if (!child || !place.ready || place.stopped || place.expected) return
    await this.#during('stop', place.name, async () => {
      place.stopped = true
      child.kill('SIGSTOP')
      const noticed = Math.min(ms, 200 + part * 1_500)
      await sleep(noticed)
      place.inRotation = false
      if (part < 0.6) place.front.cut()
      await sleep(ms - noticed)
      child.kill('SIGCONT')
      place.stopped = false
      place.inRotation = place.ready
    })
  }

  async #drain(place: Place, part: number): Promise<void> {
    const { child } = place
    if (!child || !place.ready || place.expected || place.stopped || this.#othersReady(place) === 0) return
    await this.#during('drain', place.name, async () => {
      place.expected = true
      child.kill('SIGTERM')
      // The load balancer notices a little later.
      await sleep(part * 500)
      place.inRotation = false
      await place.ended()
      await this.#fleet.launch(place)
    })
  }

  #setClock(place: Place, shift: number, ms = 0): Promise<void> {
    const { index } = place
    const before = this.#shifts[index] ?? 0
    const signed = Math.floor(ms) % 2 === 0 ? shift : -shift
    this.#shifts[index] = signed
    if (before === signed) return Promise.resolve()
    // A clock stays off until it is set again: the fault lasts to the next one of this place.
    for (const fault of this.done) {
      if (fault.kind === 'clock' && fault.process === String(index)) fault.to ??= this.#fleet.now()
    }
    if (signed !== 0) this.done.push({ kind: 'clock', process: String(index), from: this.#fleet.now(), shift: signed })
    place.shift(signed)
    return Promise.resolve()
  }

  /** One of these at a time: they concern the same Redis. A failover, of which a run has few, waits for its turn. */
  async #troubleStore(kind: StoreFault, ms: number, part: number): Promise<void> {
    while (this.#store && kind === 'redis failover') await this.#store
    if (this.#store) return
    const { servers } = this.#fleet
    this.#store = this.#during(kind, '', (fault) =>
      servers.trouble(kind, { ms, part }, fault, () => this.#fleet.followPrimary()),
    )
    await this.#store
    this.#store = undefined
  }
}
