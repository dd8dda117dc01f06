/** The errors that clients get from a server that has a process for each session. */

const LOST =
  'Whether the call had an effect is unknown, and what the process kept in memory is lost. The next request starts a new process.'

/** The error of a request whose process is no more. `why` is a sentence without its end. */
export function lostWith(why: string): string {
  return `${why} before this request was answered. ${LOST}`
}

/** The error of a request whose process did not become ready. */
export function notStarted(why: string): string {
  return `The process of this session did not start: ${why}. The operator finds the reason in the log; the next request tries again.`
}

/** Its holder is gone, and so is its process. */
export const HOLDER_LOST = lostWith('The instance that had the process of this session was lost')
/** The holder shuts down. */
export const HOLDER_LEFT = lostWith('The instance that had the process of this session shut down')
/** Another instance has the process of this session now. */
export const MOVED = lostWith('Another instance has started a process for this session, so the one here ended')

export const LEAVING = 'This instance is shutting down; send the request again.'

export const RESTLESS = 'The process of this session moves from one instance to another; send the request again.'

/** @param most processes of an instance */
export function fullHere(most: number): string {
  return `This instance runs ${most} processes, and each of them has a request. Try again when one has ended, or raise the bound.`
}

/** @param most processes of a principal */
export function fullOfPrincipal(most: number): string {
  return (
    `You have ${most} processes, as many as you may, and none on this instance is without a request. End a session that you no ` +
    'longer need, or try again later.'
  )
}

export const STUCK = 'The process of this session does not read its input. Try again later, or end the session.'

export const TOO_LONG =
  'The process of this session answered with a line that is longer than it may be. Ask for less, such as one page of it.'

/** The process of the session is not at this instance: the request did not begin, and goes to the one that has it. */
export class Elsewhere extends Error {
  override readonly name = 'Elsewhere'
}
