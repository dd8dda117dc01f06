/** Two instances on one store in memory: mail that is lost, and what the store has of a process that is wrong. */
import { afterEach, expect, test } from 'vitest'
import { PROCESS } from '../../../lib/cli/serve/isolate/place.ts'
import { createEndpoint, type Endpoint } from '../../../lib/endpoint.ts'
import { sessionKey } from '../../../lib/session/stream/session.ts'
import { memoryStore } from '../../../lib/store/memory/index.ts'
import type { Store } from '../../../lib/store/store.ts'
import { TestTime } from '../../../lib/testing/time.ts'
import { interceptedStore, type Step } from '../../support/intercepted-store.ts'
import { ACCEPT_BOTH, answerOf, toolCall } from '../../support/raw.ts'
import { ended, program, valueIn } from './program.ts'

const open: (() => Promise<unknown> | undefined)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** Endpoints that share a store, which none of them closes. */
async function instances(size: number, steps: Partial<Record<keyof Store, Step>> = {}) {
  const time = new TestTime()
  const clock = time.clockOf({ over: false })
  const kept = memoryStore({ clock })
  open.push(() => kept.close())
  const store = interceptedStore({ ...steps, close: async () => {} }, kept)
  const options = { store, clock, session: { lease: 600 } }
  const endpoints = Array.from({ length: size }, () => createEndpoint(program(), options))
  for (const endpoint of endpoints) open.push(() => endpoint.close())
  await Promise.all(endpoints.map((endpoint) => endpoint.ready()))
  return { store: kept, endpoints, time }
}

const send = (endpoint: Endpoint | undefined, message: object, id?: string) => {
  const session = id === undefined ? {} : { 'mcp-session-id': id }
  const headers = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...session }
  const body = JSON.stringify(message)
  const request = new Request('http://localhost/mcp', { method: 'POST', headers, body })
  return endpoint?.fetch(request) ?? Promise.reject(new Error('There is no such instance.'))
}

async function openSession(endpoint: Endpoint | undefined): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const response = await send(endpoint, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  return response.headers.get('mcp-session-id') ?? ''
}

async function use(endpoint: Endpoint | undefined, id: string, name: string, args: object = {}) {
  const { result, error } = await answerOf(await send(endpoint, toolCall(1, name, args), id))
  if (error) throw new Error(error.message)
  return valueIn(result.content[0].text)
}

/** Lets time pass until `work` is done. */
async function passing<T>(time: TestTime, work: Promise<T>): Promise<T> {
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  done.catch(() => {})
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve))
    await time.advance(100)
  }
  return done
}

test('mail that is lost is sent again, and no request runs twice', async () => {
  let relayed = 0
  const { endpoints, time } = await instances(2, {
    send: async (proceed, _instance, message) => {
      const isLost = String(message).includes('"relay"') && ++relayed % 3 === 1
      return isLost ? undefined : proceed()
    },
  })
  const [a, b] = endpoints
  const id = await openSession(a)
  await use(a, id, 'note', { text: 'here' })
  expect(await passing(time, use(b, id, 'note', { text: 'relayed' }))).toEqual(['here', 'relayed'])
  expect(await passing(time, use(b, id, 'notes'))).toMatchObject({ notes: ['here', 'relayed'] })
  expect(relayed).toBeGreaterThan(6)
})

test('a session whose process the store places at an instance that does not have it gets a new one', async () => {
  const { store, endpoints } = await instances(2)
  const [a, b] = endpoints
  const id = await openSession(a)
  // So that it gets mail.
  await use(a, await openSession(a), 'whoami')
  await store.replaceHolder(sessionKey('', id), PROCESS, '', `${a?.instanceId}:nobody`)
  expect(await use(b, id, 'notes')).toMatchObject({ notes: [] })
})

test('an instance that the store names no longer ends its process, and goes on where it names nobody', async () => {
  const { store, endpoints, time } = await instances(1)
  const [a] = endpoints
  const id = await openSession(a)
  const key = sessionKey('', id)
  const holder = async () => {
    const reply = await store.replaceHolder(key, PROCESS, '', '')
    return reply.status === 'moved' ? (reply.holder ?? '') : ''
  }
  const { pid } = await use(a, id, 'whoami')
  const name = await holder()
  await store.replaceHolder(key, PROCESS, name, '')
  await time.advance(250)
  expect(await use(a, id, 'whoami')).toMatchObject({ pid })
  expect(await holder()).toBe(name)
  await store.replaceHolder(key, PROCESS, name, 'dead~:other')
  await time.advance(250)
  expect((await use(a, id, 'whoami')).pid).not.toBe(pid)
  await ended(pid)
})
