/** Counts for limits. All are called in the background: a repeat that counts twice does little harm. */

export interface LimitStore {
  /** Adds `n` to a count that is forgotten `lifetime` ms after the last addition; returns the count. */
  count(id: string, n: number, lifetime: number): Promise<number>
  /**
   * Counts the bytes (0: none) that a session keeps for its client, for `lifetime` ms, in place of those that were counted for
   * it before; returns the bytes of all sessions of the client.
   */
  weigh(id: string, member: string, bytes: number, lifetime: number): Promise<number>
  /**
   * Counts a member for `lifetime` ms, or removes it (0), and returns how many members there are. The member '' changes
   * nothing.
   */
  occupy(id: string, member: string, lifetime: number): Promise<number>
}
