/** The way of an ask of this package's context, and of one of the official SDK, to the client and back. */
import { channels } from '../../base/events.ts'
import { tracing } from '../../base/tracing.ts'
import type { JsonObject } from '../../protocol/jsonrpc.ts'
import { readAnswer } from './answers.ts'
import { WatchedAsk } from './ask-event.ts'
import type { Ask, ClientChannel } from './client-channel.ts'
import { AskError } from './errors.ts'

/**
 * Sends an ask, and reads its answer. It awaits nothing before `channel.ask`, so that the asks of one turn go out together.
 *
 * @throws what `ClientChannel.ask` does; AskError for an answer of the wrong shape
 */
export function sendAsk(channel: ClientChannel, ask: Ask): Promise<JsonObject> {
  const { method } = ask
  const watched = tracing.now || channels.ask.hasSubscribers ? new WatchedAsk(channel.event, ask) : undefined
  const answered = channel.ask(watched?.ask ?? ask).then((answer) => requireAnswer(method, answer))
  watched?.follow(answered)
  return answered
}

/** The answer as it is read. @throws AskError for one of the wrong shape */
export function requireAnswer(method: string, answer: unknown): JsonObject {
  const read = readAnswer(method, answer)
  if (typeof read === 'object') return read
  throw new AskError('invalid', `The client's answer to ${method} has the wrong shape: ${read}`)
}

/** Names the asks of one call by their kind and their ordinal: a run that repeats the call finds its answers by these. */
export class AskKeys {
  readonly #ordinals = new Map<string, number>()

  next(kind: string): string {
    const ordinal = (this.#ordinals.get(kind) ?? 0) + 1
    this.#ordinals.set(kind, ordinal)
    return `${kind}-${ordinal}`
  }
}
