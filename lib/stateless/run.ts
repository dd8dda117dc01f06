/** The base of runs without a session: stateless calls, and calls of session revisions without a session. */
import { type JsonObject, type JsonRpcRequest, notificationText } from '../protocol/jsonrpc.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { LoggingLevel } from '../protocol/types.ts'
import type { Caller } from '../runtime/caller.ts'
import { HandlerChannel, type SharedParts } from '../runtime/handler-channel.ts'
import type { Ask, ClientChannel, ClientView } from '../server/context/client-channel.ts'
import type { SendMessage } from './parking/leg.ts'

export abstract class Run extends HandlerChannel implements ClientChannel {
  abstract readonly revision: Revision
  abstract readonly client: ClientView
  readonly session = undefined
  #send: SendMessage
  protected over = false

  constructor(shared: SharedParts, caller: Caller, request: JsonRpcRequest, send: SendMessage) {
    super(shared, caller, request)
    this.#send = send
  }

  abstract wants(level: LoggingLevel): boolean
  abstract ask(ask: Ask): Promise<JsonObject>

  async notify(method: string, params: JsonObject): Promise<void> {
    if (!this.over) await this.#send?.(notificationText(method, params))
  }

  /** From now on messages go to `send`. */
  sendBy(send: SendMessage): void {
    this.#send = send
  }

  closeStream(): void {}

  /** True if an ask has no answer. The result is then `input_required`, whatever the handler returned. */
  get pending(): boolean {
    return false
  }

  /** The `input_required` result of a run that is {@link pending}. */
  inputRequired(): JsonObject {
    throw new Error('This run has asked nothing.')
  }

  /**
   * Ends the run: nothing more is sent. `cancelled`: the reason to abort the handler's signal with, if it still runs.
   */
  end(cancelled?: string): void {
    this.over = true
    if (cancelled !== undefined) this.abort(cancelled)
    this.watch?.end(this.pending ? 'input_required' : undefined)
  }
}
