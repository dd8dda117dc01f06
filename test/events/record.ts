/** Records the events of an endpoint in this process. */
import { type EventName, type Events, onEvent } from '../../lib/base/events.ts'
import { eventually } from '../support/eventually.ts'

const NAMES: EventName[] = [
  'request-start',
  'request',
  'call-start',
  'call',
  'ask',
  'stream-start',
  'stream',
  'takeover',
  'drain-start',
  'drain',
  'command',
  'store',
  'refusal',
]

export interface Recorded {
  /** The names of the events, in their order. */
  order: EventName[]
  of<N extends EventName>(name: N): Events[N][]
  /** Waits for an event that fits. */
  next<N extends EventName>(name: N, fits?: (event: Events[N]) => boolean): Promise<Events[N]>
  clear(): void
  stop(): void
}

export function record(names: readonly EventName[] = NAMES): Recorded {
  const all: { name: EventName; event: Events[EventName] }[] = []
  const ends = names.map((name) => onEvent(name, (event) => all.push({ name, event })))
  const of = <N extends EventName>(name: N) =>
    all.filter((entry) => entry.name === name).map(({ event }) => event as Events[N])
  return {
    get order() {
      return all.map(({ name }) => name)
    },
    of,
    next: (name, fits = () => true) => eventually(async () => of(name).find(fits)),
    clear: () => void all.splice(0),
    stop() {
      for (const end of ends) end()
    },
  }
}
