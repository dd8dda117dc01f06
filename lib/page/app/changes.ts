/** Something that others watch. */
export class Changes<Args extends unknown[] = []> {
  readonly #watchers = new Set<(...args: Args) => void>()

  on(watcher: (...args: Args) => void): void {
    this.#watchers.add(watcher)
  }

  emit(...args: Args): void {
    for (const watcher of this.#watchers) watcher(...args)
  }
}
