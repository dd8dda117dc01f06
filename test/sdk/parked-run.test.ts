/** What happens to a run that waits for its client: refused and repeated retries, limits, ends, and mail that is lost. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { onEvent } from '../../lib/base/events.ts'
import type { Endpoint, EndpointOptions } from '../../lib/endpoint.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { StoreUnavailable } from '../../lib/store/store.ts'
import { META, retry, type StatelessRequest, tool } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { interceptedStore } from '../support/intercepted-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { RpcMessage } from '../support/raw.ts'
import { answered, ask, endpointOf, messages, type SendOptions, send } from './stateless.ts'

const form = (message: string) => ({
  message,
  requestedSchema: { type: 'object' as const, properties: { name: { type: 'string' as const } } },
})
const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] })
const textOf = ({ result }: RpcMessage): string => result?.content?.[0]?.text

/** What the handlers of a test did. */
interface Seen {
  runs: number
  aborted: string[]
  /** Begins what a handler does while its run waits. */
  meanwhile: PromiseWithResolvers<void>
  /** It is done. */
  done: PromiseWithResolvers<void>
}

function serverOf(seen: Seen): McpServer {
  const server = new McpServer({ name: 'official', version: '1' }, { capabilities: { logging: {} } })
  const { server: low } = server
  server.registerTool('ask', { inputSchema: { label: z.string().default('') } }, async (_args, { signal }) => {
    seen.runs++
    signal.addEventListener('abort', () => seen.aborted.push(String(signal.reason)))
    const { content } = await low.elicitInput(form('Who?'), { timeout: 1e9 })
    return text(content?.name)
  })
  server.registerTool('ask_twice', { inputSchema: {} }, async (_args, { signal, sendNotification, _meta }) => {
    seen.runs++
    signal.addEventListener('abort', () => seen.aborted.push(String(signal.reason)))
    const first = await low.elicitInput(form('First?'), { timeout: 1e9 })
    const progressToken = _meta?.progressToken ?? ''
    await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
    await low.sendLoggingMessage({ level: 'debug', data: 'small' })
    await low.sendLoggingMessage({ level: 'error', data: 'large' })
    const second = await low.elicitInput(form('Second?'), { timeout: 1e9 })
    return text([first.content?.name, second.content?.name])
  })
  server.registerTool('ask_both', { inputSchema: {} }, async () => {
    const answers = await Promise.all([low.elicitInput(form('One?')), low.elicitInput(form('Two?'))])
    return text(answers.map(({ content }) => content?.name))
  })
  server.registerTool('fail', { inputSchema: {} }, async () => {
    await low.elicitInput(form('Fail?'))
    throw new Error('It failed.')
  })
  server.registerTool('wait', { inputSchema: {} }, async (_args, { signal }) => {
    await low.elicitInput(form('Wait?'))
    const gone = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    seen.meanwhile.resolve()
    await gone
    seen.aborted.push(String(signal.reason))
    return text('gone')
  })
  server.registerTool('ask_late', { inputSchema: {} }, async () => {
    seen.runs++
    await seen.meanwhile.promise
    const failed = await low.elicitInput(form('Late?'), { timeout: 1e9 }).catch((error: Error) => error.message)
    seen.aborted.push(String(failed))
    seen.done.resolve()
    return text(failed)
  })
  server.registerTool('stream', { inputSchema: {} }, async () => {
    await low.elicitInput(form('Stream?'))
    for (let i = 0; i < 60; i++) await low.sendLoggingMessage({ level: 'info', data: 'x'.repeat(100_000) })
    return text('streamed')
  })
  server.registerTool('flood', { inputSchema: {} }, async (_args, { signal }) => {
    signal.addEventListener('abort', () => seen.aborted.push(String(signal.reason)))
    const asked = low.elicitInput(form('Flood?'), { timeout: 1e9 })
    await seen.meanwhile.promise
    for (let i = 0; i < 12; i++) await low.sendLoggingMessage({ level: 'info', data: 'x'.repeat(100_000) })
    return text(await asked)
  })
  server.registerTool('meanwhile', { inputSchema: {} }, async () => {
    const asked = low.elicitInput(form('Either?'), { timeout: 1e9 }).catch(() => {})
    await seen.meanwhile.promise
    await low.sendLoggingMessage({ level: 'info', data: 'meanwhile' })
    void asked
    queueMicrotask(() => seen.done.resolve())
    return text('without the answer')
  })
  return server
}

