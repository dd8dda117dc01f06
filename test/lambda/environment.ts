/** An execution environment of AWS Lambda: the official runtime client in a process, and the Runtime API for it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { runtimeClient } from './ric.ts'

/** The receiver of a function's response. */
export interface Answer {
  /** A chunk of the response stream. Resolves when the next one may follow. */
  chunk(bytes: Buffer): Promise<void> | void
  /** The stream has ended; `error`: the error in its trailers. `why`: the reason to report if there was no head yet. */
  end(error: string | undefined, why: string): void
  /** The result of a function that does not stream. */
  whole(result: string): void
  /** The function threw, exited, or exceeded its time limit; `why`: the reason, and its log. */
  fail(why: string): void
}

/** What an invocation took, in ms: from its event to the moment at which its environment was frozen. */
export interface Billed {
  ms: number
  /** CPU time of the process. Only Linux says it; elsewhere 0. */
  cpu: number
}

interface Invocation {
  id: string
  answer: Answer
  /** The response is complete; the function may still run. */
  answered: boolean
  timer: NodeJS.Timeout
  begun: number
  /** CPU time of the process when it began, in ms. */
  used: number
  finished: (billed: Billed) => void
}

export interface FunctionOptions {
  /** The folder that is deployed. */
  task: string
  /** `file.export`. */
  handler: string
  env: Record<string, string>
  /** ms. */
  timeout: number
  clockFile: string
}

export class Environment {
  readonly name = randomUUID().slice(0, 8)
  readonly log: string[] = []
  state: 'starting' | 'idle' | 'busy' | 'dead' = 'starting'
  /** The process exited by itself, or was killed at its time limit. */
  lost = false
  /** ms by which its clock is ahead. */
  #ahead = 0
  #next: http.ServerResponse | undefined
  #current: Invocation | undefined
  #child: ChildProcess | undefined
  readonly #options: FunctionOptions
  // A connection is silent for as long as the function runs.
  readonly #server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (req, res) => this.#serve(req, res))
  readonly #waiting: (() => void)[] = []

  constructor(options: FunctionOptions) {
    this.#options = options
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** The response was sent, and the function has not asked for the next event yet. */
  get hasAnswered(): boolean {
    return this.#current?.answered === true
  }

  /** Starts the process. Resolves when it is ready for its first event; it is frozen then. */
  async start(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    const { port } = this.#server.address() as AddressInfo
    const { task, handler, env, clockFile } = this.#options
    const preload = new URL('./preload.ts', import.meta.url).href
    const child = spawn(process.execPath, ['--import', preload, runtimeClient()], {
      cwd: task,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '',
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
        AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: 'true',
        AWS_LAMBDA_FUNCTION_NAME: 'mcp',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/mcp',
        AWS_LAMBDA_LOG_STREAM_NAME: this.name,
        LAMBDA_TASK_ROOT: task,
        _HANDLER: handler,
        TEST_CLOCK: clockFile,
        ...env,
      },
    })
    this.#child = child
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => this.log.push(line))
    }
    child.once('close', (code, signal) => this.#died(`exit (${signal ?? code})`))
    const ready = await Promise.race([this.idle(), once(child, 'close')])
    if (ready) throw new Error(`The function did not start:\n${this.log.join('\n')}`)
  }

  /** Resolves when the function waits for an event. */
  async idle(): Promise<void> {
    while (this.state !== 'idle') {
      if (this.state === 'dead') throw new Error(`The environment is gone:\n${this.log.join('\n')}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Sends an event. Resolves when the function has ended, which may be long after its response. */
  invoke(event: object, answer: Answer): Promise<Billed> {
    this.state = 'busy'
    return new Promise((finished) => {
      const { timeout } = this.#options
      const timer = setTimeout(() => this.#died('timeout'), timeout)
      const id = randomUUID()
      const begun = performance.now()
      this.#current = { id, answer, answered: false, timer, begun, used: cpuOf(this.pid), finished }
      process.kill(this.pid, 'SIGCONT')
      this.#next?.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': id,
        'lambda-runtime-deadline-ms': String(Date.now() + this.#ahead + timeout),
        'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:123456789012:function:mcp:live',
      })
      this.#next?.end(JSON.stringify(event))
      this.#next = undefined
    })
  }

  /** Moves the wall clock of the process ahead, as time passes while it is frozen. */
  moveClock(ms: number): void {
    this.#ahead += ms
    writeFileSync(this.#options.clockFile, String(this.#ahead))
  }

  /**
   * Kills the process in the middle of a request, as a machine that fails does.
   *
   * @throws Error where it serves no request
   */
  kill(): void {
    if (!this.#current || this.#current.answered) throw new Error(`Environment ${this.name} serves nobody.`)
    this.#died('killed')
  }

  /** Ends the process without notice, as Lambda does. */
  async stop(): Promise<void> {
    this.#died('stop')
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(req: http.IncomingMessage, res: http.ServerResponse): void {
    const [, , , kind, id, what] = (req.url ?? '').split('/')
    if (kind === 'init') {
      this.log.push('init error')
      res.writeHead(202).end()
    } else if (id === 'next') {
      this.#next = res
      this.#settle()
    } else if (this.#current?.id !== id) res.writeHead(400).end()
    else this.#receive(what ?? '', req, res).catch((error) => this.#died(`its answer broke off (${String(error)})`))
  }

  async #receive(what: string, req: http.IncomingMessage, res: http.ServerResponse): Promise<void> {
    const current = this.#current as Invocation
    const streams = req.headers['lambda-runtime-function-response-mode'] === 'streaming'
    const chunks: Buffer[] = []
    for await (const chunk of req as AsyncIterable<Buffer>) {
      if (streams) await current.answer.chunk(chunk)
      else chunks.push(chunk)
    }
    if (streams) {
      const error = req.trailers['lambda-runtime-function-error-type']
      current.answer.end(error, this.#story(`the stream ended without its head (${error ?? 'no error'})`))
    } else if (what === 'response') current.answer.whole(Buffer.concat(chunks).toString())
    else current.answer.fail(this.#story(`the function failed: ${Buffer.concat(chunks).toString()}`))
    current.answered = true
    res.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}')
    this.#settle()
  }

  /** The function has responded and asks for the next event: freezes it until there is one. */
  #settle(): void {
    if (!this.#next || (this.#current && !this.#current.answered)) return
    const done = this.#current
    this.#current = undefined
    clearTimeout(done?.timer)
    this.state = 'idle'
    process.kill(this.pid, 'SIGSTOP')
    done?.finished(billedOf(done, this.pid))
    this.#wake()
  }

  #died(reason: string): void {
    if (this.state === 'dead') return
    this.state = 'dead'
    this.lost = reason !== 'stop'
    const current = this.#current
    const billed = current && billedOf(current, this.pid)
    this.#child?.kill('SIGKILL')
    this.#current = undefined
    clearTimeout(current?.timer)
    if (current && !current.answered) current.answer.fail(this.#story(reason))
    if (billed) current.finished(billed)
    this.#wake()
  }

  #story(reason: string): string {
    return [`Environment ${this.name}: ${reason}`, ...this.log].join('\n')
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

function billedOf({ begun, used }: Invocation, pid: number): Billed {
  return { ms: performance.now() - begun, cpu: Math.max(0, cpuOf(pid) - used) }
}

/** CPU time of all threads of a process, in ms. Only Linux says it; elsewhere, and where the process is gone, 0. */
function cpuOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
      const [ns = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
      return sum + Number(ns) / 1e6
    }, 0)
  } catch {
    return 0
  }
}
