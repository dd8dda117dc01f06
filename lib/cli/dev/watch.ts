/** Watches the files of a bundle. Editors replace files, so their folders are watched. */
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemClock, type Timer } from '../../base/clock.ts'

/** Changes within this time are one, in ms: an editor writes a file in several steps. */
const TOGETHER = 30

/** What may be the missing part of a bundle that could not be built. */
const SOURCE = /\.(?:[cm]?[jt]sx?|json|node)$|^[^.]+$/

export class Watcher {
  readonly #folders = new Map<string, FSWatcher>()
  /** Folders that are not there: the one above them is watched. */
  readonly #missing = new Map<string, FSWatcher>()
  #files: ReadonlySet<string> = new Set()
  #also: ReadonlySet<string> = new Set()
  #timer: Timer | undefined
  readonly #changed: () => void
  readonly #onError: (error: Error) => void

  /** @param changed called some milliseconds after a change */
  constructor(changed: () => void, onError: (error: Error) => void) {
    this.#changed = changed
    this.#onError = onError
  }

  /**
   * Watches these files, and no others any more.
   *
   * @param files absolute paths
   * @param also folders in which any source file counts: one of them may lack what the bundle needs
   * @returns whether there is a folder that was not watched before: its files may have changed meanwhile
   */
  watch(files: Iterable<string>, also: Iterable<string> = []): boolean {
    this.#files = new Set(files)
    this.#also = new Set(also)
    const wanted = new Set([...[...this.#files].map((file) => dirname(file)), ...this.#also])
    for (const folder of this.#folders.keys()) if (!wanted.has(folder)) this.#close(this.#folders, folder)
    for (const folder of this.#missing.keys()) this.#close(this.#missing, folder)
    const before = this.#folders.size
    for (const folder of wanted) if (!this.#folders.has(folder)) this.#open(folder)
    return this.#folders.size > before
  }

  close(): void {
    this.#timer?.cancel()
    for (const watchers of [this.#folders, this.#missing])
      for (const folder of watchers.keys()) this.#close(watchers, folder)
  }

  #open(folder: string): void {
    let at = folder
    while (!existsSync(at) && at !== dirname(at)) at = dirname(at)
    const watchers = at === folder ? this.#folders : this.#missing
    try {
      const watcher = watch(at, (_event, name) => (at === folder ? this.#seen(folder, name) : this.#soon()))
      watcher.on('error', () => this.#close(watchers, folder))
      watchers.set(folder, watcher)
    } catch (error) {
      this.#onError(error as Error)
    }
  }

  #close(watchers: Map<string, FSWatcher>, folder: string): void {
    watchers.get(folder)?.close()
    watchers.delete(folder)
  }

  #seen(folder: string, name: string | null): void {
    // Nothing more comes of a folder that was removed, even where it comes back.
    if (!existsSync(folder)) {
      this.#close(this.#folders, folder)
      return this.#soon()
    }
    const counts =
      name === null || this.#files.has(join(folder, name)) || (this.#also.has(folder) && SOURCE.test(basename(name)))
    if (counts) this.#soon()
  }

  #soon(): void {
    this.#timer?.cancel()
    this.#timer = systemClock.after(TOGETHER, this.#changed)
  }
}
