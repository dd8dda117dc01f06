/** Lines of the log: their members, and their form as JSON. */
import type { CallEvent, CallStart, ClientName, RequestEvent, RequestStart } from '../../base/events.ts'

export type Level = 'INFO' | 'WARNING' | 'ERROR'

/** Members of a line. What is undefined is left out. */
export type Members = Readonly<Record<string, unknown>>

export interface Line {
  level: Level
  /** ms since 1970. */
  time: number
  /** A text; absent where the members say it all. */
  message?: string | undefined
  members: Members
}

/** `severity` is the name of the level in Google Cloud Logging. */
export function jsonLine({ level, time, message, members }: Line): string {
  return `${JSON.stringify({ time: new Date(time).toISOString(), level, severity: level, message, ...members })}\n`
}

/** The members about a call. */
export function membersOfCall(call: CallEvent): Members {
  const { kind, name, outcome, code, fault, request } = call
  return {
    id: request?.id,
    method: call.method,
    ...(kind && { [kind]: name }),
    outcome,
    code,
    fault,
    run: call.run === 'first' ? undefined : call.run,
    task: call.task,
    leg: call.leg,
    ...whose(call),
    ...traceOf(call),
    ms: tenths(call.durationMs),
  }
}

/** The members about a request, with those of the call that it carried. */
export function membersOfRequest(request: RequestEvent): Members {
  const { id, httpMethod, path, method, messages = 1, call, refusal, status } = request
  return {
    id,
    http: httpMethod,
    path,
    method,
    messages: messages > 1 ? messages : undefined,
    ...(messages === 1 && call?.kind && { [call.kind]: call.name }),
    status,
    ...(messages === 1 && call && { outcome: call.outcome, code: call.code, fault: call.fault }),
    ...(refusal && {
      refused: refusal.reason,
      reason: refusal.kind,
      code: refusal.code,
      cause: causeOf(refusal.cause),
    }),
    ...whose(request),
    ...traceOf(call ?? request),
    ms: tenths(request.durationMs),
  }
}

function whose(event: { session?: string; revision?: string; client?: ClientName; instance: string }): Members {
  const { session, revision, client, instance } = event
  return { revision, session, client: client && `${client.name}/${client.version}`, instance }
}

export function causeOf(cause: Error | undefined): string | undefined {
  return cause && `${cause.name}: ${cause.message}`
}

/** The trace and the span of a call, or the trace that its client named. */
function traceOf(event: CallStart | RequestStart): Members {
  const own = 'span' in event ? event.span?.traceparent : undefined
  return { trace: (own ?? event.traceparent)?.slice(3, 35), span: own?.slice(36, 52) }
}

export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