const open: { endpoint: Endpoint; clock: ManualClock }[] = []
afterEach(async () => {
  for (const { endpoint, clock } of open.splice(0)) {
    const closing = endpoint.close()
    await clock.advance(1_000)
    await closing
  }
})

/** Instances of one server that share a store. */
function instances(size: number, options: EndpointOptions & { clock?: ManualClock } = {}) {
  const seen: Seen = { runs: 0, aborted: [], meanwhile: Promise.withResolvers(), done: Promise.withResolvers() }
  const { clock = new ManualClock(), ...others } = options
  const store = memoryStore({ clock })
  const session = { lease: 2_000, heartbeat: 1_000, drainTimeout: 100, ...options.session }
  const each = Array.from({ length: size }, () =>
    endpointOf(serverOf(seen), { store, clock, ...others, session, onError: () => {} }),
  )
  open.push(...each.map((endpoint) => ({ endpoint, clock })))
  const at = (index: number) => each[index] as Endpoint
  return { at, seen, clock }
}

/** Nothing of a run remains. */
async function nothingIsLeft(...endpoints: Endpoint[]): Promise<void> {
  for (const endpoint of endpoints) {
    await eventually(async () => {
      const { calls, connections, unregistered } = endpoint.stats()
      const { requests, output } = endpoint.held()
      return calls + connections + unregistered + requests + output === 0 ? true : undefined
    })
  }
}

test('the answer may come to any instance, and nothing is left after the result', async () => {
  const { at, seen } = instances(3)
  for (const index of [0, 1, 2]) {
    const asked = await ask(at(0), tool('ask'))
    expect(asked.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { 'elicit-1': { method: 'elicitation/create', params: { message: 'Who?' } } },
    })
    expect(at(0).stats().calls).toBe(1)
    const result = await ask(at(index), answered(tool('ask'), asked, `Ada ${index}`))
    expect(result).toMatchObject({ id: 'retry', result: { resultType: 'complete' } })
    expect(textOf(result)).toBe(`Ada ${index}`)
    await nothingIsLeft(at(0), at(1), at(2))
  }
  expect(seen.runs).toBe(3)
  expect(seen.aborted).toEqual([])
})

test('the messages of each leg are on its own stream, with its token and at its level', async () => {
  const { at } = instances(2)
  const request = tool('ask_twice')
  const first = await ask(at(0), { ...request, meta: { progressToken: 'one', [META.logLevel]: 'debug' } })
  const second = await messages(at(1), {
    ...answered(request, first),
    meta: { progressToken: 'two', [META.logLevel]: 'warning' },
  })
  expect(second.slice(0, -1).map(({ method, params }) => [method, params.progressToken ?? params.data])).toEqual([
    ['notifications/progress', 'two'],
    ['notifications/message', 'large'],
  ])
  const asked = second.at(-1) as RpcMessage
  expect(asked.result).toMatchObject({ resultType: 'input_required', inputRequests: { 'elicit-2': {} } })
  const last = await messages(at(0), answered(request, asked, 'Bob', 'elicit-2'))
  expect(last.map(textOf)).toEqual(['Ada,Bob'])
})

