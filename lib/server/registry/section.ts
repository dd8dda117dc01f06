/** The registrations of one kind, and the entries that are made of them once the server is served. */

/** A registration, whose entry can be made. */
export interface Slot<Entry> {
  /** The name or address by which requests find the entry. */
  readonly key: string
  /** The entry in errors, such as `A tool "a"`. */
  readonly what: string
  /** @throws TypeError for a schema or an option that cannot be used */
  make(): Entry
}

export class Section<Entry> {
  /** Entries by key, in the order of registration. It is empty until {@link compile}. */
  readonly entries = new Map<string, Entry>()
  #waiting: Map<string, () => Entry> | undefined = new Map()

  has(key: string): boolean {
    return (this.#waiting ?? this.entries).has(key)
  }

  /**
   * Adds an entry, in the place of the one of `former` where the key is the same, else at the end. A registration whose
   * entry cannot be made changes nothing.
   *
   * @throws TypeError as `make` does, once the section is compiled
   */
  set(key: string, make: () => Entry, former: string | undefined): void {
    const entry = this.#waiting ?? { made: make() }
    if (former !== undefined && former !== key) this.delete(former)
    if ('made' in entry) this.entries.set(key, entry.made)
    else entry.set(key, make)
  }

  delete(key: string): void {
    ;(this.#waiting ?? this.entries).delete(key)
  }

  /** Makes the entries; from then on each registration makes its own at once. */
  compile(): void {
    for (const [key, make] of this.#waiting ?? []) this.entries.set(key, make())
    this.#waiting = undefined
  }
}
