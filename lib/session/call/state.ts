/**
 * Where a call stands, as data: one union of states, one table of what changes them, one pure function that reads it.
 * `Call` carries the effects out. Every state and step is a constant, so that a call allocates nothing for its state.
 */

/** Whether the store has the call: not yet, or a request that registers it is under way, or yes. */
export type Stored = 'no' | 'asked' | 'yes'

/** Why a call is over. */
export type Outcome =
  /** Its response is JSON. */
  | 'answered'
  /** Its response was the last message of a stream. */
  | 'sent'
  /** The client cancelled it: there is no response. */
  | 'cancelled'
  /** Another call of the session has its request id. */
  | 'taken'
  /** The session has as many calls as it may. */
  | 'full'
  /** This instance shuts down, and another one may go on with the call. */
  | 'released'
  /** Another instance has taken the call over. */
  | 'lost'
  /** The session has ended. */
  | 'gone'
  /** The store did not answer for as long as a call waits for it. */
  | 'unreachable'

export type CallState =
  /** The handler has not returned yet. */
  | { readonly at: 'ready' }
  /** The call was taken over: the store has it, and its handler has not returned yet. */
  | { readonly at: 'claimed' }
  /** Only this process has the call. */
  | { readonly at: 'local' }
  /** As local, but a registration failed, and the store may have done it all the same. */
  | { readonly at: 'unsure' }
  /** The store is asked to register the call. `answered`: the response is there and waits for that. */
  | { readonly at: 'registering'; readonly answered: boolean }
  /** The store has the call, which has sent nothing. */
  | { readonly at: 'registered' }
  /** Messages go through the log to a stream. */
  | { readonly at: 'streaming'; readonly stored: Stored }
  /** The response is queued as the last message of the stream. */
  | { readonly at: 'finishing'; readonly stored: Stored }
  /** The store is asked to end a call that has sent nothing. Its response is JSON. */
  | { readonly at: 'ending' }
  | { readonly at: 'over'; readonly outcome: Outcome }

export type CallEvent =
  /** The handler returned a promise. */
  | 'started'
  /** The store should have the call: it runs long, or its stream is quiet. */
  | 'registrationDue'
  | 'registered'
  | 'registrationFailed'
  /** The response of the POST becomes a stream. */
  | 'streamOpened'
  /** The handler's result or error is there. */
  | 'responded'
  /** The log has the last message. */
  | 'responseLogged'
  /** The store has ended the call. */
  | 'ended'
  /** The store has ended the call, and a cancel came first. */
  | 'endedCancelled'
  | 'cancelled'
  | 'taken'
  | 'full'
  | 'lost'
  | 'sessionEnded'
  | 'unreachable'
  /** This instance shuts down, and the call may run again elsewhere. */
  | 'released'

export type Effect =
  /** Count the call among those that its caller has running, here; and as a registered one, on all instances. */
  | 'count'
  | 'countRegistered'
  | 'uncount'
  /** Ask the store to register the call: now, in a while, or unless a message of this turn registers it. */
  | 'register'
  | 'registerLater'
  | 'registerIfQuiet'
  /** The store has the call: the instance need not find it in its own table, and the response may begin. */
  | 'confirm'
  /** Make the queue in front of the log. */
  | 'openOutbox'
  /** Queue the response as the last message. */
  | 'sendResponse'
  /** Ask the store to end the call that has sent nothing. */
  | 'endAtStore'
  /** Ask the store to end the cancelled call, then close its stream. */
  | 'endCancelled'
  /** Have the store end, in the background, what it may have. */
  | 'endLater'
  /** Let another instance take the call over. */
  | 'release'
  /** The run is over in this process: stop timers, forget asks, hand the response over. */
  | 'settle'
  /** Drop what is queued, and abort the handler. */
  | 'stop'
  /** The session turned out to be gone: the POST is answered so. */
  | 'reportSessionGone'
  /** How a stream learns of the end: it closes, gets the refusal, gets the error, or reads the log. */
  | 'closeStream'
  | 'refuseStream'
  | 'failStream'
  | 'readStream'

export interface Step {
  readonly state: CallState
  readonly effects: readonly Effect[]
}

/** What events do in one state. An event without an entry changes nothing. */
type Row = Readonly<Partial<Record<CallEvent, Step>>>

function step(state: CallState, ...effects: Effect[]): Step {
  return { state, effects }
}

function over(outcome: Outcome, ...effects: Effect[]): Step {
  return { state: OVER[outcome], effects }
}

function ofEach(at: 'streaming' | 'finishing'): Readonly<Record<Stored, CallState>> {
  return { no: { at, stored: 'no' }, asked: { at, stored: 'asked' }, yes: { at, stored: 'yes' } }
}

export const READY: CallState = { at: 'ready' }
export const CLAIMED: CallState = { at: 'claimed' }
const LOCAL: CallState = { at: 'local' }
const UNSURE: CallState = { at: 'unsure' }
const REGISTERING: CallState = { at: 'registering', answered: false }
const ANSWERED: CallState = { at: 'registering', answered: true }
const REGISTERED: CallState = { at: 'registered' }
const STREAMING = ofEach('streaming')
const FINISHING = ofEach('finishing')
const ENDING: CallState = { at: 'ending' }
const OVER: Readonly<Record<Outcome, CallState>> = {
  answered: { at: 'over', outcome: 'answered' },
  sent: { at: 'over', outcome: 'sent' },
  cancelled: { at: 'over', outcome: 'cancelled' },
  taken: { at: 'over', outcome: 'taken' },
  full: { at: 'over', outcome: 'full' },
  released: { at: 'over', outcome: 'released' },
  lost: { at: 'over', outcome: 'lost' },
  gone: { at: 'over', outcome: 'gone' },
  unreachable: { at: 'over', outcome: 'unreachable' },
}

