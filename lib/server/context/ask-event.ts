/** The event of an ask. */
import { systemClock } from '../../base/clock.ts'
import { type AskEvent, type CallStart, publish } from '../../base/events.ts'
import type { TracedAsk } from '../../base/tracing.ts'
import { AskError, AskPending } from './errors.ts'

/** Publishes the outcome of an ask once it has one. */
export function publishAsk(
  call: CallStart | undefined,
  method: string,
  answer: Promise<unknown>,
  traced: TracedAsk | undefined,
): void {
  const began = systemClock.now()
  const end = (outcome: AskEvent['outcome'], code?: number) => {
    const event: AskEvent = { method, outcome, durationMs: systemClock.now() - began }
    if (call) event.call = call
    if (code !== undefined) event.code = code
    traced?.end(event)
    publish('ask', event)
  }
  answer.then(
    () => end('answered'),
    (error: unknown) => end(outcomeOf(error), error instanceof AskError ? error.code : undefined),
  )
}

function outcomeOf(error: unknown): AskEvent['outcome'] {
  if (error instanceof AskPending) return 'pending'
  if (error instanceof AskError) return error.reason
  return error instanceof DOMException && error.name === 'AbortError' ? 'abandoned' : 'error'
}
