/** The journals of durable calls in memory, and calls that are suspended. */
import {
  JOURNAL_BYTES,
  JOURNAL_ENTRIES,
  type Journal,
  type JournalStore,
  type Keep,
  type KeepReply,
  MAX_SUSPENDED,
  type Taken,
  TIMED_OUT,
} from '../journal.ts'
import type { Owner, SessionKey } from '../names.ts'
import { COUNTED } from '../options.ts'
import { asksOf, journalOf, newDurable, ownedCall, register } from './registration.ts'
import type { Ask, Call, Durable, MemorySession } from './session.ts'
import type { State } from './state.ts'

/** The deadline of an ask is over. It is a fact only when the value of the ask says so. */
export function isPast(state: State, { value, deadline }: Ask): boolean {
  return value === undefined && deadline !== undefined && deadline <= state.clock.now()
}

/** Nobody runs the call, and nothing is due for which one should. */
export function isSuspended(state: State, key: SessionKey, call: Call | undefined): boolean {
  if (call?.owner !== '' || call.cancelled || !call.durable?.suspended) return false
  return !hasNews(state, key, call.durable.suspended.asks)
}

function hasNews(state: State, key: SessionKey, asks: string[]): boolean {
  return asks.some((ask) => {
    const asked = state.peekLive(key)?.asks.get(ask)
    return !asked || asked.value !== undefined || isPast(state, asked)
  })
}

function answersTo(state: State, key: SessionKey, asks: string[]): Map<string, string> {
  return new Map(
    asks.flatMap((ask) => {
      const value = state.peekLive(key)?.asks.get(ask)?.value
      return value === undefined ? [] : [[ask, value]]
    }),
  )
}

/** A run takes a call over. Deadlines that have passed are facts from now on, so that each later run finds the same. */
export function takeCall(state: State, key: SessionKey, session: MemorySession, call: Call, owner: Owner): Taken {
  const { stream, durable, cancelled, id, request } = call
  if (durable?.suspended) durable.slept = state.clock.now() - durable.suspended.since
  else if (durable && call.owner !== owner) durable.slept = undefined
  if (durable) durable.suspended = undefined
  call.owner = owner
  const live = state.live(key)
  const asks = asksOf(state, key, stream)
  for (const ask of asks) {
    const asked = live.asks.get(ask)
    if (asked && isPast(state, asked)) asked.value = TIMED_OUT
  }
  const claimed = { cancelled, end: state.end(key, session, stream), id, request, asks, stream }
  // A request that the session had no room for: the call is as one that is not durable.
  if (!durable || request === undefined) return { status: 'ok', ...claimed }
  return { status: 'ok', ...claimed, journal: readJournal(state, key, durable, answersTo(state, key, asks)) }
}

function readJournal(
  state: State,
  key: SessionKey,
  { results, asks, said, slept, note }: Durable,
  answers: Map<string, string>,
): Journal {
  const now = state.clock.now()
  const due = (id: string) => (state.peekLive(key)?.asks.get(id)?.deadline ?? now) - now
  const kept = new Map([...asks].map(([name, { id, digest }]) => [name, { id, digest, due: due(id) }]))
  return { results: new Map(results), asks: kept, answers, said: said ?? 0, slept, note }
}

