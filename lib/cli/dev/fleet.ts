/** The instances of `dev`: a version takes the place of another one without a break, and what crashes is started again. */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import type { Balancer } from './balancer.ts'
import type { Guard } from './guard.ts'
import { InstanceProcess, serving } from './instance-process.ts'
import type { List, Refused, Start } from './messages.ts'
import type { Terminal } from './terminal.ts'

/** A version that crashes so often is not started again until it changes. */
const MAX_CRASHES = 5
/** An instance that served for so long, in ms, does not crash in a loop. */
const CALM = 30_000
/** From the announcement of changed lists to the end of the streams that carry it, in ms. Notifications go in batches. */
const ANNOUNCED = 100

export interface Version {
  /** What its instances run. */
  file: string
  /** Nothing runs it any more. */
  retired(): void
}

interface FleetParts {
  size: number
  /** A folder for sockets. */
  folder: string
  env: NodeJS.ProcessEnv
  ownRedis: boolean
  /** Where the inspector listens; undefined: nowhere. */
  inspect: string | undefined
  /** The token with which the page ends instances. */
  killToken: string
  /** How long calls under way have, in ms, once another version serves. */
  patience: number
  balancer: Balancer
  guard: Guard
  terminal: Terminal
  connect(child: ChildProcess): void
  /** An instance has refused a request. */
  refused(refused: Refused): void
}

export class Fleet {
  readonly #parts: FleetParts
  #instances: InstanceProcess[] = []
  /** Those of versions before, that still have calls. */
  readonly #leaving = new Set<InstanceProcess>()
  #starting: InstanceProcess[] = []
  #version: Version | undefined
  #crashes = 0
  #sockets = 0
  #ended = false

  constructor(parts: FleetParts) {
    this.#parts = parts
  }

  /** Whether a version serves, or will as soon as what crashed is back. */
  get serves(): boolean {
    return this.#version !== undefined && this.#crashes < MAX_CRASHES
  }

  /** The name of the server that serves. */
  get name(): string | undefined {
    return this.#instances[0]?.name
  }

  /**
   * Starts the instances of a version, and moves the requests to them once all are ready.
   *
   * @returns false where they do not start; the version before goes on then
   */
  async replace(version: Version): Promise<boolean> {
    const { balancer, size, inspect } = this.#parts
    const before = this.#instances
    if (before.length === 0) balancer.hold()
    if (inspect !== undefined) await Promise.all(before.map((one) => one.obey({ dev: 'inspect', open: false })))
    const started = await this.#startAll(version, size)
    if (started === undefined) {
      if (inspect !== undefined) await Promise.all(before.map((one) => one.obey({ dev: 'inspect', open: true })))
      version.retired()
      return false
    }
    const [first] = started
    const retired = this.#version
    this.#version = version
    this.#instances = started
    this.#crashes = 0
    for (const [place, instance] of started.entries()) this.#watch(instance, place, version)
    this.#serve()
    if (retired && first) await this.#announce(first, before)
    this.#retire(before, retired)
    return true
  }

  /** Ends instances that are just being started: their version is outdated. */
  abandonStart(): void {
    for (const instance of this.#starting) instance.kill()
  }

  /** Ends the instance of this number as `kill -9` does. Another one is started in its place. */
  kill(number: number): void {
    const instance = this.#instances[number - 1]
    if (instance?.state !== 'ready') return
    instance.wasKilled = true
    instance.kill()
  }

  /** Ends all instances in good order, within `patience` ms. */
  async end(patience: number): Promise<void> {
    this.#ended = true
    this.abandonStart()
    await Promise.all([...this.#instances, ...this.#leaving].map((instance) => instance.drain(patience)))
  }

  /** The first instance shows whether the version can be loaded at all. */
  async #startAll(version: Version, size: number): Promise<InstanceProcess[] | undefined> {
    const first = this.#start(version, 0)
    this.#starting = [first]
    if (!(await first.ready)) {
      await first.ended
      return undefined
    }
    const others = Array.from({ length: size - 1 }, (_, i) => this.#start(version, i + 1))
    this.#starting = [first, ...others]
    const all = this.#starting
    const ready = await Promise.all(all.map((instance) => instance.ready))
    this.#starting = []
    if (ready.every(Boolean) && !this.#ended) return all
    for (const instance of all) instance.kill()
    return undefined
  }

  #start({ file }: Version, place: number): InstanceProcess {
    const { folder, ownRedis, inspect, env, guard, terminal, connect, refused } = this.#parts
    const name = `${++this.#sockets}.sock`
    const socket = process.platform === 'win32' ? join('\\\\?\\pipe', folder, name) : join(folder, name)
    const number = place + 1
    const start: Start = { socket, number, ownRedis, inspect }
    const onKill = (other: number) => this.kill(other)
    return new InstanceProcess({ number, file, start, env, guard, terminal, connect, refused, onKill })
  }

  async #announce(instance: InstanceProcess, before: readonly InstanceProcess[]): Promise<void> {
    const lists = new Set<List>([instance, ...before].flatMap((one) => one.lists))
    await instance.obey({ dev: 'announce', lists: [...lists] })
    await new Promise<void>((resolve) => void systemClock.after(ANNOUNCED, resolve))
  }

  /** Ends the instances of a version whose place another one has. */
  #retire(instances: readonly InstanceProcess[], version: Version | undefined): void {
    for (const instance of instances) {
      instance.old = true
      this.#leaving.add(instance)
    }
    const drained = instances.map((instance) =>
      instance.drain(this.#parts.patience).then(() => this.#leaving.delete(instance)),
    )
    Promise.all(drained).then(() => version?.retired())
  }

  /** Starts an instance again where it ends by itself. */
  async #watch(instance: InstanceProcess, place: number, version: Version): Promise<void> {
    const { terminal } = this.#parts
    await instance.left
    if (!this.#isCurrent(version) || instance.old) return
    this.#serve()
    if (!instance.wasKilled) this.#crashes = instance.age > CALM ? 1 : this.#crashes + 1
    const again = this.#crashes < MAX_CRASHES
    const how = instance.wasKilled ? 'was killed on the page' : await endOf(instance)
    if (!this.#isCurrent(version)) return
    terminal.warn(`Instance ${instance.number} ${how}.${again ? ' It is started again.' : ''}`)
    if (!again) return this.#giveUp()
    const next = this.#start(version, place)
    // A leaving instance may still have calls.
    if (instance.state !== 'ended') {
      this.#leaving.add(instance)
      instance.ended.then(() => this.#leaving.delete(instance))
    }
    this.#instances[place] = next
    const ready = next.ready.then(() => {
      if (this.#isCurrent(version)) this.#serve()
    })
    this.#watch(next, place, version)
    await ready
  }

  /** Requests go to the instances that are ready, and all of them get to know which these are. */
  #serve(): void {
    const ready = serving(this.#instances)
    const { balancer, killToken } = this.#parts
    balancer.use(ready)
    const instances = this.#instances.map((one) => ({ name: String(one.number), isReady: ready.includes(one) }))
    for (const instance of ready) instance.send({ dev: 'roll', killToken, instances })
  }

  #giveUp(): void {
    const { balancer, terminal } = this.#parts
    terminal.warn('The server crashes again and again. The next change starts it again, or r and Enter.')
    if (serving(this.#instances).length === 0) balancer.refuse('The server has crashed: its terminal has the reason.')
  }

  #isCurrent(version: Version): boolean {
    return this.#version === version && !this.#ended
  }
}

async function endOf(instance: InstanceProcess): Promise<string> {
  return instance.state === 'leaving' ? 'is ending after an exception' : `has ended (${await instance.ended})`
}
