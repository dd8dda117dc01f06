/**
 * A few instances in one process, whose steps come in an order that a test chooses: each operation of the store begins and replies
 * when it is its turn. Instances die, stand still for a while, shut down, and lose replies.
 */
// Modules that are loaded when they are used are there at once: a turn does not wait for files.
import '../../../lib/runtime/lost-calls.ts'
import '../../../lib/server/context/asking.ts'
import '../../../lib/server/schema/validator/validator.ts'
import '../../../lib/session/call/abandon.ts'
import '../../../lib/session/call/asks.ts'
import '../../../lib/session/call/completion.ts'
import '../../../lib/session/call/durable-run.ts'
import '../../../lib/session/call/heartbeat.ts'
import '../../../lib/session/call/orphans.ts'
import '../../../lib/session/call/waiting-tools.ts'
import '../../../lib/session/from-client.ts'
import '../../../lib/session/poll.ts'
import '../../../lib/session/resume.ts'
import '../../../lib/session/takeover.ts'
import '../../../lib/session/wake.ts'
import '../../../lib/store/redis/durable.ts'
import '../../../lib/store/redis/more.ts'
import { createEndpoint, type Endpoint } from '../../../lib/endpoint.ts'
import type { McpServer } from '../../../lib/server/mcp-server.ts'
import type { Receiver } from '../../../lib/store/bus.ts'
import { type Store, StoreUnavailable } from '../../../lib/store/store.ts'
import { ManualClock } from '../../support/manual-clock.ts'

export const LEASE = 10_000
export const SUSPEND_AFTER = 5_000

/** Operations that a random order delays. The others are there at once, while their instance lives and does not stand still. */
const DELAYED: ReadonlySet<keyof Store> = new Set([
  ...(['append', 'keep', 'suspend', 'poll', 'answer', 'claim', 'cancel', 'closeAsk'] as const),
  ...(['endCall', 'lookCall', 'releaseCall', 'register', 'take', 'look', 'release'] as const),
])
const AT_ONCE: ReadonlySet<keyof Store> = new Set(['nearlyFull', 'wake', 'close', 'settled'])

/** repeat: the reply is lost, and the client library sends the operation again. lost: it is lost, and there is no other. */
export type Fault = 'repeat' | 'not done' | 'lost'

interface Waiting {
  node: Node
  go: () => void
}

class SimulatedClock extends ManualClock {
  readonly #settle: () => Promise<void>

  constructor(settle: () => Promise<void>) {
    super()
    this.#settle = settle
  }

  protected override settle(): Promise<void> {
    return this.#settle()
  }
}

export class World {
  readonly clock: ManualClock = new SimulatedClock(() => this.quiet())
  readonly nodes: Node[] = []
  readonly signs = new Map<string, { sign: string; until: number }>()
  /** Every step is taken at once, in the order in which they come. */
  auto = true
  #waiting: Waiting[] = []
  #underWay = 0

  start(store: Store, serve: (node: Node) => McpServer): Node {
    const node = new Node(this, store, serve)
    this.nodes.push(node)
    return node
  }

  /** Resolves when it is the turn of this step of an instance: never, where that is dead. */
  turn(node: Node): Promise<void> {
    if (this.auto && node.moves) return Promise.resolve()
    return new Promise((go) => this.#waiting.push({ node, go }))
  }

  /** Takes one of the steps that can be next. */
  step(choice: number): void {
    const next = this.#waiting.filter(({ node }) => node.moves)
    const chosen = next[choice % Math.max(1, next.length)]
    if (!chosen) return
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1)
    chosen.go()
  }

  /** Takes every step that waits for its turn, of one instance or of all. */
  release(of?: Node): void {
    const isNext = ({ node }: Waiting) => node.moves && (of === undefined || node === of)
    const next = this.#waiting.filter(isNext)
    this.#waiting = this.#waiting.filter((one) => !isNext(one))
    for (const { go } of next) go()
  }

  async counted<T>(work: Promise<T>): Promise<T> {
    this.#underWay++
    try {
      return await work
    } finally {
      this.#underWay--
    }
  }

