/**
 * Each call of a POST gets one answer in every order of the steps of handlers, store and clock. A POST is one call of
 * 2025-11-25 or a batch of 2025-03-26. Calls wait, send, ask, throw, are cancelled, or meet faults of the store. A
 * client of 2025-11-25 resumes a stream that ends before the answer, on this instance or another, and misses no
 * message.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { typedId } from '../../lib/protocol/jsonrpc.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { sessionKey } from '../../lib/session/stream/session.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage } from '../support/raw.ts'
import { ManualClock, turn } from './simulation.ts'

type Step = 'wait' | 'send' | 'ask' | 'close' | 'throw'
type Fault = 'none' | 'not done' | 'done, reply lost'

interface Plan {
  batch: boolean
  calls: Step[][]
  cancels: { call: number; here: boolean }[]
  deletes: boolean
  /** When the platform ends responses, in ms from the start. */
  deadline: number | undefined
  /** The faults of the store's operations, in the order in which these are issued. */
  faults: Fault[]
  /** The choice of the next step among the possible ones. */
  choices: number[]
}

/** The steps that are possible now. The property chooses which of them runs next. */
class Steps {
  readonly waiting: (() => void)[] = []

  /** Resolves when it is this step's turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve))
  }
}

/**
 * One connection to the store: operations run in the order in which they are sent, and replies arrive in that order.
 */
function connection(store: Store, steps: Steps, faults: Fault[]): Store {
  let sent: Promise<unknown> = Promise.resolve()
  let replied: Promise<unknown> = Promise.resolve()
  const through = async (operation: () => Promise<unknown>) => {
    const fault = faults.shift() ?? 'none'
    const work = sent.then(async () => {
      await steps.turn()
      return fault === 'not done' ? undefined : operation()
    })
    sent = work.catch(() => {})
    const reply = Promise.all([work, replied]).then(async ([value]) => {
      await steps.turn()
      if (fault !== 'none') throw new StoreUnavailable('away')
      return value
    })
    replied = reply.catch(() => {})
    return reply
  }
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const value = target[name]
      if (typeof value !== 'function') return value
      // It answers at once, from what the store has heard of its memory.
      if (name === 'nearlyFull') return value.bind(target)
      const operation = value.bind(target) as (...args: unknown[]) => Promise<unknown>
      const direct = ['wake', 'close', 'nearlyFull', 'receive', 'readSession', 'up', 'down', 'alive'].includes(name)
      return direct ? operation : (...args: unknown[]) => through(() => operation(...args))
    },
  })
}

