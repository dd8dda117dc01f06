/** Streams of the stateless revision: messages before a result, and `subscriptions/listen`. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { EventReader, type RpcMessage } from '../support/raw.ts'
import { fromSeconds } from '../support/spread.ts'
import { ask, body, headers, META, send, tool } from './requests.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet()
})
afterAll(() => fleet.stop())

const URI = 'test://watched-resource'

async function listen(at: number, notifications: object, id: string | number = 'L'): Promise<EventReader> {
  const request = { id, method: 'subscriptions/listen', params: { notifications } }
  const abort = new AbortController()
  const response = await fetch(fleet.at(at), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers(request) },
    body: JSON.stringify(body(request)),
    signal: abort.signal,
  })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  expect(response.headers.get('x-accel-buffering')).toBe('no')
  return new EventReader(response, abort)
}

describe('the response of a call', () => {
  test('becomes a stream with the first progress, has no event ids, and ends with the result', async () => {
    const request = { ...tool('progress', { n: 3 }), meta: { progressToken: 'p' } }
    const stream = new EventReader(await send(fleet.at(0), request))
    const messages = await stream.rest()
    expect(messages.slice(0, -1).map(({ params }) => params.progress)).toEqual([1, 2, 3])
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { resultType: 'complete' } })
    expect(stream.events.every(({ id, retry }) => id === undefined && retry === undefined)).toBe(true)
  })

  test('carries log messages from the level of its request on, and none without a level', async () => {
    const quiet = await send(fleet.at(0), tool('log_slowly', { rounds: 1, delayMs: 0 }))
    expect(quiet.headers.get('content-type')).toBe('application/json')
    await quiet.text()
    const request = { ...tool('log_slowly', { rounds: 1, delayMs: 0 }), meta: { [META.logLevel]: 'error' } }
    const messages = await new EventReader(await send(fleet.at(1), request)).rest()
    expect(messages.slice(0, -1).map(({ params }) => params.level)).toEqual(['error', 'critical', 'alert', 'emergency'])
    const wrong = await send(fleet.at(0), { ...tool('echo', { message: 'x' }), meta: { [META.logLevel]: 'loud' } })
    expect([wrong.status, ((await wrong.json()) as RpcMessage).error?.code]).toEqual([400, -32602])
  })

  test('is the result alone for a client that accepts JSON only', async () => {
    const request = { ...tool('progress', { n: 3 }), meta: { progressToken: 'p' } }
    const response = await send(fleet.at(0), request, { accept: 'application/json' })
    expect(((await response.json()) as RpcMessage).result.content[0].text).toContain('done 3')
  })

  test.each([true, false])('cancels the call when its connection closes (streaming: %s)', async (streams) => {
    const label = `closed-${streams}`
    const abort = new AbortController()
    const slow = tool('slow', { ms: 600_000, label })
    const request = streams ? { ...tool('close_stream', { ms: 600_000 }), meta: { progressToken: 1 } } : slow
    const answered = fetch(fleet.at(2), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers(request),
      },
      body: JSON.stringify(body(request)),
      signal: abort.signal,
    })
    await eventually(async () => ((await fleet.instances[2]?.stats())?.unregistered === 1 ? true : undefined))
    if (streams) await new EventReader(await answered).message()
    abort.abort()
    await answered.catch(() => {})
    await eventually(async () => ((await fleet.instances[2]?.stats())?.unregistered === 0 ? true : undefined))
    if (streams) return
    const aborted = await eventually(async () => {
      const { result } = await ask(fleet.at(0), tool('user_get', { name: `aborted:${label}` }))
      return result.content[0].text === 'null' ? undefined : Number(result.content[0].text)
    })
    expect(aborted).toBe(fleet.instances[2]?.child.pid)
  })

  test('becomes a stream with heartbeats when the call sends nothing for long', async () => {
    const response = await send(fleet.at(0), tool('slow', { ms: 2_500 }))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect((await new EventReader(response).rest()).at(-1)?.id).toBe(1)
  })
})

describe('subscriptions/listen', () => {
  test('acknowledges first, then sends each stream its changes from every instance', async () => {
    const tools = await listen(0, { toolsListChanged: true }, 1)
    const both = await listen(
      1,
      { promptsListChanged: true, toolsListChanged: true, resourceSubscriptions: [URI] },
      '1',
    )
    for (const [stream, id] of [
      [tools, 1],
      [both, '1'],
    ] as const) {
      const first = await stream.message()
      expect(first?.method).toBe('notifications/subscriptions/acknowledged')
      expect(first?.params._meta[META.subscription]).toBe(id)
    }
    await fleet.instances[2]?.announce('prompts')
    await fleet.instances[2]?.announce('resources')
    await fleet.instances[1]?.announce('updated', 'test://another')
    await fleet.instances[0]?.announce('updated', URI)
    await fleet.instances[2]?.announce('tools')
    await tools.until(({ method }) => method === 'notifications/tools/list_changed')
    await both.until(({ method }) => method === 'notifications/tools/list_changed')
    expect(tools.events.map(({ message }) => message?.method)).toHaveLength(2)
    expect(both.events.map(({ message }) => message?.method)).toEqual([
      'notifications/subscriptions/acknowledged',
      'notifications/prompts/list_changed',
      'notifications/resources/updated',
      'notifications/tools/list_changed',
    ])
    expect(both.events.every(({ message }) => message?.params._meta[META.subscription] === '1')).toBe(true)
    tools.drop()
    both.drop()
    await eventually(async () => {
      const stats = await Promise.all(fleet.instances.map((instance) => instance.stats()))
      return stats.every(({ connections }) => connections === 0) ? true : undefined
    })
  })

  test('sends changes that another process announces through the store', async () => {
    const { createNotifier } = await import('../../lib/runtime/notifier.ts')
    const { redisStore } = await import('../../lib/store/redis/index.ts')
    const store = redisStore(fleet.redis.url)
    const stream = await listen(1, { resourcesListChanged: true })
    await stream.message()
    await createNotifier(store).resourcesChanged()
    await stream.until(({ method }) => method === 'notifications/resources/list_changed')
    stream.drop()
    await store.close()
  })

  test('never sends a change before the acknowledgement', async () => {
    let racing = true
    const announcing = (async () => {
      while (racing) await fleet.instances[0]?.announce('tools')
    })()
    for (let i = 0; i < 20; i++) {
      const stream = await listen(i % 3, { toolsListChanged: true }, i)
      expect((await stream.message())?.method).toBe('notifications/subscriptions/acknowledged')
      expect((await stream.message())?.method).toBe('notifications/tools/list_changed')
      stream.drop()
    }
    racing = false
    await announcing
  })

  test.each([
    ['no filter', {}],
    ['a malformed filter', { notifications: 'all' }],
    ['malformed URIs', { notifications: { resourceSubscriptions: [1] } }],
  ])('is -32602 with %s', async (_what, params) => {
    const answer = await ask(fleet.at(0), { method: 'subscriptions/listen', params })
    expect(answer.error?.code).toBe(-32602)
  })
})

test('calls without stored values succeed on every instance while Redis is stopped', async () => {
  await fleet.redis.kill()
  try {
    const requests = [
      tool('echo', { message: 'still here' }),
      { method: 'server/discover' },
      { method: 'tools/list' },
      { method: 'resources/read', params: { uri: 'test://static-text' } },
      { method: 'prompts/get', params: { name: 'test_simple_prompt' } },
    ]
    for (let round = 0; round < 3; round++) {
      for (const at of [0, 1, 2]) {
        for (const request of requests) {
          const answer = await ask(fleet.at(at), request)
          expect(answer.result?.resultType, JSON.stringify(answer)).toBe('complete')
        }
        const asked = await ask(fleet.at(at), tool('ask'))
        expect(asked.result.resultType).toBe('input_required')
      }
    }
    // Calls that need the store fail with an error.
    const stored = await ask(fleet.at(0), tool('user_get', { name: 'x' }))
    expect(stored.result?.isError ?? stored.error).toBeTruthy()
    const listening = await send(fleet.at(1), {
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true } },
    })
    expect([listening.status, listening.headers.get('retry-after')]).toEqual([503, fromSeconds(1)])
    await listening.text()
  } finally {
    await fleet.redis.restart()
  }
})
