/** Watches the files of a bundle. Editors replace files, so their folders are watched. */
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemClock, type Timer } from '../../base/clock.ts'

/** Changes within this time are one, in ms: an editor writes a file in several steps. */
const TOGETHER = 30

/** What may be the missing part of a bundle that could not be built. */
const SOURCE = /\.(?:[cm]?[jt]sx?|json|node)$|^[^.]+$/

export class Watcher {
  readonly #folders = new Map<string, FSWatcher>()
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
    for (const [folder, watcher] of this.#folders) {
      if (wanted.has(folder)) continue
      watcher.close()
      this.#folders.delete(folder)
    }
    const added = [...wanted].filter((folder) => !this.#folders.has(folder))
    for (const folder of added) this.#open(folder)
    return added.length > 0
  }

  close(): void {
    this.#timer?.cancel()
    for (const watcher of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  #open(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => this.#seen(folder, name))
      watcher.on('error', () => {
        watcher.close()
        this.#folders.delete(folder)
      })
      this.#folders.set(folder, watcher)
    } catch (error) {
      this.#onError(error as Error)
    }
  }

  #seen(folder: string, name: string | null): void {
    const counts =
      name === null || this.#files.has(join(folder, name)) || (this.#also.has(folder) && SOURCE.test(basename(name)))
    if (!counts) return
    this.#timer?.cancel()
    this.#timer = systemClock.after(TOGETHER, this.#changed)
  }
}
