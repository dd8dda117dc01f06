/** Why a store could not do an operation. */

/**
 * away: no answer, or not in time. full: no memory is left. loading: the store reads its data after a start. readonly: a
 * replica, or a store that cannot save. denied: a wrong or missing password, or a command that the user may not run. moved:
 * the data is on another node. outdated: the store does not know a command. closed: this process has closed it.
 */
const TROUBLES = {
  away: 'did not answer',
  full: 'is full',
  loading: 'is loading its data',
  readonly: 'takes no writes',
  denied: 'does not let this server in',
  moved: 'has moved its data',
  outdated: 'is too old for this server',
  closed: 'is closed, since this instance shuts down',
} as const

export type StoreTrouble = keyof typeof TROUBLES

/** The troubles that do not pass in a moment: a call that has messages for the log does not wait long for their end. */
const LASTING: readonly StoreTrouble[] = ['full', 'denied', 'outdated']

/**
 * The store did not do an operation, or did not answer in time. This does not mean that a session is gone: 503, never 404.
 * The message and the cause are for the log: they may have addresses and keys, which clients must not see.
 */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable'
  readonly trouble: StoreTrouble

  constructor(message: string, { trouble = 'away', ...options }: ErrorOptions & { trouble?: StoreTrouble } = {}) {
    super(message, options)
    this.trouble = trouble
  }

  /** What the store does, as the end of a sentence that clients may see: "did not answer". */
  get predicate(): string {
    return TROUBLES[this.trouble]
  }

  get lasting(): boolean {
    return LASTING.includes(this.trouble)
  }
}

/** The store answers, and can never serve this process as both are set up: the operator has to change something. */
export class StoreRefused extends StoreUnavailable {
  override readonly name = 'StoreRefused'

  constructor(message: string, options: ErrorOptions & { trouble?: StoreTrouble } = {}) {
    super(message, { trouble: 'denied', ...options })
  }
}