export function journalOperations(state: State): JournalStore {
  const onSession = state.onSession.bind(state)

  /** True where the journal, and the session, have room for so many bytes more. */
  function hasRoom(key: SessionKey, stream: string, durable: Durable, bytes: number): boolean {
    const { results, begun, asks } = durable
    if (results.size + begun.size + asks.size >= JOURNAL_ENTRIES) return false
    const sum = durable.bytes + bytes
    if (sum > JOURNAL_BYTES) return false
    if (sum < COUNTED) return true
    const counted = state.partsOf(key).bytesOf(journalOf(stream))
    return state.held(key) + sum - counted <= state.sessionBytes
  }

  function count(key: SessionKey, stream: string, durable: Durable, bytes: number): void {
    state.requireRoom(bytes)
    durable.bytes += bytes
    if (durable.bytes >= COUNTED) state.hold(key, journalOf(stream), durable.bytes, state.lifetimes.open)
    state.weighLive(key)
  }

  function step(key: SessionKey, durable: Durable, { stream, owner, name, step, value = '' }: Keep): KeepReply {
    const { results, begun } = durable
    const known = results.get(name)
    if (known !== undefined)
      return step === 'end' && known === value ? { status: 'ok' } : { status: 'known', value: known }
    const run = begun.get(name)
    if (step === 'fail') {
      if (run === owner) begun.delete(name)
      return { status: 'ok' }
    }
    if (step === 'begin') {
      if (run !== undefined) return { status: run === owner ? 'ok' : 'begun' }
      if (!hasRoom(key, stream, durable, 0)) return { status: 'full' }
      begun.set(name, owner)
      return { status: 'ok' }
    }
    // The entry of its begin makes room for that of its end.
    const bytes = Buffer.byteLength(name + value)
    if (run !== undefined) begun.delete(name)
    if (!hasRoom(key, stream, durable, bytes)) {
      if (run !== undefined) begun.set(name, run)
      return { status: 'full' }
    }
    count(key, stream, durable, bytes)
    results.set(name, value)
    return { status: 'ok' }
  }

  return {
    keep: onSession((session, key, keep) => {
      const registered = keep.register && register(state, key, session, keep.register)
      if (typeof registered === 'string') return { status: registered }
      const call = ownedCall(state, key, keep.stream, keep.owner)
      if (!call) return { status: 'lost' }
      if (call.cancelled) return { status: 'cancelled' }
      call.durable ??= newDurable()
      call.durable.said ??= keep.said
      state.touchLive(key)
      return step(key, call.durable, keep)
    }),

    suspend: onSession((session, key, { stream, owner, asks, note, max = MAX_SUSPENDED }) => {
      const call = ownedCall(state, key, stream, owner)
      if (!call) return { status: 'lost' }
      if (call.cancelled) return { status: 'cancelled' }
      if (!call.durable || call.request === undefined) return { status: 'full' }
      if (asks.length === 0 || hasNews(state, key, asks))
        return { status: 'news', answers: answersTo(state, key, asks) }
      const live = state.live(key)
      const suspended = [...live.calls.values()].filter((one) => one.owner === '' && one.durable?.suspended)
      if (suspended.length >= max) return { status: 'full' }
      const now = state.clock.now()
      const deadlines = asks.map((ask) => live.asks.get(ask)?.deadline ?? now)
      const until = Math.max(...deadlines) + state.lifetimes.ended
      call.owner = ''
      call.durable.note = note
      call.durable.suspended = { since: now, until, asks }
      live.until = Math.max(live.until, until)
      state.live(key)
      state.keepUntil(key, session, stream, until)
      return { status: 'ok', holder: state.holder(key, session, stream) }
    }),

    poll: onSession((session, key, stream, after) => {
      const call = state.call(key, stream)
      const suspended = isSuspended(state, key, call) && call?.durable?.suspended
      if (!suspended) return { status: 'due' }
      const log = state.log(key, stream)
      const end = state.end(key, session, stream)
      if (after.n > end) return { status: 'beyond' }
      if (after.n < (log[0]?.n ?? end + 1) - 1) return { status: 'trimmed' }
      const tag = log.find(({ n }) => n === after.n)?.tag
      if (after.tag && tag !== undefined && after.tag !== tag) return { status: 'beyond' }
      state.keepUntil(key, session, stream, suspended.until)
      const since = state.clock.now() - suspended.since
      return {
        status: 'suspended',
        entries: log.filter(({ n }) => n > after.n),
        since,
        level: session.level,
        note: call?.durable?.note,
      }
    }),
  }
}
