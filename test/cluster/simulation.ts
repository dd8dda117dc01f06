/**
 * Several instances in one process, with a clock that stands still and links to the store that can break: what the
 * property test plays with. The instances are the real thing; only time, death and the links are made.
 */
import type { Clock, Timer } from '../../lib/base/clock.ts'
import type { Endpoint } from '../../lib/endpoint.ts'
import { createEndpoint } from '../../lib/endpoint.ts'
import type { McpServer } from '../../lib/server/mcp-server.ts'
import type { SessionOptions } from '../../lib/settings.ts'
import type { Receiver, Store } from '../../lib/store/store.ts'

/** A clock that moves when it is told to. */
export class ManualClock implements Clock {
  #now = 1_800_000_000_000
  #timers = new Set<{ at: number; every: number | undefined; fn: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): Timer {
    return this.#add(ms, undefined, fn)
  }

  every(ms: number, fn: () => void): Timer {
    return this.#add(ms, ms, fn)
  }

  #add(ms: number, every: number | undefined, fn: () => void): Timer {
    const timer = { at: this.#now + ms, every, fn }
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }

  /** Lets `ms` pass; what is due runs in its order, and what it starts gets to run in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#now = Math.max(this.#now, due.at)
      if (due.every === undefined) this.#timers.delete(due)
      else due.at += due.every
      due.fn()
      await turn()
    }
    this.#now = end
    await turn()
  }
}

/** Operations that a store is busy with. */
let inFlight = 0

/** Lets everything that can go on without time go on: until no store is busy, and for some turns of the loop. */
export async function turn(rounds = 3): Promise<void> {
  for (let quiet = 0; quiet < rounds; quiet = inFlight > 0 ? 0 : quiet + 1) {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

async function counted<T>(work: Promise<T>): Promise<T> {
  inFlight++
  try {
    return await work
  } finally {
    inFlight--
  }
}

/** What happens to one instance's operations on the store. */
export class Link {
  dead = false
  #paused = false
  #waiting: (() => void)[] = []
  /** The reply of so many next operations is lost: they are sent again, as a client library does. */
  repeats = 0
  /** So many next mails are lost, or come late: when the link is resumed. */
  lostMail = 0
  lateMail = 0
  #late: (() => void)[] = []

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    for (const wake of this.#waiting.splice(0)) wake()
    for (const deliver of this.#late.splice(0)) deliver()
  }

  get paused(): boolean {
    return this.#paused
  }

  async #gate(): Promise<void> {
    while (this.#paused && !this.dead) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    // A dead process never hears anything again.
    if (this.dead) await new Promise<never>(() => {})
  }

  wrap(store: Store, links: Map<string, Link>): Store {
    return new Proxy(store, {
      get: (target, name: keyof Store) => {
        const value = target[name]
        if (typeof value !== 'function') return value
        if (name === 'wake' || name === 'close') return () => Promise.resolve()
        const operation = value.bind(target) as (...args: unknown[]) => Promise<unknown>
        return async (...args: unknown[]) => {
          await this.#gate()
          if (name === 'send' && this.lostMail > 0) {
            this.lostMail--
            return
          }
          if (name === 'send' && this.lateMail > 0) {
            this.lateMail--
            this.#late.push(() => void operation(...args))
            return
          }
          // Whether an instance lives is the play's to say, not the real clock's.
          if (name === 'alive') {
            const instances = args[0] as string[]
            return instances.map((id) => links.get(id)?.dead !== true && links.get(id)?.paused !== true)
          }
          if (name === 'receive') args[1] = this.#receiver(args[1] as Receiver)
          let result = await counted(operation(...args))
          if (this.repeats > 0 && name !== 'receive' && name !== 'publish' && name !== 'send') {
            this.repeats--
            await this.#gate()
            result = await counted(operation(...args))
          }
          await this.#gate()
          return result
        }
      },
    })
  }

  #receiver(receiver: Receiver): Receiver {
    const through = (deliver: () => void) => void this.#gate().then(deliver)
    return {
      mail: (message) => through(() => receiver.mail(message)),
      change: (entry) => through(() => receiver.change(entry)),
      resumed: () => through(() => receiver.resumed()),
    }
  }
}

export interface SimulatedInstance {
  endpoint: Endpoint
  link: Link
}

export interface Simulation {
  clock: ManualClock
  instances: SimulatedInstance[]
  request(
    instance: number,
    init: { method: string; headers?: Record<string, string>; body?: string },
  ): Promise<Response>
}

export function startSimulation(
  server: McpServer,
  store: Store,
  session: Partial<SessionOptions>,
  size = 3,
): Simulation {
  const clock = new ManualClock()
  const links = new Map<string, Link>()
  const instances = Array.from({ length: size }, () => {
    const link = new Link()
    const endpoint = createEndpoint(server, {
      store: link.wrap(store, links),
      clock,
      session,
      onError: (error) => {
        if (!(error instanceof DOMException)) throw error
      },
    })
    links.set(endpoint.instanceId, link)
    return { endpoint, link }
  })
  return {
    clock,
    instances,
    request: async (index, init) => {
      const instance = instances[index]
      if (!instance) throw new RangeError(`There is no instance ${index}.`)
      return instance.endpoint.fetch(new Request('http://localhost/mcp', init))
    },
  }
}
