/** Every way in which a call can end leaves nothing of it in the store but its log: in memory and in Redis, on one and on three instances. */
import { afterEach, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../lib/base/clock.ts'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import type { Context } from '../../lib/server/context/context.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { sessionKey } from '../../lib/session/stream/session.ts'
import type { SessionOptions } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import { type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { redisOfFile } from '../support/file-redis.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ACCEPT_BOTH, EventReader, request, toolCall } from '../support/raw.ts'

const redis = redisOfFile()
let stop: (() => Promise<void>) | undefined

afterEach(async () => {
  await stop?.()
  stop = undefined
})

/** How long the clock of the instances is ahead of the system's. */
let ahead = 0
/** As the system's, but the pauses of the retry queue (2.5 to 5 s) are over in a moment. */
const clock: Clock = {
  ...systemClock,
  now: () => systemClock.now() + ahead,
  after(ms, fn) {
    if (ms < 2_000 || ms > 5_000) return systemClock.after(ms, fn)
    return systemClock.after(50, () => {
      ahead += ms - 50
      fn()
    })
  },
}

/** One session on some instances that share a store. Every tool call waits until the test lets it go on. */
class Scene {
  readonly endpoints: Endpoint[]
  readonly headers: Record<string, string> = {}
  /** An operation of this name fails at every instance, as if the store were away. */
  away: keyof Store | undefined
  /** The steps that failed and were not done since. */
  readonly #owed = new Set<string>()
  #gates = new Map<string, PromiseWithResolvers<void>>()
  #base: Store
  #kind: string

  constructor(kind: string, size: number, session: Partial<SessionOptions>) {
    this.#kind = kind
    this.#base = kind === 'redis' ? redisStore(redis.server.url) : memoryStore()
    const server = new McpServer({ name: 'endings', version: '1' })
    const act = async (ctx: Context) => {
      const id = String(ctx.requestId)
      this.gate(`${id} started`).resolve()
      const say = id.includes('say')
      if (say) await ctx.progress(1)
      if (id.includes('ask')) await ctx.elicit('Go on?', { type: 'object', properties: {} })
      await Promise.race([
        this.gate(id).promise,
        new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
      ])
      return { content: [{ type: 'text' as const, text: `done ${id}` }] }
    }
    server.registerTool('act', {}, act)
    server.registerTool('again', { annotations: { idempotentHint: true } }, act)
    const options = { registerAfter: 5, streamAfter: 60_000, heartbeat: 200, lease: 1_000, drainTimeout: 0, ...session }
    this.endpoints = Array.from({ length: size }, () => {
      const names: (keyof Store)[] = ['append', 'endCall', 'release']
      const steps = Object.fromEntries(names.map((name) => [name, this.#step(name)]))
      const store = interceptedStore({ ...steps, close: async () => {} }, this.#base as ReturnType<typeof memoryStore>)
      return createEndpoint(server, { store, session: options, clock, onError: () => {} })
    })
    stop = async () => {
      for (const gate of this.#gates.values()) gate.resolve()
      await Promise.all(this.endpoints.map((endpoint) => endpoint.close()))
      await this.#base.close()
    }
  }

  #step(name: keyof Store): Step {
    return async (proceed, _key, given) => {
      const step = `${name} ${typeof given === 'string' ? given : (given as { stream: string }).stream}`
      if (this.away === name) {
        this.#owed.add(step)
        throw new StoreUnavailable('away')
      }
      const reply = await proceed()
      this.#owed.delete(step)
      return reply
    }
  }

  /** The instance with this number, or the only one. */
  at(index: number): Endpoint {
    return this.endpoints[index % this.endpoints.length] as Endpoint
  }

  gate(name: string): PromiseWithResolvers<void> {
    const gate = this.#gates.get(name) ?? Promise.withResolvers<void>()
    this.#gates.set(name, gate)
    return gate
  }

  async fetch(at: number, method: string, message?: object, extra: Record<string, string> = {}, path = '/mcp') {
    const accept = method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH
    const headers = { 'content-type': 'application/json', accept, ...this.headers, ...extra }
    const body = message === undefined ? null : JSON.stringify(message)
    return this.at(at).fetch(new Request(`http://localhost${path}`, { method, headers, body }))
  }

  async open(protocolVersion = '2025-11-25'): Promise<void> {
    const params = { protocolVersion, capabilities: { elicitation: {} }, clientInfo: { name: 't', version: '1' } }
    const response = await this.fetch(0, 'POST', request('init', 'initialize', params))
    this.headers['mcp-session-id'] = response.headers.get('mcp-session-id') ?? ''
  }

  /** A call that waits; the promise of its response is wrapped, so that awaiting this does not await that. */
  async begun(id: string, tool = 'act'): Promise<{ response: Promise<Response> }> {
    const response = this.fetch(0, 'POST', toolCall(id, tool, {}, { progressToken: id }))
    await this.gate(`${id} started`).promise
    await eventually(async () => ((await this.registered()) > 0 ? true : undefined))
    return { response }
  }

  async stream(id: string, tool = 'act'): Promise<EventReader> {
    const reader = new EventReader(await this.fetch(0, 'POST', toolCall(id, tool, {}, { progressToken: id })))
    await reader.until(({ params }) => params?.progress === 1)
    return reader
  }

  cancel(id: string, at = 1): Promise<Response> {
    const params = { requestId: id }
    return this.fetch(at, 'POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params })
  }

  resume(at: number, lastId: string | undefined): Promise<Response> {
    return this.fetch(at, 'GET', undefined, { 'last-event-id': lastId ?? '' })
  }

  get key(): string {
    return sessionKey('', this.headers['mcp-session-id'] ?? '')
  }

  async registered(): Promise<number> {
    return (await this.#base.calls(this.key)).length
  }

  /** Nothing of any call is left, once all work is done: no field in Redis, and nobody whom DELETE would notify. */
  async expectClean(): Promise<void> {
    await eventually(async () => {
      for (const endpoint of this.endpoints) {
        const { connections, calls, unregistered } = endpoint.stats()
        if (connections + calls + unregistered > 0) return undefined
        await endpoint.settled()
      }
      return this.#owed.size === 0 ? true : undefined
    })
    if (this.#kind === 'redis') {
      const live = () => redis.admin.hgetall(`mcp:{${this.key}}:live`)
      await eventually(async () => (Object.keys(await live()).length === 0 ? true : undefined)).catch(async () =>
        expect(await live()).toEqual({}),
      )
    }
    await eventually(async () => ((await this.registered()) === 0 ? true : undefined))
    expect(await this.#base.deleteSession(this.key)).toEqual({ status: 'ok', holders: [], owners: [] })
  }
}

const endings: Record<string, (scene: Scene) => Promise<void>> = {
  'answered at once': async (scene) => {
    scene.gate('a').resolve()
    expect(await (await scene.fetch(0, 'POST', toolCall('a', 'act'))).text()).toContain('done a')
  },
  'answered with JSON after it was registered': async (scene) => {
    const { response } = await scene.begun('a')
    scene.gate('a').resolve()
    expect(await (await response).text()).toContain('done a')
  },
  'answered while the store does not take its end at first': async (scene) => {
    const { response } = await scene.begun('a')
    scene.away = 'endCall'
    scene.gate('a').resolve()
    expect(await (await response).text()).toContain('done a')
    scene.away = undefined
  },
  'answered by a stream': async (scene) => {
    const reader = await scene.stream('say')
    scene.gate('say').resolve()
    expect((await reader.rest()).at(-1)?.id).toBe('say')
  },
  'answered by a stream whose release the store does not take at first': async (scene) => {
    const reader = await scene.stream('say')
    scene.away = 'release'
    scene.gate('say').resolve()
    expect((await reader.rest()).at(-1)?.id).toBe('say')
    scene.away = undefined
  },
  'answered after its client had gone': async (scene) => {
    const reader = await scene.stream('say')
    reader.drop()
    scene.gate('say').resolve()
  },
  'answered to a client that came back before the end': async (scene) => {
    const reader = await scene.stream('say')
    reader.drop()
    const again = new EventReader(await scene.resume(1, reader.lastId))
    scene.gate('say').resolve()
    expect((await again.rest()).at(-1)?.id).toBe('say')
  },
  'answered to a client that came back after the end': async (scene) => {
    const reader = await scene.stream('say')
    const { lastId } = reader
    reader.drop()
    scene.gate('say').resolve()
    await eventually(async () => ((await scene.registered()) === 0 ? true : undefined))
    const again = new EventReader(await scene.resume(2, lastId))
    expect((await again.rest()).at(-1)?.id).toBe('say')
    expect((await scene.resume(1, again.lastId)).status).toBe(405)
  },
  'cancelled before it was registered': async (scene) => {
    const response = scene.fetch(0, 'POST', toolCall('a', 'act'))
    await scene.cancel('a', 0)
    await (await response).text()
  },
  'cancelled before it began': async (scene) => {
    await scene.cancel('a')
    await (await scene.fetch(0, 'POST', toolCall('a', 'act'))).text()
  },
  'cancelled when it had sent nothing': async (scene) => {
    const { response } = await scene.begun('a')
    await scene.cancel('a')
    expect(await (await response).text()).not.toContain('done')
  },
  'cancelled while the store does not take its end at first': async (scene) => {
    const { response } = await scene.begun('a')
    scene.away = 'endCall'
    await scene.cancel('a')
    await (await response).text()
    scene.away = undefined
  },
  'cancelled while it streamed': async (scene) => {
    const reader = await scene.stream('say')
    await scene.cancel('say')
    expect(await reader.rest()).toEqual([])
  },
  'cancelled while nobody read its stream': async (scene) => {
    const reader = await scene.stream('say')
    reader.drop()
    await scene.cancel('say')
  },
  'cancelled while it asked': async (scene) => {
    const reader = new EventReader(await scene.fetch(0, 'POST', toolCall('ask', 'act')))
    await reader.until(({ method }) => method === 'elicitation/create')
    await scene.cancel('ask')
    await reader.rest()
  },
  'answered after an ask': async (scene) => {
    const reader = new EventReader(await scene.fetch(0, 'POST', toolCall('ask', 'act')))
    const { message } = await reader.until(({ method }) => method === 'elicitation/create')
    await scene.fetch(1, 'POST', { jsonrpc: '2.0', id: message?.id, result: { action: 'decline' } })
    scene.gate('ask').resolve()
    expect((await reader.rest()).at(-1)?.id).toBe('ask')
  },
  'answered beside another call with its id': async (scene) => {
    const { response } = await scene.begun('a')
    const second = scene.fetch(1, 'POST', toolCall('a', 'act'))
    await eventually(async () => ((await scene.registered()) > 1 ? true : undefined))
    scene.gate('a').resolve()
    expect(await (await second).text()).toContain('done a')
    expect(await (await response).text()).toContain('done a')
  },
  'refused since the session has as many calls as it may': async (scene) => {
    const first = await scene.begun('a')
    expect((await scene.fetch(1, 'POST', toolCall('b', 'act'))).status).toBe(429)
    scene.gate('a').resolve()
    expect(await (await first.response).text()).toContain('done a')
  },
  'ended since the store did not answer': async (scene) => {
    const reader = await scene.stream('say')
    scene.away = 'append'
    scene.gate('say').resolve()
    expect((await reader.rest()).at(-1)?.error?.code).toBe(-32603)
    scene.away = undefined
  },
  'ended with its instance': async (scene) => {
    const { response } = await scene.begun('a')
    await scene.at(0).close()
    expect(await (await response).text()).toContain('shut down')
  },
  'ended as part of a batch': async (scene) => {
    await scene.open('2025-03-26')
    const calls = ['say', 'quiet', 'ended'].map((id) => toolCall(id, 'act', {}, { progressToken: id }))
    scene.gate('ended').resolve()
    const reader = new EventReader(await scene.fetch(0, 'POST', calls))
    await scene.gate('quiet started').promise
    await scene.cancel('quiet')
    scene.gate('say').resolve()
    expect((await reader.rest()).flatMap(({ id }) => id ?? []).sort()).toEqual(['ended', 'say'])
  },
}

const onThree: Record<string, (scene: Scene) => Promise<void>> = {
  'handed over by its instance': async (scene) => {
    const reader = await scene.stream('say', 'again')
    const { lastId } = reader
    reader.drop()
    await scene.at(0).close()
    scene.gate('say').resolve()
    expect((await new EventReader(await scene.resume(1, lastId)).rest()).at(-1)?.result).toBeDefined()
  },
  'handed over by its instance, and cancelled by a client that did not come back': async (scene) => {
    const reader = await scene.stream('say', 'again')
    reader.drop()
    await scene.at(0).close()
    expect((await scene.cancel('say')).status).toBe(202)
  },
  'handed over by its instance, and in the way of the next call': async (scene) => {
    const reader = await scene.stream('say', 'again')
    const { lastId } = reader
    reader.drop()
    await scene.at(0).close()
    const next = new EventReader(await scene.fetch(1, 'POST', toolCall('say next', 'act', {}, { progressToken: 1 })))
    scene.gate('say next').resolve()
    expect((await next.rest()).at(-1)?.result).toBeDefined()
    const old = await new EventReader(await scene.resume(2, lastId)).rest()
    expect(old.at(-1)).toMatchObject({ id: 'say', error: { message: expect.stringContaining('has ended before') } })
  },
}

for (const kind of ['memory', 'redis']) {
  for (const size of [1, 3]) {
    describe(`on ${size === 1 ? 'one instance' : 'three instances'} with sessions in ${kind}, nothing is left of a call that was`, () => {
      test.each(Object.entries(size === 3 ? { ...endings, ...onThree } : endings))(
        '%s',
        async (name, play) => {
          const maxCalls = /as many calls|in the way/.test(name) ? 1 : 10
          const scene = new Scene(kind, size, { maxCalls, storePatience: 200 })
          await scene.open()
          await play(scene)
          await scene.expectClean()
        },
        30_000,
      )
    })
  }
}

test('after 3,000 calls that were cancelled before they sent anything, Redis has no field of them, and DELETE notifies nobody', async () => {
  const scene = new Scene('redis', 3, { maxCalls: 100 })
  await scene.open()
  await Promise.all(
    Array.from({ length: 50 }, async (_, lane) => {
      for (let i = 0; i < 60; i++) {
        const id = `${lane}.${i}`
        const response = scene.fetch(lane, 'POST', toolCall(id, 'act'))
        await scene.gate(`${id} started`).promise
        await eventually(async () =>
          (await redis.admin.hexists(`mcp:{${scene.key}}:live`, `c:s:${id}`)) ? true : undefined,
        )
        await scene.cancel(id, lane + 1)
        await (await response).text()
      }
    }),
  )
  await scene.expectClean()
}, 120_000)
