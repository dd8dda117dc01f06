/** The instances of one server: which of them answers a request. */
import { type Clock, systemClock, type Timer } from '../base/clock.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import { callerOf } from '../server/registry/visibility.ts'
import type { OfficialInstance } from './instance.ts'
import type { Instances } from './options.ts'

/** Instances of sessions and keys that a process keeps. An instance with 50 tools takes 0.1 to 0.6 MB. */
const MOST = 500
/** How long an instance without calls is kept, in ms, and how often that is looked at. */
const IDLE = 10 * 60_000
const LOOK = 60_000

interface Kept {
  instance: Promise<OfficialInstance>
  /** Where it is there already. */
  now: OfficialInstance | undefined
  /** By the clock's `now`. */
  used: number
}

interface PoolParts {
  kind: Exclude<Instances, 'shared'>
  make(channel: ClientChannel): Promise<OfficialInstance>
  clock?: Clock
  most?: number
}

/** Instances for sessions, keys and single calls. Instances that are kept have a bound, and go when nobody uses them. */
export class InstancePool {
  readonly #parts: PoolParts
  readonly #clock: Clock
  readonly #most: number
  /** By key, the ones that were not used for longest first. */
  readonly #kept = new Map<string, Kept>()
  #timer: Timer | undefined

  constructor(parts: PoolParts) {
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
    this.#most = parts.most ?? MOST
  }

  get size(): number {
    return this.#kept.size
  }

  /** The instance of a session, where this process has it. */
  ofSession(sessionId: string): OfficialInstance | undefined {
    return this.#parts.kind === 'session' ? this.#kept.get(sessionId)?.now : undefined
  }

  /** Runs `work` with the instance for the request. */
  async use<T>(channel: ClientChannel, work: (instance: OfficialInstance) => T | Promise<T>): Promise<T> {
    const key = this.#keyOf(channel)
    if (key !== undefined) return work(await this.#keptFor(key, channel))
    const instance = await this.#parts.make(channel)
    try {
      return await work(instance)
    } finally {
      void instance.close()
    }
  }

  /** Undefined: the request gets an instance of its own. */
  #keyOf(channel: ClientChannel): string | undefined {
    const { kind } = this.#parts
    if (kind === 'call') return undefined
    if (kind === 'session') return channel.sessionId
    const key: unknown = kind(callerOf(channel))
    if (typeof key === 'string') return key
    throw new TypeError('The function in "instances" must return a text, the key of the instance.')
  }

  #keptFor(key: string, channel: ClientChannel): Promise<OfficialInstance> | OfficialInstance {
    const kept = this.#kept.get(key) ?? this.#make(channel)
    kept.used = this.#clock.now()
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    kept.instance.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key)
    })
    this.#trim()
    return kept.now ?? kept.instance
  }

  #make(channel: ClientChannel): Kept {
    const kept: Kept = { instance: this.#parts.make(channel), now: undefined, used: 0 }
    kept.instance.then(
      (instance) => {
        kept.now = instance
      },
      () => {},
    )
    this.#timer ??= this.#clock.every(LOOK, () => this.#closeIdle())
    return kept
  }

  /** Closes instances, the least recently used first. An instance with a running call stays. */
  #trim(): void {
    if (this.#kept.size <= this.#most) return
    for (const [key, kept] of this.#kept) {
      if (this.#kept.size <= this.#most) return
      this.#closeUnused(key, kept)
    }
  }

  #closeIdle(): void {
    const before = this.#clock.now() - IDLE
    for (const [key, kept] of this.#kept) if (kept.used < before) this.#closeUnused(key, kept)
    if (this.#kept.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #closeUnused(key: string, { now }: Kept): void {
    if (!now?.idle) return
    this.#kept.delete(key)
    void now.close()
  }
}
