/** What the scripts that register a call get of it. */
import type { Registration } from '../calls.ts'

/** Where no bound is given: how many calls a session may have, and how old the mark of an early cancel may be. */
const UNLIMITED = 1e9

export function registered({
  id,
  holder = '',
  request = '',
  max,
  markAge = UNLIMITED,
}: Omit<Registration, 'stream' | 'owner'>) {
  return { id, holder, request, maxCalls: max ?? UNLIMITED, markAge }
}

/** As {@link registered}, where the same step may register the call. */
export function maybeRegistered(register: Registration | undefined) {
  return { registers: register !== undefined, ...registered(register ?? NONE) }
}

const NONE = { id: '' }
