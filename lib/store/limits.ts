/** Counts for limits. Both are called in the background: a repeat that counts twice does little harm. */

export interface LimitStore {
  /** Adds `n` to a count that is forgotten `lifetime` ms after the last addition; returns the count. */
  count(id: string, n: number, lifetime: number): Promise<number>
  /**
   * Counts a member for `lifetime` ms, or removes it (0), and returns how many members there are. The member '' changes
   * nothing.
   */
  occupy(id: string, member: string, lifetime: number): Promise<number>
}
