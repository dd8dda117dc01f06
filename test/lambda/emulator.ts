/**
 * AWS Lambda for tests: a front (Function URL, API Gateway REST or HTTP API, load balancer) before a limited number of
 * execution environments. Each serves one request at a time, the one that has waited longest gets
 * the next, and between requests all of them are frozen.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Answer, type Billed, Environment } from './environment.ts'
import { type Front, makeEvent, readHead, readWhole } from './fronts.ts'
import { type Delivery, type EventOptions, InvokeApi } from './invoke-api.ts'

export interface LambdaOptions {
  task: string
  /** Default: `lambda.handler`. */
  handler?: string
  /** Default: a Function URL. */
  front?: Front
  env?: Record<string, string>
  /** ms, default 60 s. */
  timeout?: number
  /** Environments that are there from the start, and the most there may be. Default 3. */
  size?: number
  limit?: number
  /** How the Invoke API treats the events that the function sends to itself. */
  events?: EventOptions
}

export interface Served {
  method: string
  body: string
  /** The environment, or undefined for a request that was refused. */
  environment: string | undefined
  status: number
  /** Resolves when the function has ended, or the request was refused. */
  finished: Promise<void>
  /** What the function took, once it has ended. */
  billed?: Billed
}

export interface Lambda {
  /** The endpoint behind the front. */
  url: URL
  environments: Environment[]
  /** The logs of the environments that were lost. */
  lost(): string[][]
  /** Every request so far that was answered. */
  requests: Served[]
  /** The Invoke API, and the events that it has delivered. */
  invokeApi: InvokeApi
  /** Resolves when no function runs, and no event waits. */
  quiet(): Promise<void>
  stop(): Promise<void>
}

/** Of a request to a function, in bytes. */
const LARGEST_EVENT = 6 * 1024 * 1024

export async function startLambda(options: LambdaOptions): Promise<Lambda> {
  const {
    task,
    handler = 'lambda.handler',
    front = 'url',
    env = {},
    timeout = 60_000,
    size = 3,
    limit = size,
  } = options
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-lambda-'))
  const environments: Environment[] = []
  const all: Environment[] = []
  const requests: Served[] = []
  let order = 0
  const invokeApi = new InvokeApi(deliver, options.events)
  const ofFunction = await invokeApi.start()
  /** Events that wait for an environment. */
  const waiting: (() => void)[] = []
  let stopped = false

  async function add(): Promise<Environment> {
    const clockFile = join(folder, `clock-${order++}`)
    writeFileSync(clockFile, '0')
    const environment = new Environment({ task, handler, env: { ...ofFunction, ...env }, timeout, clockFile })
    environments.push(environment)
    all.push(environment)
    await environment.start()
    return environment
  }

  /** The idle environment that has waited longest, a new one, or none. One that has sent its response is idle in a moment. */
  async function pick(): Promise<Environment | undefined> {
    const living = environments.filter(({ state }) => state !== 'dead')
    environments.splice(0, environments.length, ...living)
    const index = environments.findIndex(({ state }) => state === 'idle')
    if (index < 0) {
      if (environments.length < limit) return add()
      const ending = environments.find(({ hasAnswered }) => hasAnswered)
      await ending?.idle().catch(() => {})
      return ending && pick()
    }
    const [environment] = environments.splice(index, 1)
    if (!environment) return undefined
    environments.push(environment)
    // At once, so that no other request picks it.
    environment.state = 'busy'
    return environment
  }

  /** An environment becomes idle, or is gone. */
  function freed(): void {
    for (const wake of waiting.splice(0)) wake()
  }

  /** An event waits until an environment is free, where a request is refused. */
  async function deliver(payload: object, delivery: Delivery): Promise<boolean> {
    while (!stopped) {
      const environment = await pick()
      if (environment) {
        delivery.environment = environment.name
        return event(environment, payload).finally(freed)
      }
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    return false
  }

  async function serve(req: http.IncomingMessage, res: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const finished = Promise.withResolvers<void>()
    const served: Served = {
      method: req.method ?? '',
      body: body.toString(),
      environment: undefined,
      status: 413,
      finished: finished.promise,
    }
    requests.push(served)
    try {
      if (body.length > LARGEST_EVENT) return void res.writeHead(413).end()
      const environment = await pick()
      if (!environment) {
        served.status = 429
        res.writeHead(429, { 'content-type': 'application/json' })
        return void res.end('{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}')
      }
      served.environment = environment.name
      const answer = answerTo(res, front, served)
      served.billed = await environment.invoke(makeEvent(front, req, body), answer).finally(freed)
    } finally {
      finished.resolve()
    }
  }

  const server = http.createServer((req, res) => void serve(req, res).catch(() => res.destroy()))
  await Promise.all(Array.from({ length: size }, add))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    environments,
    lost: () => all.filter(({ lost }) => lost).map(({ log }) => log),
    requests,
    invokeApi,
    async quiet() {
      await Promise.all(requests.map(({ finished }) => finished))
      await invokeApi.quiet()
    },
    async stop() {
      stopped = true
      server.closeAllConnections()
      const stopping = invokeApi.stop()
      await new Promise((resolve) => server.close(resolve))
      await Promise.all(all.map((environment) => environment.stop()))
      freed()
      await stopping
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Invokes the function with an event that is no request. Resolves with false where it fails. */
async function event(environment: Environment, payload: object): Promise<boolean> {
  let failed = false
  await environment.invoke(payload, {
    chunk: () => {},
    end: (error) => {
      failed ||= error !== undefined
    },
    whole: () => {},
    fail: () => {
      failed = true
    },
  })
  return !failed
}

/** The response to the client. The function gets no notice when the client disconnects. */
function answerTo(res: http.ServerResponse, front: Front, served: Served): Answer {
  let head: Buffer | undefined = Buffer.alloc(0)
  const begin = (status: number, headers: http.OutgoingHttpHeaders) => {
    served.status = status
    head = undefined
    res.writeHead(status, headers)
    res.flushHeaders()
  }
  const write = async (bytes: Buffer) => {
    if (bytes.length === 0 || res.write(bytes) || res.destroyed) return
    const writable = new AbortController()
    await Promise.race(['drain', 'close'].map((event) => once(res, event, writable)))
    writable.abort()
  }
  // Lambda does not send the reason to the client. Here it helps the reader of a failed test.
  const broken = (why: string) => {
    begin(502, { 'content-type': 'application/json' })
    res.end(JSON.stringify({ message: 'Internal Server Error', why }))
  }
  return {
    async chunk(bytes) {
      if (!head) return write(bytes)
      head = Buffer.concat([head, bytes])
      const read = readHead(head)
      if (!read) return
      begin(read.status, read.headers)
      await write(read.rest)
    },
    end(error, why) {
      // A stream that ends before its head has no status.
      if (head) return broken(why)
      if (error !== undefined) res.destroy()
      else res.end()
    },
    whole(result) {
      const { status, headers, body } = readWhole(front, result)
      begin(status, headers)
      res.end(body)
    },
    fail(why) {
      if (head) broken(why)
      else res.destroy()
    },
  }
}
