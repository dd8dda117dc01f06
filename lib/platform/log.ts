/** One line of JSON for each request, on the standard output. */
import { systemClock } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { RequestNote } from '../runtime/caller.ts'

interface LogLine {
  /** The endpoint fills it while it serves the request. */
  note: RequestNote
  /** To be called when the response has ended. */
  end(status: number): void
}

export interface RequestLog {
  /** @param id the id that the platform gave the request; default: a random one */
  begin(http: string, id?: string): LogLine
  /** Writes a line that belongs to no request. */
  say(severity: 'INFO' | 'WARNING' | 'ERROR', message: string, more?: Record<string, unknown>): void
}

/** An error as one line. */
export function errorLine(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** The log, where the settings ask for one. The lines of one turn of the event loop are written at once. */
export function requestLog(settings: { log: boolean }): RequestLog | undefined {
  if (!settings.log) return undefined
  let waiting = ''
  const flush = () => {
    const text = waiting
    waiting = ''
    process.stdout.write(text)
  }
  const write = (line: object) => {
    if (waiting === '') setImmediate(flush)
    waiting += `${JSON.stringify(line)}\n`
  }
  const time = () => new Date(systemClock.wall()).toISOString()
  process.once('exit', flush)
  return {
    begin(http, id = randomId(9)) {
      const started = systemClock.now()
      const note: RequestNote = {}
      return {
        note,
        end(status) {
          const severity = status >= 500 ? 'ERROR' : 'INFO'
          const { method, session, revision, refused } = note
          const ms = Math.round((systemClock.now() - started) * 10) / 10
          write({ severity, time: time(), id, http, method, revision, session, status, refused, ms })
        },
      }
    },
    say: (severity, message, more) => write({ severity, time: time(), message, ...more }),
  }
}