/** What can end a call from outside while it runs. */
const INTERRUPTED: Row = {
  cancelled: over('cancelled', 'uncount', 'settle', 'stop', 'endCancelled'),
  taken: over('taken', 'uncount', 'settle', 'stop', 'refuseStream'),
  full: over('full', 'uncount', 'settle', 'stop', 'refuseStream'),
  lost: over('lost', 'uncount', 'settle', 'stop', 'readStream'),
  sessionEnded: over('gone', 'reportSessionGone', 'uncount', 'settle', 'stop', 'closeStream'),
  unreachable: over('unreachable', 'uncount', 'settle', 'stop', 'failStream'),
}

const ROWS = new Map<CallState, Row>()
ROWS.set(READY, {
  started: step(LOCAL, 'count'),
  streamOpened: step(STREAMING.no, 'count', 'openOutbox', 'registerIfQuiet'),
  responded: over('answered', 'settle'),
  cancelled: over('cancelled', 'settle', 'stop', 'closeStream'),
})
ROWS.set(CLAIMED, {
  started: step(REGISTERED, 'count', 'countRegistered'),
  streamOpened: step(STREAMING.yes, 'count', 'countRegistered', 'openOutbox'),
  cancelled: over('cancelled', 'settle', 'stop', 'endCancelled'),
})
ROWS.set(LOCAL, {
  ...INTERRUPTED,
  registrationDue: step(REGISTERING, 'register'),
  streamOpened: step(STREAMING.no, 'openOutbox', 'registerIfQuiet'),
  responded: over('answered', 'uncount', 'settle'),
  cancelled: over('cancelled', 'uncount', 'settle', 'stop', 'closeStream'),
})
ROWS.set(UNSURE, {
  ...INTERRUPTED,
  registrationDue: step(REGISTERING, 'register'),
  streamOpened: step(STREAMING.no, 'openOutbox', 'registerIfQuiet'),
  responded: over('answered', 'uncount', 'settle', 'endLater'),
})
ROWS.set(REGISTERING, {
  ...INTERRUPTED,
  registered: step(REGISTERED, 'countRegistered', 'confirm'),
  registrationFailed: step(UNSURE, 'registerLater'),
  streamOpened: step(STREAMING.asked, 'openOutbox'),
  responded: step(ANSWERED),
})
ROWS.set(ANSWERED, {
  ...INTERRUPTED,
  registered: step(ENDING, 'countRegistered', 'confirm', 'endAtStore'),
  registrationFailed: over('answered', 'uncount', 'settle', 'endLater'),
  streamOpened: step(FINISHING.asked, 'openOutbox', 'sendResponse'),
})
ROWS.set(REGISTERED, {
  ...INTERRUPTED,
  streamOpened: step(STREAMING.yes, 'openOutbox', 'confirm'),
  responded: step(ENDING, 'endAtStore'),
})
ROWS.set(STREAMING.no, {
  ...INTERRUPTED,
  registrationDue: step(STREAMING.asked, 'register'),
  registered: step(STREAMING.yes, 'countRegistered', 'confirm'),
  responded: step(FINISHING.no, 'sendResponse'),
  released: over('released', 'uncount', 'settle', 'stop', 'release'),
})
ROWS.set(STREAMING.asked, {
  ...INTERRUPTED,
  registered: step(STREAMING.yes, 'countRegistered', 'confirm'),
  registrationFailed: step(STREAMING.no, 'registerLater'),
  responded: step(FINISHING.asked, 'sendResponse'),
  released: over('released', 'uncount', 'settle', 'stop', 'release'),
})
ROWS.set(STREAMING.yes, {
  ...INTERRUPTED,
  responded: step(FINISHING.yes, 'sendResponse'),
  released: over('released', 'uncount', 'settle', 'stop', 'release'),
})
ROWS.set(ENDING, {
  ended: over('answered', 'uncount', 'settle'),
  endedCancelled: over('cancelled', 'uncount', 'settle'),
  cancelled: over('cancelled', 'uncount', 'settle', 'stop'),
  sessionEnded: INTERRUPTED.sessionEnded as Step,
})
for (const stored of ['no', 'asked', 'yes'] as const) {
  const registered = step(FINISHING.yes, 'countRegistered', 'confirm')
  ROWS.set(FINISHING[stored], {
    ...INTERRUPTED,
    ...(stored === 'yes' ? {} : { registered }),
    responseLogged: over('sent', 'uncount', 'settle'),
  })
}
// The reply to a registration may come after the end: what the store names is released then.
for (const state of Object.values(OVER)) ROWS.set(state, { registered: step(state, 'confirm') })

/** What an event does to a call in a state. An event that changes nothing gives the same state and no effects. */
export function next(state: CallState, event: CallEvent): Step {
  return ROWS.get(state)?.[event] ?? step(state)
}

/** The store has the call, as far as this process has heard. */
export function isStored(state: CallState): boolean {
  switch (state.at) {
    case 'claimed':
    case 'registered':
    case 'ending':
      return true
    case 'streaming':
    case 'finishing':
      return state.stored === 'yes'
    default:
      return false
  }
}

/** The call can still send messages. */
export function canSend(state: CallState): boolean {
  return state.at !== 'ending' && state.at !== 'over' && !(state.at === 'registering' && state.answered)
}

/** The call is over, and its response is to be sent as JSON. */
export function hasJsonResponse(state: CallState): boolean {
  if (state.at !== 'over') return false
  switch (state.outcome) {
    case 'sent':
    case 'cancelled':
    case 'released':
    case 'gone':
      return false
    default:
      return true
  }
}
