/** Bytes that clients make this process hold: a bound for all of them together, and a share of it for each. */

/** A client may take this part of a budget. */
const SHARE = 1 / 4

export class ByteBudget {
  readonly max: number
  readonly #share: number
  readonly #clients = new Map<string, number>()
  #used = 0

  /** @param max bytes of all clients together */
  constructor(max: number) {
    this.max = max
    this.#share = max * SHARE
  }

  /** Bytes that are taken. */
  get used(): number {
    return this.#used
  }

  /** Clients that have taken some. */
  get clients(): number {
    return this.#clients.size
  }

  /**
   * Takes bytes for a client, or returns false and takes none. `own`: bytes that the same request has taken before. A
   * request that is the only one of its client may be larger than the share, and the only one of all may be larger than
   * the budget: otherwise a small budget would refuse it for ever.
   *
   * @param client the name under which limits count it; undefined: it has none, and no share
   */
  take(client: string | undefined, bytes: number, own = 0): boolean {
    const others = this.#used - own
    if (others > 0 && this.#used + bytes > this.max) return false
    const before = client === undefined ? 0 : (this.#clients.get(client) ?? 0)
    if (before > own && before + bytes > this.#share) return false
    this.add(client, bytes)
    return true
  }

  /** Takes bytes that cannot be refused any more. */
  add(client: string | undefined, bytes: number): void {
    this.#used += bytes
    if (client !== undefined) this.#clients.set(client, (this.#clients.get(client) ?? 0) + bytes)
  }

  /** Gives back what was taken. */
  give(client: string | undefined, bytes: number): void {
    this.#used -= bytes
    if (client === undefined) return
    const left = (this.#clients.get(client) ?? 0) - bytes
    if (left > 0) this.#clients.set(client, left)
    else this.#clients.delete(client)
  }
}

/**
 * What one request has taken from a budget. The request has several users: HTTP, until there is a reply, and each call that goes
 * on afterwards. The bytes are given back when the last of them is done.
 */
export class HeldBytes {
  readonly #budget: ByteBudget
  readonly #client: string | undefined
  #bytes = 0
  #users = 1

  constructor(budget: ByteBudget, client: string | undefined) {
    this.#budget = budget
    this.#client = client
  }

  /** Takes more bytes, unless every user is done. False: the budget does not have them. */
  grow(bytes: number): boolean {
    if (this.#users <= 0) return true
    if (!this.#budget.take(this.#client, bytes, this.#bytes)) return false
    this.#bytes += bytes
    return true
  }

  /** Takes bytes that cannot be refused any more, or (negative) gives some back. */
  change(bytes: number): void {
    if (this.#users <= 0) return
    this.#budget.add(this.#client, bytes)
    this.#bytes += bytes
  }

  retain(): void {
    this.#users++
  }

  /** One user is done. */
  release(): void {
    if (--this.#users > 0) return
    this.#budget.give(this.#client, this.#bytes)
    this.#bytes = 0
  }
}
