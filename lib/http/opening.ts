/** Servers that have to be opened before their first request: those of the official SDK. */
import { OnDemand } from '../base/on-demand.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { Refusal } from '../protocol/refusal.ts'
import { TRY_SOON } from '../runtime/reply.ts'
import type { Dispatcher } from '../server/dispatcher.ts'

interface OpeningParts {
  /** Announces that the user is done with the page of a URL elicitation. */
  completed(elicitationId: string): Promise<unknown>
  /** Called once, as soon as the server can be described. */
  onOpen(): void
  onError(error: unknown): void
}

export interface Opening {
  /** Resolves with sentences for the log of the start. A failure is not reported once this was called: the caller handles it. */
  ready(): Promise<readonly string[]>
  /** Waits until requests can be served, and opens the server again where that failed. @throws Refusal 503 */
  forRequest(): Promise<unknown> | undefined
}

/** Begins to open the server. Undefined: it is ready. */
export function openingOf(dispatcher: Dispatcher, { completed, onOpen, onError }: OpeningParts): Opening | undefined {
  const { open } = dispatcher
  if (!open) {
    onOpen()
    return undefined
  }
  const server = new OnDemand(async () => {
    const notes = await open(completed)
    onOpen()
    return notes
  })
  let isAwaited = false
  server.load().catch((error: unknown) => {
    if (!isAwaited) onError(error)
  })
  return {
    ready() {
      isAwaited = true
      return server.load()
    },
    forRequest() {
      if (server.now) return undefined
      return server.load().catch((cause: unknown) => {
        const message = 'The server could not be opened; its operator finds the reason in the log.'
        throw new Refusal(503, ErrorCode.InternalError, message, { headers: TRY_SOON, cause })
      })
    },
  }
}
