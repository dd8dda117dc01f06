/** A queue of Google Cloud Tasks, which sends a request for each leg of a task to the service. */
import type { Clock } from '../../../base/clock.ts'
import { isObject } from '../../../protocol/jsonrpc.ts'
import type { Executor, Wake } from '../../../tasks/executor.ts'
import { PROOF, type Proofs } from './proof.ts'

interface QueueOptions {
  /** `projects/…/locations/…/queues/…` */
  queue: string
  /** The address for the requests of the queue, which is the audience of their tokens, too. */
  target: string
  /** The service account in whose name they are sent. */
  account: string
  /** How long a request may take, in ms. */
  limit: number
  clock: Clock
  /** Undefined: instances of this service have no key in common. */
  proofs?: Proofs | undefined
  /** Default: those of Google. */
  api?: string | undefined
  metadata?: string | undefined
}

/** How long an answer of Google may take, in ms. */
const PATIENCE = 5_000
/** An access token is not used in its last minute. */
const MARGIN = 60_000

export class CloudTasksQueue implements Executor {
  readonly #options: QueueOptions
  #token: { text: string; until: number } | undefined

  constructor(options: QueueOptions) {
    this.#options = options
  }

  /**
   * The request comes at once, and waits for the rest of the delay: a time that the queue waits for would be one of this machine's
   * wall clock, which may be wrong.
   */
  async enqueue({ task, leg }: Wake): Promise<void> {
    const { queue, target, account, limit, proofs, api = 'https://cloudtasks.googleapis.com' } = this.#options
    const headers = { 'Content-Type': 'application/json', ...(proofs && { [PROOF]: proofs.of({ task, leg }) }) }
    const httpRequest = {
      url: target,
      httpMethod: 'POST',
      headers,
      body: Buffer.from(JSON.stringify({ task, leg })).toString('base64'),
      oidcToken: { serviceAccountEmail: account, audience: target },
    }
    const response = await fetch(`${api}/v2/${queue}/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await this.#accessToken()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ task: { dispatchDeadline: `${Math.ceil(limit / 1_000)}s`, httpRequest } }),
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE),
    })
    const text = await response.text()
    if (response.status === 200) return
    if (response.status === 401) this.#token = undefined
    const cure =
      response.status === 403
        ? ` The account of this service needs roles/cloudtasks.enqueuer, and roles/iam.serviceAccountUser of ${account}.`
        : ''
    throw new Error(`Cloud Tasks answered ${response.status}: ${text.slice(0, 300)}${cure}`)
  }

  /** Of the account that the service runs as. The metadata server of Google has it. */
  async #accessToken(): Promise<string> {
    const { clock, metadata = 'http://metadata.google.internal' } = this.#options
    if (this.#token && this.#token.until > clock.now()) return this.#token.text
    const asked = clock.now()
    const url = `${metadata}/computeMetadata/v1/instance/service-accounts/default/token`
    const headers = { 'Metadata-Flavor': 'Google' }
    const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(PATIENCE) })
    const body: unknown = response.status === 200 ? await response.json() : await response.text()
    if (!isObject(body) || typeof body.access_token !== 'string' || typeof body.expires_in !== 'number') {
      throw new Error(`The metadata server of Google has no token of the service: it answered ${response.status}.`)
    }
    this.#token = { text: body.access_token, until: asked + body.expires_in * 1_000 - MARGIN }
    return this.#token.text
  }
}
