/** A connection whose reader is slow: what waits for it, and what a failover of the store makes of that. */
import { expect, test } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { readOptions } from '../../lib/options.ts'
import { Instance } from '../../lib/runtime/instance.ts'
import { Connection } from '../../lib/session/stream/connection.ts'
import type { Session } from '../../lib/session/stream/session.ts'
import { SseResponse } from '../../lib/session/stream/sse-response.ts'
import { SETTINGS } from '../../lib/settings.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { eventually } from '../support/eventually.ts'

const KEY = 'k'
const STREAM = 's'
const OWNER = 'other~:run'

/** A connection that has delivered messages 1 to 3 of a stream, and whose reader then has to catch up. */
async function slowReader() {
  const store = memoryStore()
  const instance = new Instance(store, readOptions('session', SETTINGS.session, {}), systemClock, () => {})
  const session: Session = {
    id: 'id',
    key: KEY,
    revision: '2025-11-25',
    client: { info: undefined, capabilities: {} },
    createdAt: 0,
    legacy: false,
    level: undefined,
    busy: false,
    full: false,
    eventKey: undefined,
    servedByOlder: false,
  }
  await store.createSession(KEY, 'record', 60_000)
  await store.register(KEY, { id: 'n:1', stream: STREAM, owner: OWNER })
  const texts = (from: number, count: number, tag: string) =>
    Array.from({ length: count }, (_, i) => `{"n":${from + i},"tag":"${tag}"}`)
  const append = (from: number, count: number, tag: string) =>
    store.append(KEY, {
      stream: STREAM,
      owner: OWNER,
      from,
      messages: texts(from, count, tag),
      tag,
      final: false,
    })
  const response = new SseResponse({ key: KEY, primes: false, retry: 1_000 })
  const connection = new Connection(instance, session, STREAM, response, () => {})
  connection.open()
  await append(1, 3, 'a')
  const taken = await store.take(KEY, STREAM, connection.holder, { n: 0, tag: '' })
  if (taken.status !== 'ok') throw new Error(taken.status)
  response.begin()
  connection.deliverTaken(taken)
  let room: PromiseWithResolvers<void> | undefined
  const received: string[] = []
  let kept = 0
  response.attach({
    write(text) {
      for (const [, n, tag] of text.matchAll(/data: \{"n":(\d+),"tag":"(.)"\}/g)) received.push(`${n}${tag}`)
    },
    takes: () => true,
    keeps(change) {
      kept += change
    },
    get room() {
      return room?.promise
    },
    end: () => {},
  })
  room = Promise.withResolvers()
  return {
    append,
    received,
    kept: () => kept,
    mail: (n: number, count: number, tag: string) =>
      connection.receive({ t: 'entries', to: connection.holder, n, tag, data: texts(n, count, tag), final: false }),
    catchUp() {
      const waited = room
      room = undefined
      waited?.resolve()
    },
    async close() {
      connection.abandoned()
      await instance.settled()
      await instance.stop()
      await store.close()
    },
  }
}

test('messages that wait are delivered when the reader has caught up', async () => {
  const { append, mail, received, kept, catchUp, close } = await slowReader()
  await append(4, 3, 'a')
  mail(4, 2, 'a')
  mail(6, 1, 'a')
  expect(received).toEqual(['1a', '2a', '3a'])
  expect(kept()).toBe(3 * '{"n":4,"tag":"a"}'.length)
  catchUp()
  await eventually(async () => (received.length === 6 ? true : undefined))
  expect(received).toEqual(['1a', '2a', '3a', '4a', '5a', '6a'])
  expect(kept()).toBe(0)
  await close()
})

test.each([
  ['the last that waits', 5],
  ['the first that waits', 4],
])('a failover that has given the number of %s again loses no message', async (_, again) => {
  const { append, mail, received, kept, catchUp, close } = await slowReader()
  // The store has lost the messages from `again` on, which were mailed before, and has others there.
  if (again === 5) await append(4, 1, 'a')
  await append(again, 8 - again, 'b')
  mail(4, 2, 'a')
  mail(again, 2, 'b')
  // Old mail comes late.
  mail(again, 1, 'a')
  mail(again + 2, 6 - again, 'b')
  expect(received).toEqual(['1a', '2a', '3a'])
  catchUp()
  const right = ['1a', '2a', '3a', `4${again === 5 ? 'a' : 'b'}`, '5b', '6b', '7b']
  await eventually(async () => (received.length === right.length ? true : undefined))
  expect(received).toEqual(right)
  expect(kept()).toBe(0)
  await close()
})
