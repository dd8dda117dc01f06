/** Builds and serves a new version after each change. Changes that come meanwhile are not lost. */
import { Failure } from '../command.ts'
import type { Balancer } from './balancer.ts'
import type { Fleet } from './fleet.ts'
import type { Terminal } from './terminal.ts'
import type { Built, Versions } from './versions.ts'
import { Watcher } from './watch.ts'

const UNCHANGED = 'The files are again those of the version that serves.'

interface ReloaderParts {
  versions: Versions
  fleet: Fleet
  balancer: Balancer
  terminal: Terminal
  /** Called once, when the first version serves. */
  started(): void
}

export class Reloader {
  readonly #parts: ReloaderParts
  readonly #watcher: Watcher
  /** A change that no build has seen. forced: also where the bundle is the same. */
  #wanted: 'no' | 'changed' | 'forced' = 'changed'
  #running: Promise<void> | undefined
  #serving: string | undefined
  /** The bundle that was tried last. */
  #tried: string | undefined
  #starting = false
  #ended = false

  constructor(parts: ReloaderParts) {
    this.#parts = parts
    const report = (error: Error) => parts.terminal.warn(`A folder cannot be watched: ${error.message}`)
    this.#watcher = new Watcher(() => this.reload(), report)
  }

  /** Builds, and serves what is new. @param force also where nothing has changed */
  reload(force = false): Promise<void> {
    if (this.#wanted !== 'forced') this.#wanted = force ? 'forced' : 'changed'
    if (this.#starting) {
      // The version that is being started is outdated. It may never be ready: its module may wait for ever.
      this.#tried = undefined
      this.#parts.fleet.abandonStart()
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async end(): Promise<void> {
    this.#ended = true
    this.#watcher.close()
    this.#parts.fleet.abandonStart()
    await this.#running
    await this.#parts.versions.close()
  }

  async #run(): Promise<void> {
    while (this.#wanted !== 'no' && !this.#ended) {
      const forced = this.#wanted === 'forced'
      this.#wanted = 'no'
      const built = await this.#build()
      if (built && !this.#ended) await this.#serve(built, forced)
    }
  }

  async #build(): Promise<Built | undefined> {
    const { versions, terminal } = this.#parts
    try {
      const built = await versions.build()
      // A file may have changed between its reading and the watch on its folder.
      if (this.#watcher.watch(versions.read.files) && this.#wanted === 'no') this.#wanted = 'changed'
      return built
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      this.#tried = undefined
      terminal.warn(`${error.message}${this.#goesOn()}`)
      this.#refuse('The server cannot be built: its terminal has the reason.')
      if (this.#watcher.watch(versions.read.files, versions.read.folders) && this.#wanted === 'no')
        this.#wanted = 'changed'
      return undefined
    }
  }

  async #serve(built: Built, forced: boolean): Promise<void> {
    const { fleet, terminal, started } = this.#parts
    const again = built.digest === this.#tried
    this.#tried = built.digest
    if (!forced && again) return
    if (!forced && built.digest === this.#serving && fleet.serves) return terminal.say(UNCHANGED)
    for (const warning of built.warnings) terminal.warn(warning)
    const first = this.#serving === undefined
    this.#starting = true
    const serves = await fleet.replace(built.version())
    this.#starting = false
    if (serves) {
      this.#serving = built.digest
      if (first) started()
      else terminal.say('The new version serves.')
    } else if (!this.#ended && this.#tried !== undefined) {
      terminal.warn(`The ${first ? '' : 'new '}version does not start.${this.#goesOn()}`)
      this.#refuse('The server does not start: its terminal has the reason.')
    }
  }

  #goesOn(): string {
    if (this.#parts.fleet.serves) return ' The version before serves on.'
    return ' The next change is tried.'
  }

  #refuse(reason: string): void {
    if (!this.#parts.fleet.serves) this.#parts.balancer.refuse(reason)
  }
}
