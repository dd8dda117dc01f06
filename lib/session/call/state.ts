/**
 * Where a call stands, as data: one union of states, one table of what changes them, one pure function that reads it.
 * `Call` carries the effects out. States and steps of the table are constants: a short call allocates nothing for its state.
 */

import type { CallOutcome } from '../../base/events.ts'

/** Whether the store has the call: not yet, or a request that registers it is under way, or yes. */
type Stored = 'no' | 'asked' | 'yes'

/**
 * Why a call is over. answered: its response is JSON. sent: its response was the last message of a stream. cancelled: by its
 * client, and there is no response. full: the session has as many calls as it may, and the handler was not called.
 * released: this instance shuts down, and others may go on. lost: another instance has taken the call over. gone: the
 * session has ended. unreachable: the store did not answer for as long as a call waits for it. suspended: the call waits for its
 * client, and a later run goes on with the answer.
 */
const OUTCOMES = [
  'answered',
  'sent',
  'cancelled',
  'full',
  'released',
  'lost',
  'gone',
  'unreachable',
  'suspended',
] as const
type Outcome = (typeof OUTCOMES)[number]

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
  /**
   * The store is asked whether the run may end while its client is asked. What it sends is held back. `answered`: the response is
   * there, and is dropped where the run ends: the later run has its own.
   */
  | { readonly at: 'suspending'; readonly answered: boolean }
  /** The store is asked to end a call that has sent nothing. Its response is JSON. */
  | { readonly at: 'ending' }
  | { readonly at: 'over'; readonly outcome: Outcome }

/** started: the handler returned a promise. responded: its result or its error is there. */
type HandlerEvent = 'started' | 'responded'
/**
 * registrationDue: the store should have the call, which runs long or whose stream is quiet. responseLogged: the log has
 * the last message. endedCancelled: the store has ended the call, and a cancel came before.
 */
type StoreEvent =
  | 'registrationDue'
  | 'registered'
  | 'registrationFailed'
  | 'responseLogged'
  | 'ended'
  | 'endedCancelled'
/**
 * Of durable calls. suspending: the store is asked. resumed: it has an answer, so that the run goes on. suspended: nobody runs the
 * call from now on.
 */
type SuspensionEvent = 'suspending' | 'resumed' | 'suspended'
/** streamOpened: the response of the POST becomes a stream. released: this instance
 * hands the call over to others, once the store has it. */
type CarrierEvent = 'streamOpened' | 'released'
/** How the store, or another instance, ends a call that cannot go on. The words are those of {@link Outcome}. */
export type Ending = 'cancelled' | 'lost' | 'gone' | 'unreachable'

/** full: the session has as many calls as it may. Only a call that has not begun gets this event. */
export type CallEvent = 'full' | HandlerEvent | StoreEvent | SuspensionEvent | CarrierEvent | Ending

/**
 * Count the call among those that its caller has running here; as a registered one, on all instances; no longer. Its place
 * here lasts until its handler has settled too.
 */
type CountEffect = 'count' | 'countRegistered' | 'uncount'
/** Ask the store to register the call: now, in a while, or unless a message of this turn registers it. */
type RegisterEffect = 'register' | 'registerLater' | 'registerIfQuiet'
/**
 * confirm: the store has the call, so that the instance need not find it in its own table, and the response may begin.
 * openOutbox: make the queue in front of the log. sendResponse: queue the response as the last message. hold: nothing leaves that
 * queue. unhold: it goes on.
 */
type SendEffect = 'confirm' | 'openOutbox' | 'sendResponse' | 'hold' | 'unhold'
/**
 * End the call at the store: where it has sent nothing (endAtStore), where it was cancelled, so that its stream closes
 * then (endCancelled), in the background where the store may have it (endLater). release: hand it over to other instances.
 */
type StoreEffect = 'endAtStore' | 'endCancelled' | 'endLater' | 'release'
/**
 * settle: the run is over in this process, so that timers stop, asks are forgotten, and the response is handed over.
 * stop: drop what is queued, and abort the handler. reportSessionGone: the POST is refused.
 */
type EndEffect = 'settle' | 'stop' | 'reportSessionGone'
/** How a stream gets the end: it closes, gets the error, or reads the log. */
type StreamEffect = 'closeStream' | 'failStream' | 'readStream'

export type Effect = CountEffect | RegisterEffect | SendEffect | StoreEffect | EndEffect | StreamEffect

