/**
 * The state machine of a call in every order of its events. A model of the handler, the store and the client answers
 * its effects in every possible way, at once or later.
 */
import { expect, test } from 'vitest'
import type { CallEvent, CallState, Effect } from '../../../lib/session/call/state.ts'
import { CLAIMED, canSend, hasJsonResponse, isStored, next, READY } from '../../../lib/session/call/state.ts'

const EVENTS: CallEvent[] = [
  'started',
  'registrationDue',
  'registered',
  'registrationFailed',
  'streamOpened',
  'responded',
  'responseLogged',
  'ended',
  'endedCancelled',
  'cancelled',
  'full',
  'lost',
  'gone',
  'unreachable',
  'released',
  'suspending',
  'resumed',
  'suspended',
]

const nameOf = (state: CallState) =>
  Object.values(state)
    .map((value) => (typeof value === 'boolean' ? (value ? 'answered' : '') : value))
    .filter((value) => value !== '')
    .join('.')

/** A call, and the pending work of its handler, the store and the clock. */
interface World {
  state: CallState
  /** The handler: `running` has not returned, `async` has returned a promise. */
  handler: 'running' | 'async' | 'done'
  registering: boolean
  retryDue: boolean
  quietDue: boolean
  outbox: boolean
  /** The outbox still has to register the call with its first append. */
  appendRegisters: boolean
  finalQueued: boolean
  ending: boolean
  /** The store is asked to suspend the call. */
  suspending: boolean
  /** Nothing leaves the queue in front of the log. */
  held: boolean
  /** The effects so far, in order. */
  done: Effect[]
}

const begin = (state: CallState): World => ({
  state,
  handler: 'running',
  registering: false,
  retryDue: false,
  quietDue: false,
  outbox: false,
  appendRegisters: false,
  finalQueued: false,
  ending: false,
  suspending: false,
  held: false,
  done: [],
})

/** An event, or the reply to an append that also registers the call. */
type Move = CallEvent | 'append registered' | 'append lost'

const eventOf = (move: Move) => move.replace('append ', '') as CallEvent

/** The moves that are possible now. */
function possible(world: World): Move[] {
  const { state, handler } = world
  const events: Move[] = []
  if (handler === 'running') {
    events.push('started')
    // The handler may return at once. A call that was taken over opens its stream first.
    if (state.at !== 'claimed') events.push('responded')
    // A successor whose call was cancelled, and a call that was cancelled before it was taken over.
    if (state.at === 'ready' || state.at === 'claimed') events.push('cancelled')
    if (state.at === 'ready') events.push('full')
  }
  if (handler !== 'done' && !world.outbox && state.at !== 'ending') events.push('streamOpened')
  if (handler === 'async') {
    events.push('responded', 'cancelled')
    if (state.at === 'local') events.push('registrationDue')
  }
  // A call is released when the store has replied to its registration.
  if ((state.at === 'streaming' || state.at === 'finishing') && !world.registering) events.push('released')
  // The call of a handler that waits for its client, and whose messages are all in the log.
  if (state.at === 'streaming' && state.stored === 'yes' && handler === 'async') events.push('suspending')
  if (world.suspending) events.push('resumed', 'suspended')
  if (state.at === 'registering' && !world.outbox) events.push('streamOpened')
  if (world.registering) events.push('registered', 'registrationFailed', 'lost', 'gone')
  if (world.retryDue || world.quietDue) events.push('registrationDue')
  if (world.outbox) {
    // An append that registers waits for the registration that is under way.
    if (world.appendRegisters && !world.registering) events.push('append registered', 'append lost')
    else if (world.finalQueued && !world.held) events.push('responseLogged')
    events.push('lost', 'unreachable', 'gone', 'cancelled')
  }
  if (world.ending) events.push('ended', 'endedCancelled', 'cancelled', 'gone')
  if (isStored(state) && state.at !== 'claimed') events.push('gone', 'cancelled')
  return [...new Set(events)]
}

const REPLIES: readonly Move[] = ['registered', 'registrationFailed', 'lost']

