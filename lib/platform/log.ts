/** One line of JSON for each request, for whatever collects the output of a process. */
import { randomId } from '../base/ids.ts'
import type { RequestNote } from '../runtime/caller.ts'

export interface LogLine {
  /** Filled on the way by the endpoint. */
  note: RequestNote
  /** The response has ended. */
  end(status: number): void
}

export interface RequestLog {
  /** `id` is the platform's name for the request; there is a random one where it gives none. */
  begin(http: string, id?: string): LogLine
  /** Something that is no request. */
  say(severity: 'INFO' | 'WARNING' | 'ERROR', message: string, more?: Record<string, unknown>): void
}

/** The log, if the settings want one. Lines that come in one turn leave in one write. */
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
  process.once('exit', flush)
  return {
    begin(http, id = randomId(9)) {
      const started = performance.now()
      const note: RequestNote = {}
      return {
        note,
        end(status) {
          const severity = status >= 500 ? 'ERROR' : 'INFO'
          const { method, session, revision } = note
          const ms = Math.round((performance.now() - started) * 10) / 10
          write({ severity, time: new Date().toISOString(), id, http, method, revision, session, status, ms })
        },
      }
    },
    say: (severity, message, more) => write({ severity, time: new Date().toISOString(), message, ...more }),
  }
}
