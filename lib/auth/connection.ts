/**
 * For requests to the authorization server. They are minutes apart, and a connection that is kept for so long may be dead
 * without knowing it, above all where the process sleeps in between (a Lambda environment): each gets its own.
 */
export const OWN_CONNECTION = { connection: 'close' }
