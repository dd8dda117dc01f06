/** Registering a call in memory. */
import type { Registration } from '../calls.ts'
import type { Owner, SessionKey } from '../names.ts'
import { COUNTED } from '../options.ts'
import type { Call, Durable, MemorySession } from './session.ts'
import { part, type State } from './state.ts'

/** Registers a call, or returns why it is refused. */
export function register(
  state: State,
  key: SessionKey,
  session: MemorySession,
  registration: Registration,
): Call | 'lost' {
  const { id, stream, owner, holder, request, durable, max, markAge = Number.POSITIVE_INFINITY } = registration
  const running = state.peekLive(key)?.calls.get(stream)
  if (running) return running.owner === owner ? running : 'lost'
  if (state.over.has(part(key, stream)) || state.log(key, stream).at(-1)?.final) return 'lost'
  const marked = state.marks.get(part(key, id))
  const cancelled = marked !== undefined && marked >= state.clock.now() - markAge
  if (cancelled) state.marks.delete(part(key, id))
  const kept = { request: countRequest(state, key, stream, request), durable: durable ? newDurable() : undefined }
  const call = { id, stream, owner, cancelled, ...kept }
  const live = state.live(key)
  live.calls.set(stream, call)
  live.ids.set(id, stream)
  if (holder !== undefined) live.places.set(stream, { holder, start: 0 })
  if (max !== undefined && live.calls.size >= max) session.busy = true
  state.weighLive(key)
  return call
}

/** A durable call that has done nothing yet. */
export function newDurable(): Durable {
  return {
    ...{ results: new Map(), begun: new Map(), asks: new Map(), bytes: 0, said: undefined },
    ...{ suspended: undefined, slept: undefined, note: undefined },
  }
}

/** The request, or undefined where the session keeps as much as it may: no other instance can run the call again then. */
function countRequest(state: State, key: SessionKey, stream: string, request: string | undefined): string | undefined {
  const bytes = Buffer.byteLength(request ?? '')
  if (bytes < COUNTED) return request
  if (state.held(key) + bytes > state.sessionBytes) return undefined
  state.requireRoom(bytes)
  state.hold(key, stream, bytes, state.lifetimes.open)
  return request
}

/** The call of a stream, if this run owns it. */
export function ownedCall(state: State, key: SessionKey, stream: string, owner: Owner): Call | undefined {
  const call = state.call(key, stream)
  return call?.owner === owner ? call : undefined
}

/** A call is over. */
export function forget(state: State, key: SessionKey, call: Call, asks: string[] | undefined): void {
  if (asks && asks.length > 0) state.hold(key, answersOf(call.stream), 0, 0)
  if (call.durable) state.hold(key, journalOf(call.stream), 0, 0)
  state.forget(key, call, asks)
}

/** The asks of a call. */
export function asksOf(state: State, key: SessionKey, stream: string): string[] {
  return [...(state.peekLive(key)?.asks ?? [])].flatMap(([ask, asked]) => (asked.stream === stream ? ask : []))
}

/** The part of what a session keeps that has the answers to the asks of a call. */
export function answersOf(stream: string): string {
  return `${stream} answers`
}

/** The part that has the journal of a call. */
export function journalOf(stream: string): string {
  return `${stream} journal`
}
