/**
 * Several instances in one process, with a manual clock and links to the store that can break, for the property tests.
 * The instances are real endpoints; time, death and the links are simulated.
 */
// Modules that the endpoint loads when they are used are there at once: turns of the simulation do not wait for files.
import '../../lib/server/methods/more.ts'
import '../../lib/session/resume.ts'
import '../../lib/session/takeover.ts'
import '../../lib/stateless/listen.ts'
import '../../lib/stateless/open.ts'
import '../../lib/store/redis/more.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import type { McpServer } from '../../lib/server/mcp-server.ts'
import type { SessionOptions } from '../../lib/settings.ts'
import type { Receiver, Store } from '../../lib/store/store.ts'
import { ManualClock as SupportClock } from '../support/manual-clock.ts'

/** A manual clock that runs, after each timer, all work that needs no time. */
export class ManualClock extends SupportClock {
  protected override settle(): Promise<void> {
    return turn()
  }
}

/** Operations in flight at a store. */
let inFlight = 0

/**
 * Runs all work that needs no time: waits until no operation is in flight, and for `rounds` turns of the event loop.
 */
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

/** The link of one instance to the store, with its faults. */
export class Link {
  dead = false
  #paused = false
  #waiting: (() => void)[] = []
  /** The number of next operations whose reply is lost. They are sent again, as a client library does. */
  repeats = 0
  /** The numbers of next mails that are lost, and that are delivered only when the link is resumed. */
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

  async #open(): Promise<void> {
    while (this.#paused && !this.dead) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    // A dead process receives nothing.
    if (this.dead) await new Promise<never>(() => {})
  }

  wrap(store: Store, links: Map<string, Link>): Store {
    return new Proxy(store, {
      get: (target, name: keyof Store) => {
        const value = target[name]
        if (typeof value !== 'function') return value
        if (name === 'nearlyFull' || name === 'serve') return value.bind(target)
        if (name === 'wake' || name === 'close') return () => Promise.resolve()
        const operation = value.bind(target) as (...args: unknown[]) => Promise<unknown>
        return async (...args: unknown[]) => {
          await this.#open()
          if (name === 'send' && this.lostMail > 0) {
            this.lostMail--
            return
          }
          if (name === 'send' && this.lateMail > 0) {
            this.lateMail--
            this.#late.push(() => void operation(...args))
            return
          }
          // The simulation decides which instances are alive. The store would use the real clock.
          if (name === 'alive') {
            const instances = args[0] as string[]
            return instances.map((id) => links.get(id)?.dead !== true && links.get(id)?.paused !== true)
          }
          if (name === 'receive') args[1] = this.#receiver(args[1] as Receiver)
          let result = await counted(operation(...args))
          if (this.repeats > 0 && name !== 'receive' && name !== 'publish' && name !== 'send') {
            this.repeats--
            await this.#open()
            result = await counted(operation(...args))
          }
          await this.#open()
          return result
        }
      },
    })
  }

  #receiver(receiver: Receiver): Receiver {
    const through = (deliver: () => void) => void this.#open().then(deliver)
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
