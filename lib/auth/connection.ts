/**
 * Headers of requests to the authorization server: each request opens its own connection. The requests are minutes apart,
 * and a connection that is kept for so long may have been lost, above all where the process sleeps (Lambda).
 */
export const OWN_CONNECTION = { connection: 'close' }

/** How long an authorization server may take to answer, in ms. */
export const PATIENCE = 5_000
