/** Three places for instances, each with a link for its clients and one for its store, on servers that fail over. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { RedisStoreOptions } from '../../../lib/store/redis/index.ts'
import type { History, Limits } from '../history.ts'
import { monotonicNow, type Timeline, timelineFrom } from '../timeline.ts'
import type { InstanceSettings } from './instance.ts'
import { Link } from './link.ts'
import { RedisPair } from './redis-pair.ts'
import { Replicated } from './replicated.ts'
import type { Arrangement, StoreServers } from './store-servers.ts'

export interface Stats {
  connections: number
  calls: number
  sockets: number
  heap: number
}

export class Place {
  readonly index: number
  /** Clients connect here. */
  readonly front: Link
  /** The instance reaches the store through this. */
  readonly back: Link
  readonly shiftFile: string
  child: ChildProcess | undefined
  generation = 0
  /** The process has started, and lives. */
  ready = false
  /** The load balancer sends requests here. */
  inRotation = false
  /** The end of the process is the work of a fault. */
  expected = false
  stopped = false
  port = 0
  baseline: Stats | undefined

  constructor(index: number, front: Link, back: Link, shiftFile: string) {
    this.index = index
    this.front = front
    this.back = back
    this.shiftFile = shiftFile
  }

  get name(): string {
    return `${this.index}.${this.generation}`
  }

  get lives(): boolean {
    return this.child !== undefined
  }

  async stats(): Promise<Stats> {
    return (await (await fetch(`http://127.0.0.1:${this.port}/__test/stats`)).json()) as Stats
  }

  /** Moves the wall clock of the process, by so many ms in all. */
  shift(ms: number): void {
    writeFileSync(this.shiftFile, String(ms))
    // Before it is ready a process does not know the signal yet.
    if (this.ready) this.child?.kill('SIGUSR2')
  }

  async ended(): Promise<void> {
    const { child } = this
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
}

/** The root of this checkout. */
const OWN = new URL('../../../', import.meta.url)

/** Lines that are kept of a process for its end, and of all processes for the reader of the history. */
const MAX_LINES = 50
const MAX_ERRORS = 5_000

interface FleetOptions {
  limits: Limits
  redis: Arrangement
  /** The checkout whose endpoint runs; default: this one. */
  root?: URL | undefined
}

export class Fleet {
  readonly folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-nemesis-'))
  readonly origin = monotonicNow()
  readonly now: Timeline = timelineFrom(this.origin)
  readonly ledger = join(this.folder, 'ledger')
  readonly places: Place[] = []
  readonly exits: History['exits'] = []
  readonly errors: History['errors'] = []
  readonly servers: StoreServers
  readonly #options: FleetOptions
  #turn = 0

  static async start(options: FleetOptions): Promise<Fleet> {
    let fleet: Fleet | undefined
    const now: Timeline = () => fleet?.now() ?? 0
    fleet = new Fleet(options, await startServers(options.redis, now))
    for (const index of [0, 1, 2]) {
      const [front, back] = await Promise.all([Link.start(0), Link.start(fleet.servers.port ?? 0)])
      const place = new Place(index, front, back, join(fleet.folder, `shift-${index}`))
      writeFileSync(place.shiftFile, '0')
      fleet.places.push(place)
    }
    await Promise.all(fleet.places.map((place) => fleet.launch(place)))
    return fleet
  }

  private constructor(options: FleetOptions, servers: StoreServers) {
    this.#options = options
    this.servers = servers
  }

  /** Round robin over the places that the load balancer takes for healthy. */
  next(): Place | undefined {
    for (let i = 0; i < this.places.length; i++) {
      const place = this.places[this.#turn++ % this.places.length]
      if (place?.inRotation) return place
    }
    return undefined
  }

  /** Starts a process in an empty place. */
  async launch(place: Place): Promise<void> {
    place.generation++
    const settings: InstanceSettings = {
      name: place.name,
      origin: this.origin,
      ledger: this.ledger,
      store: this.#store(place),
      taskLease: this.#options.limits.taskLease,
      endpoint: endpointOptions(this.#options.limits),
    }
    const root = this.#options.root ?? OWN
    const path = (file: string) => new URL(`test/nemesis/processes/${file}`, root).pathname
    const child = spawn(process.execPath, ['--expose-gc', '--import', path('clock-shift.ts'), path('instance.ts')], {
      env: { ...process.env, INSTANCE: JSON.stringify(settings), SHIFT_FILE: place.shiftFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { name } = place
    const errors: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (errors.push(line) > MAX_LINES) errors.shift()
      if (this.errors.length < MAX_ERRORS) this.errors.push({ at: this.now(), process: name, line })
    })
    const die = () => child.kill('SIGKILL')
    process.once('exit', die)
    place.child = child
    place.expected = false
    child.once('exit', (code, signal) => {
      process.removeListener('exit', die)
      if (place.child === child) place.child = undefined
      place.ready = false
      place.inRotation = false
      const fine = place.expected && (signal === 'SIGKILL' || code === 0)
      if (!fine) this.exits.push({ at: this.now(), process: name, how: String(signal ?? code), errors })
    })
    const port = await new Promise<number>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const match = /^listening (\d+)$/.exec(line)
        if (match) resolve(Number(match[1]))
      })
      child.once('exit', () => reject(new Error(`The instance ${name} did not start:\n${errors.join('\n')}`)))
    })
    place.port = port
    place.front.target = port
    place.baseline = await place.stats().catch(() => undefined)
    place.ready = place.lives
    if (place.ready) child.kill('SIGUSR2')
    place.inRotation = place.lives
  }

  /** Leads all stores to the primary of now. */
  followPrimary(): void {
    for (const { back } of this.places) {
      back.target = this.servers.port ?? 0
      back.cut()
    }
  }

  async stop(): Promise<void> {
    for (const place of this.places) {
      place.expected = true
      place.child?.kill('SIGKILL')
      await place.ended()
      await Promise.all([place.front.close(), place.back.close()])
    }
    await this.servers.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #store(place: Place): RedisStoreOptions {
    return {
      ...this.servers.options(place.back.port),
      commandTimeout: this.#options.limits.commandTimeout,
      blockTime: 2_000,
      lifetimes: {
        open: 90_000,
        // Longer than any client stays away.
        ended: 60_000,
        cancelMark: 5_000,
        mailbox: 10_000,
        // A call of HTTP+SSE may be relayed anew as long as clients have patience with it.
        repeat: 120_000,
        endRepeat: 10_000,
        afterDelete: 60_000,
      },
    }
  }
}

function startServers(redis: Arrangement, now: Timeline): Promise<StoreServers> {
  if (redis === 'cluster') return Replicated.cluster(now)
  return redis === 'sentinel' ? Replicated.sentinel(now) : RedisPair.start(now)
}

function endpointOptions(limits: Limits): InstanceSettings['endpoint'] {
  const { lease, heartbeat, registerAfter, drainTimeout, storePatience, askTimeout, suspendAfter } = limits
  const { firstLifetime, idleLifetime } = limits
  return {
    legacySse: true,
    session: {
      lease,
      heartbeat,
      registerAfter,
      drainTimeout,
      storePatience,
      askTimeout,
      suspendAfter,
      firstLifetime,
      idleLifetime,
      retry: 200,
      streamAfter: 1_000,
      autoProgress: 0,
    },
    stateless: { streamAfter: 1_000 },
    http: { principalRate: undefined, addressRate: undefined },
  }
}