/** The world after an event and after the start of its effects. */
function after(world: World, move: Move): World {
  const event = eventOf(move)
  const { state, effects } = next(world.state, event)
  const now: World = { ...world, state, done: [...world.done, ...effects] }
  if (event === 'started') now.handler = 'async'
  if (event === 'responded') now.handler = 'done'
  if (REPLIES.includes(move)) now.registering = false
  if (move === 'append registered') now.appendRegisters = false
  if (event === 'registrationDue') Object.assign(now, { retryDue: false, quietDue: false })
  if (event === 'responseLogged') now.finalQueued = false
  if (event === 'resumed' || event === 'suspended') now.suspending = false
  if (event === 'ended' || event === 'endedCancelled') now.ending = false
  for (const effect of effects) {
    if (effect === 'register') now.registering = true
    if (effect === 'registerLater') now.retryDue = true
    if (effect === 'registerIfQuiet') now.quietDue = true
    if (effect === 'openOutbox') Object.assign(now, { outbox: true, appendRegisters: !isStored(state) })
    if (effect === 'sendResponse') now.finalQueued = true
    if (effect === 'hold') Object.assign(now, { held: true, suspending: true })
    if (effect === 'unhold') now.held = false
    if (effect === 'endAtStore') now.ending = true
  }
  if (isStored(state)) now.appendRegisters = false
  if (state.at === 'over') {
    // Only the reply to a registration can arrive after a call is over.
    Object.assign(now, { handler: 'done', retryDue: false, quietDue: false, outbox: false, ending: false })
    Object.assign(now, { appendRegisters: false, finalQueued: false, suspending: false, held: false })
  }
  return now
}

/** Every world that can be reached. Worlds are compared by counts of their effects, so that their number is finite. */
function reachable(): World[] {
  const seen = new Map<string, World>()
  const queue = [begin(READY), begin(CLAIMED)]
  for (let world = queue.pop(); world; world = queue.pop()) {
    const { done, state, ...rest } = world
    const key = JSON.stringify([
      nameOf(state),
      rest,
      count(done, 'count'),
      count(done, 'uncount'),
      count(done, 'settle'),
    ])
    if (seen.has(key)) continue
    seen.set(key, world)
    for (const event of possible(world)) queue.push(after(world, event))
  }
  return [...seen.values()]
}

function count(effects: readonly Effect[], wanted: Effect): number {
  return effects.filter((effect) => effect === wanted).length
}

const WORLDS = reachable()
const STATES = [...new Set(WORLDS.map(({ state }) => state))]

test('every state can be reached', () => {
  const outcomes = ['answered', 'sent', 'cancelled', 'full', 'released', 'lost', 'gone', 'unreachable', 'suspended']
  expect(STATES.map(nameOf).sort()).toEqual(
    [
      ...['ready', 'claimed', 'local', 'unsure', 'registering', 'registering.answered', 'registered', 'ending'],
      ...['suspending', 'suspending.answered'],
      ...['streaming.no', 'streaming.asked', 'streaming.yes', 'finishing.no', 'finishing.asked', 'finishing.yes'],
      ...outcomes.map((outcome) => `over.${outcome}`),
    ].sort(),
  )
})

/** The pairs of a state and a possible event that changes nothing, each with the reason. */
const IGNORED: Record<string, string> = {
  'streaming.no released': 'the store does not have the call: it ends with an error',
  'finishing.no released': 'the response is queued',
  'finishing.asked released': 'as before',
  'finishing.yes released': 'as before',
  'streaming.no started': 'the handler sent a message before it returned: the call is counted already',
  'streaming.asked started': 'as before',
  'streaming.yes started': 'as before',
  'streaming.yes registrationDue': 'an append has registered the call',
  'suspending registrationDue': 'as before',
  'suspending.answered registrationDue': 'as before',
  'finishing.no registrationDue': 'the append of the response registers the call',
  'finishing.yes registrationDue': 'as before',
  'finishing.asked registrationFailed': 'the append of the response registers the call',
}

test('every possible event changes the state, has an effect, or is listed as ignored', () => {
  const ignored = new Set<string>()
  for (const world of WORLDS) {
    if (world.state.at === 'over') continue
    for (const event of possible(world).map(eventOf)) {
      const { state, effects } = next(world.state, event)
      if (state === world.state && effects.length === 0) ignored.add(`${nameOf(world.state)} ${event}`)
    }
  }
  expect([...ignored].filter((pair) => !(pair in IGNORED))).toEqual([])
  expect(Object.keys(IGNORED).filter((pair) => !ignored.has(pair))).toEqual([])
})

test('a call that is over keeps its state, and only answers a late registration', () => {
  for (const state of STATES.filter(({ at }) => at === 'over')) {
    for (const event of EVENTS) {
      const step = next(state, event)
      expect(step.state).toBe(state)
      expect(step.effects).toEqual(event === 'registered' ? ['confirm'] : [])
    }
  }
})

test('every call is settled once, and every counted call is uncounted at its end', () => {
  for (const { state, done } of WORLDS) {
    const over = state.at === 'over'
    const [counted, uncounted, settled] = [count(done, 'count'), count(done, 'uncount'), count(done, 'settle')]
    expect(settled).toBe(over ? 1 : 0)
    expect(counted).toBeLessThanOrEqual(1)
    // The call of a handler that returned at once is not counted.
    expect(uncounted).toBe(over ? counted : 0)
  }
})

