/** What the page shows and does beyond what its visitor may do with any client of MCP. */

/** An instance, as `dev` numbers them. */
export interface ShownInstance {
  /** `1`, `2` and so on: another process may have the name later. */
  name: string
  /** Whether it takes requests. */
  isReady: boolean
}

/** The processes of `dev`, which the page may end. */
export interface PageFleet {
  /** Whoever ends an instance has to send it. `dev` prints it. Undefined: nobody can, yet. */
  readonly token: string | undefined
  instances(): readonly ShownInstance[]
  /** Ends the instance of this name, as `kill -9` does. */
  kill(name: string): void
}

export interface PageOptions {
  /** What the page calls this instance. Default: its id. */
  instance?: string | undefined
  /** Only in `dev`. */
  fleet?: PageFleet | undefined
}
