/** The log of a process: the first listener to the events of the endpoint. docs/events.md describes its lines. */
import { type Clock, systemClock } from '../base/clock.ts'
import { asError, stackOf } from '../base/errors.ts'
import {
  type CallEvent,
  onEvent,
  type RefusalEvent,
  type RequestEvent,
  type StoreEvent,
  type TakeoverEvent,
} from '../base/events.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { AskError } from '../server/context/errors.ts'
import { StoreUnavailable } from '../store/store.ts'
import {
  causeOf,
  jsonLine,
  type Level,
  type Line,
  type Members,
  membersOfCall,
  membersOfRequest,
  tenths,
} from './log/format.ts'
import { readableLine } from './log/readable.ts'
import { Thinning } from './log/thinning.ts'

/** A stream of the process. */
export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

interface LogOptions {
  /** Whether each request has a line; default: on a terminal. */
  requests: boolean | undefined
  out?: Output
  /** Takes the errors where requests have no lines. */
  err?: Output
  clock?: Clock
  /** An author reads it, at work: equal errors are written each time, and shutdowns not at all. */
  forAuthor?: boolean
  /** Failures of the store that are not written: those that stop the start have a line of their own. */
  skips?: (cause: Error) => boolean
}

export interface Log {
  /** Requests have lines, as JSON: so has the start of the process. */
  readonly asJson: boolean
  /** Writes a line that belongs to no request. */
  say(level: Level, message: string, members?: Members): void
  /** Writes an error that belongs to no request: `onError` of the endpoint and of the store. */
  error(error: unknown): void
  /** Writes what was counted, and listens no longer. */
  close(): void
}

/** Begins to listen. The lines of one turn of the event loop are written at once. */
export function openLog(options: LogOptions): Log {
  const { out = process.stdout, err = process.stderr, clock = systemClock, skips = () => false } = options
  const requests = options.requests ?? out.isTTY === true
  const target = requests ? out : err
  const readable = target.isTTY === true
  const color = readable && process.env.NO_COLOR === undefined
  let waiting = ''
  const flush = () => {
    const text = waiting
    waiting = ''
    if (text !== '') target.write(text)
  }
  const write = (level: Level, message: string | undefined, members: Members = {}) => {
    const line: Line = { level, time: clock.wall(), message, members }
    if (waiting === '') setImmediate(flush)
    waiting += readable ? readableLine(line, color) : jsonLine(line)
  }
  const thinning = new Thinning(clock, (errors) => write('ERROR', `${errors} other errors of many kinds.`))
  const writeThinned = (level: Level, message: string, members: Members = {}, key = `${level} ${message}`) => {
    if (options.forAuthor) return write(level, message, members)
    thinning.add(key, (again) => {
      if (again === 0) write(level, message, members)
      else write(level, `${message.split('\n', 1)[0]} (${again} times more)`)
    })
  }

  /** The store is away, which has a line. Its failures say nothing more. */
  let away = false
  const error = (thrown: unknown) => {
    const failure = asError(thrown)
    if (failure instanceof StoreUnavailable) {
      if (!away && !skips(failure)) writeThinned('ERROR', `${failure.name}: ${failure.message}`)
    } else if (failure.name === 'Warning') writeThinned('WARNING', failure.message)
    else writeThinned('ERROR', stackOf(failure))
  }
  const onStore = ({ state, cause, trouble, awayMs }: StoreEvent) => {
    if (skips(cause)) return
    away = state === 'lost'
    if (away) write('ERROR', `${cause.name}: ${cause.message}`, { store: state, trouble })
    else
      write('INFO', `The store is back after ${tenths(awayMs / 1_000)} s.`, {
        store: state,
        awayMs: Math.round(awayMs),
      })
  }
  const onCall = (call: CallEvent) => {
    const { fault, error: failure, request } = call
    const isLimit = fault === 'timeout' || fault === 'too_large'
    if (failure && (isLimit || isAuthors(call))) {
      const expected =
        isLimit || failure instanceof AskError || failure instanceof StoreUnavailable || failure.name === 'AbortError'
      const level = expected ? 'WARNING' : 'ERROR'
      const text = fault !== 'result' && !expected ? stackOf(failure) : causeOf(failure)
      writeThinned(level, text ?? '', membersOfCall(call), `${level} ${call.name} ${causeOf(failure)}`)
    }
    // Otherwise the line of its request has its members.
    const isOwn =
      request === undefined ||
      'durationMs' in request ||
      (request.messages ?? 1) > 1 ||
      call.run !== 'first' ||
      call.task !== undefined
    if (requests && isOwn) write(levelOf(call, 200), undefined, membersOfCall(call))
  }
  const onRequest = (event: RequestEvent) =>
    write(
      event.refusal ? levelOf(undefined, event.status, true) : levelOf(event.call, event.status),
      undefined,
      membersOfRequest(event),
    )
  const onRefusal = ({ kind, reason, status, cause, request }: RefusalEvent) => {
    // `error` reports the cause of a failure, and `onStore` that of the store.
    if (requests || status < 500 || kind === 'failure' || (kind === 'store' && away)) return
    writeThinned('ERROR', reason, { path: request.path, status, cause: causeOf(cause) })
  }
  const ends = [
    onEvent('store', onStore),
    onEvent('call', onCall),
    onEvent('refusal', onRefusal),
    onEvent('takeover', ({ outcome, method, id, from, session, instance, task, leg }) => {
      // The line of its run says that it was suspended.
      if (outcome === 'woken') return
      const about = task === undefined ? 'A call was taken over.' : textOfLeg(outcome)
      write('WARNING', about, { method, outcome, call: id, task, leg, from, session, instance })
    }),
    onEvent('drain', ({ left, durationMs, instance }) => {
      const members = { left, instance, ms: tenths(durationMs) }
      if (left > 0) write('WARNING', 'Shut down before all calls were done.', members)
      else if (requests && !options.forAuthor) write('INFO', 'Shut down.', members)
    }),
  ]
  if (requests) ends.push(onEvent('request', onRequest))
  if (requests && !options.forAuthor) {
    ends.push(onEvent('drain-start', (event) => write('INFO', 'Shutting down.', { ...event })))
  }
  process.once('exit', flush)
  return {
    asJson: requests && !readable,
    say: (level, message, members) => write(level, message, members),
    error,
    close() {
      for (const end of ends) end()
      thinning.flush()
      process.off('exit', flush)
      flush()
    },
  }
}

function textOfLeg(outcome: TakeoverEvent['outcome']): string {
  return outcome === 'failed'
    ? 'A task has failed: the runs of its leg were lost, and it must not run again.'
    : 'A leg of a task was taken over.'
}

/** A fault of the author's code. A middleware refuses a call with a ProtocolError. */
function isAuthors({ fault, error }: CallEvent): boolean {
  return fault === 'exception' || fault === 'result' || (fault === 'middleware' && !(error instanceof ProtocolError))
}

/** The level of a line: what its author should look at is an error, what its client did wrong is a warning. */
function levelOf(call: CallEvent | undefined, status: number, refused = false): Level {
  if (status >= 500 || (call && isAuthors(call)) || call?.outcome === 'store_away') return 'ERROR'
  if (refused || (call && !GOES_WELL.has(call.outcome))) return 'WARNING'
  return 'INFO'
}

const GOES_WELL: ReadonlySet<CallEvent['outcome']> = new Set(['ok', 'input_required', 'suspended'])
