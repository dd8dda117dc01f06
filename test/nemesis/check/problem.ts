export interface Problem {
  /** The property that does not hold. */
  property: string
  text: string
  /** The call or the session. */
  call?: string
  session?: string
  at?: number
}
