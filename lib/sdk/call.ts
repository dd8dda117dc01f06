/** One call of a client in a server of the official SDK. */
import type { JsonObject } from '../protocol/jsonrpc.ts'
import { features, LATEST_SESSION_REVISION } from '../protocol/revisions.ts'
import type { ClientCapabilities } from '../protocol/types.ts'
import type { ClientChannel } from '../server/context/client-channel.ts'
import { AskKeys } from '../server/context/send-ask.ts'
import type { ClientState } from './private.ts'

export class OfficialCall {
  /** The instance of the server that runs it. */
  readonly instance: object
  /** The request id as the SDK knows it: clients of one instance may use equal ids. */
  readonly id: string
  readonly channel: ClientChannel
  readonly method: string
  readonly params: JsonObject | undefined
  /** The handler may run again from its start, with the answers so far: what asks of the stateless revision do. */
  readonly mayReplay: boolean
  /** The handler has returned: nothing is sent for it any longer. */
  over = false
  /** Asks that the SDK has given up: each settles once the client has its cancel, which goes before the response. */
  givenUp: Promise<unknown>[] | undefined
  #client: ClientState | undefined
  #keys: AskKeys | undefined

  constructor(
    instance: object,
    id: string,
    channel: ClientChannel,
    method: string,
    params: JsonObject | undefined,
    mayReplay: boolean,
  ) {
    this.instance = instance
    this.id = id
    this.channel = channel
    this.method = method
    this.params = params
    this.mayReplay = mayReplay
  }

  /** The client, as the SDK keeps that of a connection. */
  get client(): ClientState {
    const { client, revision } = this.channel
    this.#client ??= {
      capabilities: declared(this.channel),
      info: client.info,
      version: features(revision).sessions ? revision : LATEST_SESSION_REVISION,
    }
    return this.#client
  }

  /** The name of the next ask of this kind: a run that repeats the call finds its answer by it. */
  key(kind: string): string {
    this.#keys ??= new AskKeys()
    return this.#keys.next(kind)
  }
}

/** What the client declared, as the SDK understands it: an elicitation without modes means forms. */
function declared({ client, revision }: ClientChannel): ClientCapabilities {
  const { elicitation, ...others } = client.capabilities
  const { elicitation: isThere, elicitationModes } = features(revision)
  if (!isThere || !elicitation) return others
  const isForm = !elicitationModes || elicitation.form !== undefined || elicitation.url === undefined
  return {
    ...others,
    elicitation: { ...(elicitationModes && elicitation), ...(isForm && { form: elicitation.form ?? {} }) },
  }
}