  /** Resolves when all has happened that needs neither time nor a turn. */
  async quiet(rounds = 3): Promise<void> {
    for (let still = 0; still < rounds; still = this.#underWay > 0 ? 0 : still + 1) {
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
}

export class Node {
  readonly endpoint: Endpoint
  dead = false
  /** The process stands still: it neither sends nor receives. */
  #paused = false
  #resumed: (() => void)[] = []
  /** It is asked to shut down. */
  draining = false
  readonly faults: Fault[] = []
  readonly #world: World
  #sent: Promise<unknown> = Promise.resolve()
  #replied: Promise<unknown> = Promise.resolve()

  constructor(world: World, store: Store, serve: (node: Node) => McpServer) {
    this.#world = world
    this.endpoint = createEndpoint(serve(this), {
      store: this.#linked(store),
      clock: world.clock,
      session: { lease: LEASE, suspendAfter: SUSPEND_AFTER, autoProgress: 0 },
      onError: () => {},
    })
  }

  get moves(): boolean {
    return !this.dead && !this.#paused
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    for (const wake of this.#resumed.splice(0)) wake()
  }

  kill(): void {
    this.dead = true
  }

  drain(): void {
    if (this.draining) return
    this.draining = true
    void this.endpoint.close()
  }

  #linked(store: Store): Store {
    return new Proxy(store, {
      get: (target, name: keyof Store) => {
        const value = target[name]
        if (typeof value !== 'function') return value
        if (name === 'wake' || name === 'close') return () => Promise.resolve()
        const operation = value.bind(target) as (...args: unknown[]) => Promise<unknown>
        if (AT_ONCE.has(name)) return operation
        if (DELAYED.has(name)) return (...args: unknown[]) => this.#delayed(() => operation(...args))
        return (...args: unknown[]) => this.#open(name, operation, args)
      },
    })
  }

  /** As on one connection: operations are done in the order in which they are sent, and so are their replies. */
  #delayed(operation: () => Promise<unknown>): Promise<unknown> {
    const world = this.#world
    const fault = this.faults.shift()
    const done = this.#sent.then(async () => {
      await world.turn(this)
      if (fault === 'not done') return undefined
      const reply = await world.counted(operation())
      if (fault !== 'repeat') return reply
      await world.turn(this)
      return world.counted(operation())
    })
    this.#sent = done.catch(() => {})
    const reply = Promise.all([done, this.#replied]).then(async ([value]) => {
      await world.turn(this)
      if (fault === 'not done' || fault === 'lost') throw new StoreUnavailable('is away')
      return value
    })
    this.#replied = reply.catch(() => {})
    return reply
  }

  async #open(name: keyof Store, operation: (...args: unknown[]) => Promise<unknown>, args: unknown[]) {
    const { clock, signs } = this.#world
    await this.#moving()
    if (name === 'alive') return (args[0] as string[]).map((id) => (signs.get(id)?.until ?? 0) > clock.now())
    if (name === 'receive') args[1] = this.#receiver(args[1] as Receiver)
    if (name === 'down') signs.delete(args[0] as string)
    const before = name === 'up' ? this.#sign(args as [string, number, string]) : undefined
    const reply = await this.#world.counted(operation(...args))
    await this.#moving()
    return name === 'up' ? before : reply
  }

  /** Signs of life last by the clock of the test. */
  #sign([id, ttl, sign]: [string, number, string]): string | undefined {
    const { clock, signs } = this.#world
    const before = signs.get(id)
    signs.set(id, { sign, until: clock.now() + ttl })
    return before && before.until > clock.now() ? before.sign : undefined
  }

  async #moving(): Promise<void> {
    while (!this.moves) await new Promise<void>((resolve) => this.#resumed.push(resolve))
  }

  #receiver(receiver: Receiver): Receiver {
    const through = (deliver: () => void) => void this.#moving().then(deliver)
    return {
      mail: (message) => through(() => receiver.mail(message)),
      change: (entry) => through(() => receiver.change(entry)),
      resumed: () => through(() => receiver.resumed()),
    }
  }
}