test('a retry without a token gets no progress, and one that takes JSON alone gets no messages', async () => {
  const { at } = instances(2)
  const request = tool('ask_twice')
  const withToken = { ...request, meta: { progressToken: 'one' } }
  const second = await messages(at(1), answered(request, await ask(at(0), withToken)))
  expect(second.map(({ method }) => method)).toEqual([undefined])
  const options: SendOptions = { accept: 'application/json' }
  const json = { ...answered(request, await ask(at(0), request)), meta: { progressToken: 'two' } }
  expect((await messages(at(1), json, options)).map(({ method }) => method)).toEqual([undefined])
})

test('of two equal retries at once one runs the handler on, and the other is an error', async () => {
  const { at, seen } = instances(2)
  const request = tool('ask')
  const asked = await ask(at(0), request)
  const both = await Promise.all([0, 1].map((index) => ask(at(index), answered(request, asked))))
  expect(both.map(textOf).filter((name) => name === 'Ada')).toHaveLength(1)
  const [error] = both.flatMap((message) => message.error ?? [])
  expect(error?.message).toMatch(/have come before|is over/)
  expect(seen.runs).toBe(1)
  await nothingIsLeft(at(0), at(1))
})

test('answers that the run has had are refused, while it waits for others', async () => {
  const { at, seen } = instances(2)
  const request = tool('ask_twice')
  const first = await ask(at(0), request)
  const second = await ask(at(1), answered(request, first))
  const again = await ask(at(1), answered(request, first))
  expect(again.error).toMatchObject({ code: -32602, message: expect.stringContaining('have come before') })
  expect(textOf(await ask(at(0), answered(request, second, 'Bob', 'elicit-2')))).toBe('Ada,Bob')
  const over = await ask(at(0), answered(request, second, 'Bob', 'elicit-2'))
  expect(over.error).toMatchObject({ code: -32603, message: expect.stringMatching(/is over.*PARK_SECONDS.*"durable"/) })
  expect(seen.runs).toBe(1)
})

test('another tool, other arguments and another caller are refused, and the run goes on waiting', async () => {
  const { at } = instances(2, { auth: 'middleware' })
  const request = tool('ask', { label: 'mine' })
  const me = { clientId: 'me' }
  const asked = await ask(at(0), request, me)
  const others: [StatelessRequest, SendOptions][] = [
    [tool('ask_twice'), me],
    [tool('ask', { label: 'yours' }), me],
    [request, { clientId: 'you' }],
  ]
  for (const [other, caller] of others) {
    for (const index of [0, 1]) {
      const { error } = await ask(at(index), answered(other, asked), caller)
      expect(error).toMatchObject({ code: -32602, message: 'requestState is not valid for this request.' })
    }
  }
  expect(textOf(await ask(at(1), answered(request, asked), me))).toBe('Ada')
})

test('an answer of a wrong shape is an error that names it, and the right one still counts', async () => {
  const { at, seen } = instances(2)
  const request = tool('ask')
  const asked = await ask(at(0), request)
  for (const wrong of [17, { action: 'maybe' }, { action: 'accept', content: 'Ada' }]) {
    const { error } = await ask(at(1), retry(request, asked, { 'elicit-1': wrong }))
    expect(error).toMatchObject({
      code: -32602,
      message: expect.stringMatching(/inputResponses\["elicit-1"\].*must be/),
    })
  }
  expect(textOf(await ask(at(1), answered(request, asked)))).toBe('Ada')
  expect(seen.runs).toBe(1)
})

test('asks of one turn go out together, and those without an answer go out again', async () => {
  const { at } = instances(2)
  const request = tool('ask_both')
  const first = await ask(at(0), request)
  expect(Object.keys(first.result.inputRequests)).toEqual(['elicit-1', 'elicit-2'])
  const second = await ask(at(1), answered(request, first, 'one', 'elicit-1'))
  expect(Object.keys(second.result.inputRequests)).toEqual(['elicit-2'])
  expect(textOf(await ask(at(0), answered(request, second, 'two', 'elicit-2')))).toBe('one,two')
})

