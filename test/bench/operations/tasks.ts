/** What tasks cost at Redis: commands and bytes of each step, which do not depend on the speed of the machine. */
import { z } from 'zod'
import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import { createEndpoint } from '../../../lib/endpoint.ts'
import { McpServer } from '../../../lib/server/mcp-server.ts'
import type { Store } from '../../../lib/store/store.ts'
import { body, headers } from '../../stateless/requests.ts'
import type { Passed } from '../../support/counting-proxy.ts'
import { answerOf, type RpcMessage } from '../../support/raw.ts'
import { type Counted, each, KEYS, MORE, measured, passedText } from './counted.ts'

export const TASK_STEPS = {
  plain: 'call of a tool that has tasks, by a client without them (2026-07-28)',
  create: 'task of 2026-07-28 that asks: its call, and its first leg',
  poll: 'a poll that finds nothing new, on another instance',
  update: 'its answer, on another instance, and the leg that runs to the end',
  result: 'the poll that gets the result',
  leg: 'one more leg, of the eleventh to the twentieth: the poll that finds what it asks, the answer, and its run',
  once: 'one `ctx.once` in a leg',
  single: 'one `ctx.once` with `single`',
  cancel: 'a cancel of a task that waits',
  sessionPlain: 'call of the tool in a session, without a task (2025-11-25)',
  sessionCreate: 'task of 2025-11-25 without an ask: its call, and its leg',
  sessionPoll: 'a poll of it',
  sessionResult: '`tasks/result` once it has ended',
} as const

export type TaskStepName = keyof typeof TASK_STEPS
export type TaskCosts = Record<TaskStepName, Passed>

const CAPABILITIES = { elicitation: { form: {} }, extensions: { 'io.modelcontextprotocol/tasks': {} } }

function makeServer(): McpServer {
  const server = new McpServer({ name: 'task costs', version: '1.0.0' })
  const form = z.object({ ok: z.boolean() })
  const inputSchema = z.object({
    steps: z.int().default(0),
    asks: z.int().default(0),
    single: z.boolean().default(false),
  })
  server.registerTool(
    'work',
    { inputSchema, task: 'optional', durable: true },
    async ({ steps, asks, single }, ctx) => {
      for (let i = 0; i < steps; i++) await ctx.once(`step ${i}`, () => i, { single })
      for (let i = 0; i < asks; i++) await ctx.elicit('Go on?', form, { key: `ask ${i}` })
      return { content: [{ type: 'text', text: 'done' }] }
    },
  )
  return server
}

/** `port`: of a Redis on this machine that nobody else uses. */
export function measureTasks(port: number): Promise<TaskCosts> {
  // Nothing that goes by itself is counted, nor what a leg does because this machine is slow.
  const session = { heartbeat: 600_000, lease: 600_000, registerAfter: 600_000 }
  const never = { cancel() {} }
  const clock: Clock = {
    ...systemClock,
    after: (ms, fn) => (ms >= 100 ? never : systemClock.after(ms, fn)),
    every: () => never,
  }
  const make = (store: Store) => createEndpoint(makeServer(), { store, keys: KEYS, session, clock })
  return measured(port, make, (counted) => new Steps(counted).all())
}

class Steps {
  readonly #counted: Counted
  #headers: Record<string, string> = {}
  #ids = 0

  constructor(counted: Counted) {
    this.#counted = counted
  }

  async all(): Promise<TaskCosts> {
    const [plain] = await this.#step(0, 'tools/call', { name: 'work', arguments: {} }, { elicitation: { form: {} } })
    const [create, made] = await this.#create({ asks: 1 })
    const { taskId } = made.result
    const [poll] = await this.#step(1, 'tasks/get', { taskId })
    const [update] = await this.#answer(taskId, 0)
    const [result] = await this.#step(0, 'tasks/get', { taskId })
    const [, waiting] = await this.#create({ asks: 1 })
    const [cancel] = await this.#step(1, 'tasks/cancel', { taskId: waiting.result.taskId })
    return {
      ...{ plain, create, poll, update, result, cancel },
      leg: each(await this.#legs(2 * MORE), await this.#legs(MORE)),
      once: each(await this.#once(2 * MORE), await this.#once(MORE)),
      single: each(await this.#once(2 * MORE, true), await this.#once(MORE, true)),
      ...(await this.#inSession()),
    }
  }

  #step(
    index: number,
    method: string,
    params: Record<string, unknown>,
    capabilities: object = CAPABILITIES,
  ): Promise<[Passed, RpcMessage]> {
    const request = { id: ++this.#ids, method, params, capabilities }
    const named = typeof params.taskId === 'string' ? { 'mcp-name': params.taskId } : {}
    return this.#counted.invocation(index, () => this.#send(index, body(request), { ...headers(request), ...named }))
  }

  async #send(index: number, message: object, more: Record<string, string>): Promise<RpcMessage> {
    const answer = await answerOf(await this.#counted.post(index, message, more))
    if (!answer.result) throw new Error(JSON.stringify(answer))
    return answer
  }

  #create(args: object): Promise<[Passed, RpcMessage]> {
    return this.#step(0, 'tools/call', { name: 'work', arguments: args })
  }

  #answer(taskId: string, n: number): Promise<[Passed, RpcMessage]> {
    const inputResponses = { [`ask ${n}`]: { action: 'accept', content: { ok: true } } }
    return this.#step(1, 'tasks/update', { taskId, inputResponses })
  }

  /** A task of so many legs, from its first poll on. */
  async #legs(asks: number): Promise<Passed> {
    const { taskId } = (await this.#create({ asks }))[1].result
    const parts: Passed[] = []
    for (let n = 0; n < asks; n++) {
      parts.push((await this.#step(0, 'tasks/get', { taskId }))[0])
      parts.push((await this.#answer(taskId, n))[0])
    }
    return sum(parts)
  }

  async #once(steps: number, single = false): Promise<Passed> {
    return (await this.#create({ steps, single }))[0]
  }

  async #inSession(): Promise<Pick<TaskCosts, 'sessionPlain' | 'sessionCreate' | 'sessionPoll' | 'sessionResult'>> {
    this.#headers = await this.#counted.open({})
    // The first request makes the lifetime of the session longer.
    await this.#ask(0, 'tools/list', {})
    const [sessionPlain] = await this.#ask(0, 'tools/call', { name: 'work', arguments: {} })
    const [sessionCreate, made] = await this.#ask(0, 'tools/call', { name: 'work', arguments: {}, task: {} })
    const { taskId } = made.result.task
    const [sessionPoll] = await this.#ask(1, 'tasks/get', { taskId })
    const [sessionResult] = await this.#ask(1, 'tasks/result', { taskId })
    return { sessionPlain, sessionCreate, sessionPoll, sessionResult }
  }

  #ask(index: number, method: string, params: object): Promise<[Passed, RpcMessage]> {
    const message = { jsonrpc: '2.0', id: ++this.#ids, method, params }
    return this.#counted.invocation(index, () => this.#send(index, message, this.#headers))
  }
}

function sum(parts: readonly Passed[]): Passed {
  const all: Passed = { commands: {}, count: 0, sent: 0, received: 0 }
  for (const { commands, count, sent, received } of parts) {
    for (const [name, n] of Object.entries(commands)) all.commands[name] = (all.commands[name] ?? 0) + n
    all.count += count
    all.sent += sent
    all.received += received
  }
  return all
}

export const tasksText = (costs: TaskCosts): string => passedText(TASK_STEPS, costs)