interface Step {
  readonly state: CallState
  readonly effects: readonly Effect[]
}

/** The steps of the events in one state. An event without an entry changes nothing. */
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
const SUSPENDING: CallState = { at: 'suspending', answered: false }
const SUSPENDING_ANSWERED: CallState = { at: 'suspending', answered: true }
const ENDING: CallState = { at: 'ending' }
const OVER = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, { at: 'over', outcome }])) as Record<
  Outcome,
  CallState
>

/** The events that end a running call from outside. */
const INTERRUPTED: Row = {
  cancelled: over('cancelled', 'uncount', 'settle', 'stop', 'endCancelled'),
  lost: over('lost', 'uncount', 'settle', 'stop', 'readStream'),
  gone: over('gone', 'reportSessionGone', 'uncount', 'settle', 'stop', 'closeStream'),
  unreachable: over('unreachable', 'uncount', 'settle', 'stop', 'failStream'),
}

const ROWS = new Map<CallState, Row>()
ROWS.set(READY, {
  started: step(LOCAL, 'count'),
  streamOpened: step(STREAMING.no, 'count', 'openOutbox', 'registerIfQuiet'),
  responded: over('answered', 'settle'),
  full: over('full', 'settle'),
  cancelled: over('cancelled', 'settle', 'stop', 'closeStream'),
})
ROWS.set(CLAIMED, {
  started: step(REGISTERED, 'count'),
  streamOpened: step(STREAMING.yes, 'count', 'openOutbox'),
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
  registrationFailed: step(ENDING, 'endAtStore'),
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
})
ROWS.set(STREAMING.asked, {
  ...INTERRUPTED,
  registered: step(STREAMING.yes, 'countRegistered', 'confirm'),
  registrationFailed: step(STREAMING.no, 'registerLater'),
  responded: step(FINISHING.asked, 'sendResponse'),
})
ROWS.set(STREAMING.yes, {
  ...INTERRUPTED,
  responded: step(FINISHING.yes, 'sendResponse'),
  released: over('released', 'uncount', 'settle', 'stop', 'release'),
  suspending: step(SUSPENDING, 'hold'),
})
const suspended = over('suspended', 'uncount', 'settle', 'stop')
ROWS.set(SUSPENDING, {
  ...INTERRUPTED,
  responded: step(SUSPENDING_ANSWERED),
  resumed: step(STREAMING.yes, 'unhold'),
  suspended,
})
ROWS.set(SUSPENDING_ANSWERED, {
  ...INTERRUPTED,
  resumed: step(FINISHING.yes, 'unhold', 'sendResponse'),
  suspended,
})
ROWS.set(ENDING, {
  ended: over('answered', 'uncount', 'settle'),
  endedCancelled: over('cancelled', 'uncount', 'settle'),
  cancelled: over('cancelled', 'uncount', 'settle', 'stop'),
  gone: over('gone', 'reportSessionGone', 'uncount', 'settle', 'stop', 'closeStream'),
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

/** The step of an event in a state. An event that changes nothing gives the same state and no effects. */
export function next(state: CallState, event: CallEvent): Step {
  return ROWS.get(state)?.[event] ?? step(state)
}

/** The store has the call, as far as this process has heard. */
export function isStored(state: CallState): boolean {
  if (state.at === 'streaming' || state.at === 'finishing') return state.stored === 'yes'
  const { at } = state
  return at === 'claimed' || at === 'registered' || at === 'suspending' || at === 'ending'
}

/** The call can still send messages. */
export function canSend(state: CallState): boolean {
  if (state.at === 'registering' || state.at === 'suspending') return !state.answered
  return state.at !== 'ending' && state.at !== 'over'
}

const WITH_JSON: readonly Outcome[] = ['answered', 'full', 'lost', 'unreachable']

/** The call is over, and its response is to be sent as JSON. */
export function hasJsonResponse(state: CallState): boolean {
  return state.at === 'over' && WITH_JSON.includes(state.outcome)
}

const REPORTED: Readonly<Partial<Record<Outcome, CallOutcome>>> = {
  cancelled: 'cancelled',
  full: 'refused',
  released: 'released',
  lost: 'lost',
  gone: 'session_gone',
  unreachable: 'store_away',
  suspended: 'suspended',
}

/** The outcome of a call that is over, for its event. Undefined: its handler says it. */
export function outcomeOf(state: CallState): CallOutcome | undefined {
  return state.at === 'over' ? REPORTED[state.outcome] : undefined
}