test('a handler that fails after the answer fails the retry', async () => {
  const { at } = instances(2)
  const request = tool('fail')
  const result = await ask(at(1), answered(request, await ask(at(0), request)))
  expect(result.result).toMatchObject({ isError: true, content: [{ text: 'It failed.' }] })
})

test('what a handler sends and returns while it waits is for the retry', async () => {
  const { at, seen } = instances(2)
  const request = { ...tool('meanwhile'), meta: { [META.logLevel]: 'debug' } }
  const asked = await ask(at(0), request)
  seen.meanwhile.resolve()
  await seen.done.promise
  const all = await messages(at(1), answered(request, asked))
  expect(all.map((message) => message.params?.data ?? textOf(message))).toEqual(['meanwhile', 'without the answer'])
  await nothingIsLeft(at(0), at(1))
})

test('a run waits for so long, and then its signal is aborted and nothing is left of it', async () => {
  const { at, seen, clock } = instances(2, { stateless: { park: 60_000 } })
  const request = tool('ask')
  const asked = await ask(at(0), request)
  await clock.advance(59_000)
  expect([at(0).stats().calls, seen.aborted]).toEqual([1, []])
  await clock.advance(2_000)
  expect(seen.aborted).toEqual([expect.stringContaining('did not answer within 60 s (PARK_SECONDS)')])
  await nothingIsLeft(at(0), at(1))
  for (const index of [0, 1]) {
    const { error } = await ask(at(index), answered(request, asked))
    expect(error?.message).toMatch(
      /is over.*60 s \(PARK_SECONDS\).*"readOnly", "idempotent" or "durable" in options\.tools/,
    )
  }
})

test('each wait has the whole time', async () => {
  const { at, clock } = instances(1, { stateless: { park: 60_000 } })
  const request = tool('ask_twice')
  const first = await ask(at(0), request)
  await clock.advance(40_000)
  const second = await ask(at(0), answered(request, first))
  await clock.advance(40_000)
  expect(textOf(await ask(at(0), answered(request, second, 'Bob', 'elicit-2')))).toBe('Ada,Bob')
})

test.each([0, 1])('a retry that is closed cancels its run (at instance %i)', async (index) => {
  const { at, seen } = instances(2)
  const request = tool('wait')
  const asked = await ask(at(0), request)
  const abort = new AbortController()
  const going = send(at(index), answered(request, asked), { signal: abort.signal })
  await seen.meanwhile.promise
  abort.abort()
  await going.catch(() => {})
  await eventually(async () => (seen.aborted.length > 0 ? true : undefined))
  await nothingIsLeft(at(0), at(1))
})

test('a call that was cancelled before it asks waits for nobody', async () => {
  const { at, seen } = instances(1)
  const abort = new AbortController()
  const going = send(at(0), tool('ask_late'), { signal: abort.signal })
  await eventually(async () => (seen.runs > 0 ? true : undefined))
  abort.abort()
  await going.catch(() => {})
  seen.meanwhile.resolve()
  await seen.done.promise
  expect(seen.aborted).toEqual([expect.stringContaining('has ended')])
  await nothingIsLeft(at(0))
})

test('an instance that shuts down lets no further call wait', async () => {
  const { at, seen, clock } = instances(1)
  const going = ask(at(0), tool('ask_late'))
  await eventually(async () => (seen.runs > 0 ? true : undefined))
  const closing = at(0).close()
  await new Promise((resolve) => setImmediate(resolve))
  seen.meanwhile.resolve()
  expect((await going).result).toMatchObject({ content: [{ text: expect.stringContaining('is shutting down') }] })
  await clock.advance(1_000)
  await closing
})