test('a response is sent once, as JSON or as the last message of the stream', () => {
  for (const { state, done } of WORLDS) {
    const sent = count(done, 'sendResponse')
    expect(sent).toBeLessThanOrEqual(1)
    if (state.at !== 'over') continue
    if (state.outcome === 'sent') expect(sent).toBe(1)
    if (state.outcome === 'answered') expect(sent).toBe(0)
    if (count(done, 'openOutbox') === 0) expect(state.outcome).not.toBe('sent')
  }
})

test('a call that the store may have is ended there, released, or lost to another instance', () => {
  const ends: Effect[] = ['endAtStore', 'endCancelled', 'endLater', 'release', 'sendResponse']
  const elsewhere = ['full', 'gone', 'lost', 'suspended']
  for (const { state, done } of WORLDS) {
    if (state.at !== 'over' || elsewhere.includes(state.outcome)) continue
    const mayBeStored = done.some((effect) => effect === 'register' || effect === 'openOutbox')
    // `failStream` stores the response later.
    if (mayBeStored) expect(done.some((effect) => ends.includes(effect) || effect === 'failStream')).toBe(true)
  }
})

const GOOD: readonly Move[] = [
  ...(['registered', 'append registered', 'ended', 'responseLogged'] as const),
  ...(['responded', 'resumed', 'streamOpened', 'started'] as const),
]

test('from everywhere a call comes to its end, once its handler and its store answer', () => {
  for (const start of WORLDS) {
    let world = start
    for (let steps = 0; world.state.at !== 'over'; steps++) {
      expect(steps).toBeLessThan(20)
      const events = possible(world)
      const good = GOOD.find((move) => events.includes(move))
      expect(good, nameOf(world.state)).toBeDefined()
      world = after(world, good as Move)
    }
    expect(canSend(world.state)).toBe(false)
    expect(hasJsonResponse(world.state)).toBe(hasResponse(world))
  }
})

/** The client is answered with JSON: in a call that is over, and did not end by a cancel, on a stream or elsewhere. */
function hasResponse({ state }: World): boolean {
  return state.at === 'over' && !['sent', 'cancelled', 'released', 'gone', 'suspended'].includes(state.outcome)
}

/** The effects that answer the POST of a call that has a connection. */
const ANSWERS: readonly Effect[] = [
  ...(['confirm', 'endCancelled', 'release', 'closeStream'] as const),
  ...(['failStream', 'readStream'] as const),
]

test('the POST of a call that streams is answered, at the latest when the call is over', () => {
  for (const { state, done } of WORLDS) {
    if (state.at !== 'over' || !done.includes('openOutbox')) continue
    // A call that was taken over has no POST.
    if (['sent', 'suspended'].includes(state.outcome) && !done.includes('countRegistered')) continue
    expect(ANSWERS.some((effect) => done.includes(effect))).toBe(true)
  }
})

test('a handler is stopped exactly when its call is over without its response', () => {
  for (const { state, done } of WORLDS) {
    // A call beyond the limit is refused before its handler is called.
    const unstopped = ['answered', 'sent', 'full']
    if (state.at !== 'over' || unstopped.includes(state.outcome)) {
      expect(done).not.toContain('stop')
    } else if (!done.includes('endAtStore')) expect(done).toContain('stop')
  }
})

test('a registration that failed is followed by another, or by the end of the call at the store', () => {
  for (const world of WORLDS) {
    if (!world.registering) continue
    const { state, effects } = next(world.state, 'registrationFailed')
    if (state.at === 'over') continue
    if (state.at === 'ending') expect(effects).toContain('endAtStore')
    else if (state.at !== 'finishing') expect(effects).toContain('registerLater')
  }
})

test('nothing leaves the queue while the store is asked whether the call is suspended, and everything does afterwards', () => {
  for (const world of WORLDS) {
    if (world.state.at === 'over') continue
    expect(world.held).toBe(world.state.at === 'suspending')
    expect(world.suspending).toBe(world.state.at === 'suspending')
  }
})

test('a call whose response came while the store was asked sends it where the run goes on, and drops it where that is over', () => {
  const answered = WORLDS.filter(({ state }) => state.at === 'suspending' && state.answered)
  expect(answered.length).toBeGreaterThan(0)
  for (const world of answered) {
    expect(after(world, 'resumed').finalQueued).toBe(true)
    const { state, done } = after(world, 'suspended')
    expect(nameOf(state)).toBe('over.suspended')
    expect(done).not.toContain('sendResponse')
  }
})
