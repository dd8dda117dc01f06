/**
 * Lambda's Invoke API for tests: it takes events for the function (`InvocationType: Event`) whose signature is right, and delivers
 * them as Lambda does, at least once: later, sometimes twice, and again where the function fails.
 */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'

/** AWS's own signer, which osls brings. */
const { SignatureV4 } = createRequire(import.meta.resolve('osls/package.json'))('@smithy/signature-v4')

/** The hash that the signer takes. */
class Sha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

export const CREDENTIALS = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'a/session+token==',
}
export const REGION = 'eu-central-1'
/** How far the time of a signature may be off, in ms. */
const SKEW = 5 * 60_000

export interface EventOptions {
  /** The role may invoke the function. Default true. */
  allowed?: boolean
  /** ms before an event is delivered, by its number, from 0. Default 0. */
  delay?: (event: number) => number
  /** How often an event is delivered that does not fail. Default once. */
  copies?: (event: number) => number
  /** ms before the second and the third attempt; a minute and two on AWS. */
  retryAfter?: readonly number[]
  /** An event that is accepted is never delivered. Default false. */
  lost?: (event: number) => boolean
}

export interface Delivery {
  payload: unknown
  /** 1 to 3 */
  attempt: number
  environment: string
  /** Undefined while it runs. */
  outcome: 'done' | 'failed' | undefined
}

/** Runs the function with an event. Resolves with false where it failed. */
export type Deliver = (payload: object, delivery: Delivery) => Promise<boolean>

export class InvokeApi {
  readonly deliveries: Delivery[] = []
  /** Status codes of the requests that were refused. */
  readonly refused: number[] = []
  accepted = 0
  readonly #options: EventOptions
  readonly #deliver: Deliver
  readonly #server = http.createServer((req, res) => void this.#serve(req, res).catch(() => res.destroy()))
  readonly #underWay = new Set<Promise<void>>()
  readonly #timers = new Map<NodeJS.Timeout, () => void>()
  #stopped = false

  constructor(deliver: Deliver, options: EventOptions = {}) {
    this.#deliver = deliver
    this.#options = options
  }

  /** The variables that an execution environment gets for it. */
  async start(): Promise<Record<string, string>> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    const { port } = this.#server.address() as AddressInfo
    return {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_SESSION_TOKEN: CREDENTIALS.sessionToken,
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${port}`,
    }
  }

  /** Resolves when no event waits or runs. */
  async quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  /** Events that wait are forgotten. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const [timer, wake] of this.#timers) {
      clearTimeout(timer)
      wake()
    }
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.quiet()
  }

  async #serve(req: http.IncomingMessage, res: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const answer = (status: number, type?: string, message?: string) => {
      if (status !== 202) this.refused.push(status)
      res.writeHead(status, { 'content-type': 'application/json', ...(type && { 'x-amzn-errortype': type }) })
      res.end(message && JSON.stringify({ message }))
    }
    const url = new URL(req.url ?? '', `http://${req.headers.host}`)
    if (req.method !== 'POST' || url.pathname !== '/2015-03-31/functions/mcp/invocations') {
      return answer(404, 'ResourceNotFoundException', 'Function not found')
    }
    if (!(await isSigned(req, url, body))) {
      const message = 'The request signature we calculated does not match the signature you provided.'
      return answer(403, 'InvalidSignatureException', message)
    }
    if (this.#options.allowed === false) {
      return answer(403, 'AccessDeniedException', 'is not authorized to perform: lambda:InvokeFunction')
    }
    if (url.searchParams.get('Qualifier') !== 'live') {
      return answer(403, 'AccessDeniedException', 'is not authorized to perform: lambda:InvokeFunction on this version')
    }
    if (req.headers['x-amz-invocation-type'] !== 'Event') return answer(400, 'InvalidParameterValueException', 'Event')
    const event = this.accepted++
    answer(202)
    if (this.#options.lost?.(event)) return
    const { delay = () => 0, copies = () => 1 } = this.#options
    for (let copy = 0; copy < copies(event); copy++) this.#during(this.#event(JSON.parse(body), delay(event)))
  }

  async #event(payload: object, delay: number): Promise<void> {
    const { retryAfter = [100, 200] } = this.#options
    await this.#wait(delay)
    for (let attempt = 1; attempt <= 3 && !this.#stopped; attempt++) {
      const delivery: Delivery = { payload, attempt, environment: '', outcome: undefined }
      this.deliveries.push(delivery)
      const done = await this.#deliver(payload, delivery)
      delivery.outcome = done ? 'done' : 'failed'
      if (done) return
      await this.#wait(retryAfter[attempt - 1] ?? 0)
    }
  }

  #during(work: Promise<void>): void {
    const whole = work.finally(() => this.#underWay.delete(whole))
    this.#underWay.add(whole)
  }

  #wait(ms: number): Promise<void> {
    if (ms === 0 || this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        this.#timers.delete(timer)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#timers.set(timer, wake)
    })
  }
}

/** Signs the request again, as AWS does, and compares. */
async function isSigned(req: http.IncomingMessage, url: URL, body: string): Promise<boolean> {
  const { authorization = '', ...given } = req.headers
  const names = /SignedHeaders=([\w;-]+)/.exec(authorization)?.[1]?.split(';') ?? []
  const must = ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-invocation-type']
  if (must.some((name) => !names.includes(name))) return false
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(given['x-amz-date'])) ?? []
  const signingDate = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (!(Math.abs(Date.now() - signingDate.getTime()) < SKEW)) return false
  const signer = new SignatureV4({
    service: 'lambda',
    region: REGION,
    credentials: CREDENTIALS,
    sha256: Sha256,
    applyChecksum: false,
  })
  const headers = Object.fromEntries(names.map((name) => [name, String(given[name])]))
  const request = {
    method: 'POST',
    protocol: 'http:',
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers,
    body,
  }
  const again = await signer.sign(request, { signingDate })
  return again.headers.authorization === authorization
}