test('an instance has so many waiting calls, and so has a caller', async () => {
  const { at } = instances(1, { auth: 'middleware', stateless: { maxParked: 3, maxParkedPerPrincipal: 2 } })
  const request = tool('ask')
  const me = { clientId: 'me' }
  const mine = [await ask(at(0), request, me), await ask(at(0), request, me)]
  const refused = await ask(at(0), request, me)
  expect(refused.result).toMatchObject({ isError: true })
  expect(textOf(refused)).toMatch(/this caller has 2 here.*stateless\.maxParkedPerPrincipal, MAX_PARKED_PER_PRINCIPAL/)
  expect((await ask(at(0), request, { clientId: 'you' })).result.resultType).toBe('input_required')
  expect(textOf(await ask(at(0), request, { clientId: 'they' }))).toMatch(
    /this instance has 3.*stateless\.maxParked, MAX_PARKED/,
  )
  expect(textOf(await ask(at(0), answered(request, mine[0] as RpcMessage), me))).toBe('Ada')
  expect((await ask(at(0), request, me)).result.resultType).toBe('input_required')
})

test('where nothing may wait, an ask is an error that names the options of the tool', async () => {
  const { at, seen } = instances(1, { stateless: { park: 0 } })
  const { result } = await ask(at(0), tool('ask'))
  expect(result).toMatchObject({ isError: true })
  expect(result.content[0].text).toMatch(
    /the tool "ask".*PARK_SECONDS is 0.*"readOnly", "idempotent" or "durable" in options\.tools/,
  )
  expect(seen.runs).toBe(1)
})

test.each(['readOnly', 'idempotent', 'durable'])(
  'a tool that is marked as %s is run again, and waits nowhere',
  async (mark) => {
    const { at, seen } = instances(2, { stateless: { park: 0 }, tools: { ask: { [mark]: true } } })
    const request = tool('ask')
    const asked = await ask(at(0), request)
    await nothingIsLeft(at(0), at(1))
    expect(textOf(await ask(at(1), answered(request, asked)))).toBe('Ada')
    expect(seen.runs).toBe(2)
  },
)

test('a retry gets messages of any number, and its handler waits for the reader of another instance', async () => {
  const { at } = instances(2)
  const request = { ...tool('stream'), meta: { [META.logLevel]: 'debug' } }
  const all = await messages(at(1), {
    ...answered(request, await ask(at(0), request)),
    meta: { [META.logLevel]: 'debug' },
  })
  expect(all.slice(0, -1).map(({ params }) => params.data.length)).toEqual(Array(60).fill(100_000))
  expect(textOf(all.at(-1) as RpcMessage)).toBe('streamed')
  await nothingIsLeft(at(0), at(1))
})

test('a run that sends more while it waits than an instance keeps is ended', async () => {
  const { at, seen } = instances(2)
  const request = { ...tool('flood'), meta: { [META.logLevel]: 'debug' } }
  const asked = await ask(at(0), request)
  seen.meanwhile.resolve()
  await eventually(async () => (seen.aborted.length > 0 ? true : undefined))
  expect(seen.aborted).toEqual([expect.stringMatching(/sent more messages than can wait/)])
  expect((await ask(at(1), answered(request, asked))).error?.message).toMatch(/is over/)
  await nothingIsLeft(at(0), at(1))
})

test('where no mail can come, an ask of such a run is an error, and nothing waits', async () => {
  const receive = () => Promise.reject(new StoreUnavailable('away'))
  const { at } = instances(1, { store: interceptedStore({ receive }) })
  const { result } = await ask(at(0), tool('ask'))
  expect(result).toMatchObject({ isError: true })
  expect(result.content[0].text).toMatch(/store/)
  await nothingIsLeft(at(0))
})

test('a drain ends a run that waits, and a retry finds out that its instance has gone', async () => {
  const { at, seen, clock } = instances(2)
  const request = tool('ask')
  const asked = await ask(at(0), request)
  const closing = at(0).close()
  await clock.advance(1_000)
  await closing
  expect(seen.aborted).toEqual([expect.stringContaining('shutting down')])
  const going = ask(at(1), answered(request, asked))
  for (let i = 0; i < 20; i++) await clock.advance(500)
  const { error } = await going
  expect(error?.message).toMatch(/has ended, and the call with it\. Call the tool again.*"durable" in options\.tools/)
  await nothingIsLeft(at(0), at(1))
})