async function check(plan: Plan): Promise<void> {
  const store = memoryStore()
  const clock = new ManualClock()
  const steps = new Steps()
  const faults: Fault[] = []
  let sent = 0
  const server = new McpServer({ name: 'one-answer', version: '1' })
  server.registerTool('act', {}, async (ctx: Context) => {
    for (const step of plan.calls[Number(ctx.requestId)] ?? []) {
      await steps.turn()
      if (step === 'send') void ctx.progress(++sent)
      if (step === 'close') ctx.closeStream()
      if (step === 'ask') await ctx.listRoots()
      if (step === 'throw') throw new Error('as planned')
    }
    return { content: [{ type: 'text', text: `done ${ctx.requestId}` }] }
  })
  const deadline = plan.deadline === undefined ? undefined : clock.now() + plan.deadline
  const here = createEndpoint(server, { store: connection(store, steps, faults), clock, onError: () => {} })
  const there = createEndpoint(server, { store, clock, onError: () => {} })
  const send = (endpoint: typeof here, message: unknown, extra: Record<string, string> = {}, method = 'POST') => {
    const headers = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...extra }
    const body = method === 'POST' ? JSON.stringify(message) : null
    return endpoint.fetch(new Request('http://localhost/mcp', { method, headers, body }), { deadline })
  }
  const params = {
    protocolVersion: plan.batch ? '2025-03-26' : '2025-11-25',
    capabilities: { roots: {} },
    clientInfo: { name: 'a', version: '1' },
  }
  const opened = await send(there, { jsonrpc: '2.0', id: 'open', method: 'initialize', params })
  const id = opened.headers.get('mcp-session-id') ?? ''
  const session = { 'mcp-session-id': id }
  faults.push(...plan.faults)

  const calls = plan.calls.slice(0, plan.batch ? undefined : 1).map((_, i) => ({
    jsonrpc: '2.0',
    id: i,
    method: 'tools/call',
    params: { name: 'act', arguments: {}, _meta: { progressToken: i } },
  }))
  const extras: (() => unknown)[] = plan.cancels.map(({ call, here: local }) => () => {
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: call % calls.length } }
    return send(local ? here : there, cancel, session)
  })
  if (plan.deletes) extras.push(() => send(there, undefined, session, 'DELETE'))
  for (const extra of extras) void steps.turn().then(extra)

  const answered = (async () => {
    const response = await send(here, plan.batch ? calls : calls[0], session)
    if (response.status === 202 || response.status === 404) return []
    const all: RpcMessage[] = []
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      return [(await response.json()) as RpcMessage | RpcMessage[]].flat()
    }
    let last = ''
    const read = async (stream: Response) => {
      const reader = new EventReader(stream)
      for (let event = await reader.next(); event; event = await reader.next()) {
        last = event.id ?? last
        if (!event.message) continue
        all.push(event.message)
        const { id: ask, method } = event.message
        if (method !== 'roots/list') continue
        void steps.turn().then(() => send(there, { jsonrpc: '2.0', id: ask, result: { roots: [] } }, session))
      }
    }
    await read(response)
    for (let times = 0; times < 20 && last !== '' && !all.some(({ id: answered }) => answered === 0); times++) {
      if (plan.batch) break
      await steps.turn()
      const resume = { ...session, accept: 'text/event-stream', 'last-event-id': last }
      const resumed = await send(times % 2 === 0 ? there : here, undefined, resume, 'GET')
      if (resumed.status === 404) break
      if (resumed.status === 200) await read(resumed)
    }
    return all
  })()
  let messages: RpcMessage[] | undefined
  void answered.then((all) => {
    messages = all
  })
  const choices = [...plan.choices]
  // After the choices, every step runs until none is left, also the operations that are tried again later.
  // What has failed several times is tried again after pauses that grow.
  const isOwed = () => here.stats().owed + there.stats().owed > 0
  for (let idle = 0; idle < (isOwed() ? 400 : 40); ) {
    await turn(1)
    const choice = choices.shift()
    const index = choice === undefined ? 0 : choice % (steps.waiting.length + 1)
    const [step] = steps.waiting.splice(index, 1)
    if (step) step()
    else await clock.advance(choice === undefined ? 1_000 : 30)
    if (choice === undefined) idle = steps.waiting.length > 0 ? 0 : idle + 1
  }
  expect(messages, 'an answer').toBeDefined()

  for (const { id: call } of calls) {
    const own = (messages ?? []).filter((message) => message.id === call)
    const may = plan.deletes || plan.cancels.some((cancel) => cancel.call % calls.length === call)
    if (!may) expect(own, `the answers to ${call}`).toHaveLength(1)
    expect(own.length).toBeLessThanOrEqual(1)
    const notifications = (messages ?? []).filter(({ params }) => params?.progressToken === call)
    const progress = notifications.map(({ params }) => params.progress as number)
    expect(progress, 'each once, in their order').toEqual([...new Set(progress)].sort((a, b) => a - b))
    const [answer] = own
    if (answer && !may && plan.deadline === undefined && plan.faults.every((fault) => fault === 'none')) {
      const text = plan.calls[call]?.includes('throw') ? 'as planned' : `done ${call}`
      expect(JSON.stringify(answer)).toContain(text)
      const [before = ''] = (plan.calls[call] ?? []).join(' ').split('throw')
      expect(progress, 'all that the call sent').toHaveLength(before.split('send').length - 1)
    }
  }
  expect(there.stats()).toEqual({ connections: 0, calls: 0, unregistered: 0, owed: 0 })
  expect(here.stats()).toEqual({ connections: 0, calls: 0, unregistered: 0, owed: 0 })
  const key = sessionKey('', id)
  for (const { id: call } of calls) {
    expect(await store.cancel(key, typedId(call)), `the run of ${call} in the store`).toEqual({ status: 'unknown' })
  }
}

const steps = fc.array(fc.constantFrom<Step>('wait', 'wait', 'send', 'ask', 'close', 'throw'), { maxLength: 5 })
const plans = (faults: fc.Arbitrary<Fault[]>) =>
  fc.record({
    batch: fc.boolean(),
    calls: fc.array(steps, { minLength: 1, maxLength: 3 }),
    cancels: fc.array(fc.record({ call: fc.nat(2), here: fc.boolean() }), { maxLength: 2 }),
    deletes: fc.boolean(),
    deadline: fc.option(fc.integer({ min: 20, max: 4_000 }), { nil: undefined, freq: 3 }),
    faults,
    choices: fc.array(fc.nat(20), { maxLength: 60 }),
  })
const runs = Number(process.env.PROPERTY_RUNS ?? 500)

test.each<[string, fc.Arbitrary<Fault[]>]>([
  ['a reliable store', fc.constant([])],
  [
    'a store that fails at times',
    fc.array(fc.constantFrom<Fault>('none', 'none', 'not done', 'done, reply lost'), { maxLength: 8 }),
  ],
])('each call of a POST gets one answer from an endpoint with %s', async (_, faults) => {
  await fc.assert(fc.asyncProperty(plans(faults), check), { numRuns: runs })
})
