/** What runs of both kinds have in common that keep nothing: stateless calls, and calls of session revisions without one. */
import type { JsonObject, RequestId } from '../protocol/jsonrpc.ts'
import { notificationText } from '../protocol/jsonrpc.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { LoggingLevel } from '../protocol/types.ts'
import type { Caller } from '../runtime/caller.ts'
import { HandlerChannel, type SharedParts } from '../runtime/handler-channel.ts'
import type { Ask, ClientChannel, ClientView } from '../server/context/client-channel.ts'

/** Sends a message before the result; absent where the client takes JSON alone. */
export type SendMessage = ((text: string) => void) | undefined

export abstract class Run extends HandlerChannel implements ClientChannel {
  abstract readonly revision: Revision
  abstract readonly client: ClientView
  readonly session = undefined
  readonly #send: SendMessage
  #over = false

  constructor(shared: SharedParts, caller: Caller, requestId: RequestId, send: SendMessage) {
    super(shared, caller, requestId)
    this.#send = send
  }

  protected get over(): boolean {
    return this.#over
  }

  abstract wants(level: LoggingLevel): boolean
  abstract ask(ask: Ask): Promise<JsonObject>

  notify(method: string, params: JsonObject): Promise<void> {
    if (!this.#over) this.#send?.(notificationText(method, params))
    return Promise.resolve()
  }

  closeStream(): void {}

  /** The run has left asks open: the result is `input_required` then, whatever the handler returned. */
  get pending(): boolean {
    return false
  }

  /** The `input_required` result of a run that is {@link pending}. */
  inputRequired(): JsonObject {
    throw new Error('This run has asked nothing.')
  }

  /** Nothing more is sent. `cancelled`: why the handler's signal is aborted, where the call did not end by itself. */
  end(cancelled?: string): void {
    this.#over = true
    if (cancelled !== undefined) this.abort(cancelled)
  }
}