test('a drain ends a run whose retry waits at another instance with an error that says so', async () => {
  const { at, seen, clock } = instances(2)
  const request = tool('wait')
  const going = ask(at(1), answered(request, await ask(at(0), request)))
  await seen.meanwhile.promise
  const closing = at(0).close()
  await clock.advance(1_000)
  const { error } = await going
  expect(error?.message).toMatch(/shuts down, and the call ended with it.*"durable" in options\.tools/)
  await closing
  expect(seen.aborted).toHaveLength(1)
})

test('a drain of the instance that has the retry ends the run', async () => {
  const { at, seen, clock } = instances(2)
  const request = tool('wait')
  const going = ask(at(1), answered(request, await ask(at(0), request)))
  await seen.meanwhile.promise
  const closing = at(1).close()
  await clock.advance(1_000)
  expect((await going).error?.message).toMatch(/shutting down/)
  await closing
  await eventually(async () => (seen.aborted.length > 0 ? true : undefined))
  await nothingIsLeft(at(0))
})

test('mail that is lost in either direction is asked for again', async () => {
  const lost: string[] = []
  const clock = new ManualClock()
  const store = interceptedStore(
    {
      send: async (proceed, _instance, message) => {
        const { t, n } = JSON.parse(String(message))
        const kind = `${t} ${n ?? ''}`
        if (lost.includes(kind)) return proceed()
        // The first one of each kind is lost.
        lost.push(kind)
        return undefined
      },
    },
    memoryStore({ clock }),
  )
  const { at, seen } = instances(2, { store, clock })
  const request = tool('ask_twice')
  const [a, b] = [at(0), at(1)]
  let asked = await ask(a, { ...request, meta: { progressToken: 'p' } })
  for (const key of ['elicit-1', 'elicit-2']) {
    const going = messages(b, { ...answered(request, asked, key, key), meta: { progressToken: 'p' } })
    let result: RpcMessage[] | undefined
    void going.then((all) => {
      result = all
    })
    for (let i = 0; !result && i < 60; i++) await clock.advance(500)
    asked = result?.at(-1) ?? { jsonrpc: '2.0' }
    expect(asked.result).toBeDefined()
  }
  expect(textOf(asked)).toBe('elicit-1,elicit-2')
  expect(lost).toEqual(expect.arrayContaining(['retry ', 'leg 0', 'leg 1', 'leg 2', 'got 1', 'got 2']))
  expect(seen.runs).toBe(1)
  for (let i = 0; i < 20; i++) await clock.advance(500)
  await nothingIsLeft(a, b)
})

test('each request of a call that waits is a call in the events, and so is each ask', async () => {
  const { at } = instances(2)
  const calls: unknown[] = []
  const asks: unknown[] = []
  const ends = [
    onEvent('call', ({ kind, name, outcome, instance }) =>
      calls.push([kind, name, outcome, [0, 1].findIndex((index) => at(index).instanceId === instance)]),
    ),
    onEvent('ask', ({ method, outcome }) => asks.push([method, outcome])),
  ]
  const request = tool('ask_twice')
  const second = await ask(at(1), answered(request, await ask(at(0), request)))
  await ask(at(1), answered(request, second, 'Bob', 'elicit-2'))
  for (const end of ends) end()
  expect(calls).toEqual([
    ['tool', 'ask_twice', 'input_required', 0],
    ['tool', 'ask_twice', 'input_required', 1],
    ['tool', 'ask_twice', 'ok', 1],
  ])
  expect(asks).toEqual([
    ['elicitation/create', 'answered'],
    ['elicitation/create', 'answered'],
  ])
})
