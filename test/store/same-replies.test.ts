/** Redis and the memory store give the same replies to any sequence of operations, in any state. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomId } from '../../lib/base/ids.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { redisStore } from '../../lib/store/redis/index.ts'
import type { Append, Registration, Store } from '../../lib/store/store.ts'
import { redisOfFile } from '../support/file-redis.ts'
import { MINUTE } from './contract/support.ts'

const file = redisOfFile()
let redis: Store

beforeAll(() => {
  redis = redisStore({ url: file.server.url, log: { messages: 4 } })
})

afterAll(() => redis.close())

/** A store under comparison, with the positions at which its session stood, which differ between the two. */
interface Side {
  store: Store
  prefix: string
  positions: string[]
}

interface Operation {
  name: string
  run: (side: Side) => Promise<unknown>
}

// Few of everything, so that operations meet.
const key = fc.constantFrom('a', 'a', 'a', 'b')
const callStream = fc.constantFrom('S', 'S', 'T')
const anyStream = fc.constantFrom('S', 'S', 'T', 'get', 'get', 'sse')
const owner = fc.constantFrom('i1:r1', 'i1:r1', 'i2:r2', '')
const holder = fc.constantFrom('i1:c1', 'i1:c1', 'i2:c2')
const maybeHolder = fc.constantFrom('i1:c1', 'i2:c2', '')
/** Of the calls of the first stream, and of those of the other: a client uses an id once. */
const id = fc.constantFrom('n:1', 'n:1', 's:1')
const durableId = fc.constantFrom('n:2', 'n:2', 's:2')
const tag = fc.constantFrom('t1', 't1', 't2')
const ask = fc.constantFrom('q1', 'q2', 'd1', 'd2')
const text = fc.constantFrom('x', 'y', '', 'é🙂')
const uri = fc.constantFrom('u:1', 'u:2')
const step = fc.constantFrom('begin' as const, 'end' as const, 'end' as const, 'fail' as const)
const number = fc.integer({ min: 0, max: 6 })
const principal = fc.constantFrom({ id: 'p', max: 1 }, { id: 'q', max: 5 }, undefined)

const registrationOf = (stream: fc.Arbitrary<string>): fc.Arbitrary<Registration> =>
  fc
    .record({
      id,
      durableId,
      stream,
      owner: owner.filter((name) => name !== ''),
      holder: fc.option(holder, { nil: undefined }),
      request: fc.constantFrom('{}', undefined),
      max: fc.constantFrom(1, 2, undefined),
    })
    .map(({ durableId, ...one }) =>
      isDurable(one.stream) ? { ...one, id: durableId, request: '{}', durable: true } : one,
    )
const registration = registrationOf(callStream)

/** The calls of one of the streams are. */
function isDurable(stream: string): boolean {
  return stream === 'T'
}

const durableAsk = fc.constantFrom(
  { id: 'd1', key: 'k1', digest: 'x', timeout: MINUTE },
  { id: 'd2', key: 'k2', digest: 'y', timeout: MINUTE },
  { id: 'd2', key: 'k3', digest: 'z', timeout: 0 },
)

const append: fc.Arbitrary<Append> = fc
  .record({
    from: fc.integer({ min: 1, max: 6 }),
    messages: fc.array(text, { minLength: 1, maxLength: 3 }),
    tag,
    final: fc.constantFrom(false, false, true),
    registers: fc.boolean(),
    registration,
    asks: fc.option(fc.array(fc.constantFrom('q1', 'q2'), { maxLength: 2 }), { nil: undefined }),
    durableAsks: fc.array(durableAsk, { maxLength: 2 }),
    said: fc.option(number, { nil: undefined }),
    forget: fc.option(fc.array(ask, { maxLength: 2 }), { nil: undefined }),
  })
  .map(({ registers, registration, asks, durableAsks, said, ...rest }) => ({
    ...rest,
    ...(isDurable(registration.stream) ? { durable: true, durableAsks, said } : { asks }),
    stream: registration.stream,
    owner: registration.owner,
    register: registers ? registration : undefined,
  }))

const after = fc.option(fc.record({ n: number, tag: fc.constantFrom('', 't1', 't2') }), { nil: undefined })

function operation<T extends object>(
  name: string,
  args: { [K in keyof T]: fc.Arbitrary<T[K]> },
  run: (side: Side, args: T) => Promise<unknown>,
): fc.Arbitrary<Operation> {
  return fc.record(args).map((values) => ({
    name: `${name} ${JSON.stringify(values)}`,
    run: (side) => run(side, values as T),
  }))
}

/** Lists whose order means nothing. */
function sorted<T>(reply: T): T {
  if (reply && typeof reply === 'object') {
    for (const value of Object.values(reply)) if (Array.isArray(value) && typeof value[0] === 'string') value.sort()
    if (Array.isArray(reply)) reply.sort()
  }
  return reply
}

const operations = fc.oneof(
  operation('createSession', { key, text, principal }, ({ store, prefix }, o) =>
    store.createSession(prefix + o.key, o.text, MINUTE, o.principal && { ...o.principal, id: prefix + o.principal.id }),
  ),
  operation('readSession', { key }, ({ store, prefix }, o) => store.readSession(prefix + o.key, MINUTE)),
  operation('countCalls', { key, max: fc.constantFrom(1, 2) }, ({ store, prefix }, o) =>
    store.countCalls(prefix + o.key, o.max),
  ),
  operation('replaceRecord', { key, text }, ({ store, prefix }, o) => store.replaceRecord(prefix + o.key, o.text)),
  {
    weight: 1,
    arbitrary: operation('deleteSession', { key }, async ({ store, prefix }, o) => [
      sorted(await store.deleteSession(prefix + o.key, { id: `${prefix}p` })),
      sorted(await store.deleteSession(prefix + o.key, { id: `${prefix}q` })),
    ]),
  },
  operation('setLevel', { key, text }, async ({ store, prefix }, o) =>
    sorted(await store.setLevel(prefix + o.key, o.text)),
  ),
  operation('data', { key, text, value: fc.option(text, { nil: undefined }) }, async ({ store, prefix }, o) => [
    await store.setData(prefix + o.key, o.text, o.value),
    await store.getData(prefix + o.key, o.text),
  ]),
  operation('subscribe', { key, uri, on: fc.boolean() }, async ({ store, prefix }, o) => [
    await (o.on ? store.subscribe(prefix + o.key, o.uri, 2) : store.unsubscribe(prefix + o.key, o.uri)),
    sorted(await store.subscriptions(prefix + o.key)),
  ]),
  operation('register', { key, registration }, ({ store, prefix }, o) =>
    store.register(prefix + o.key, o.registration),
  ),
  {
    weight: 6,
    arbitrary: operation('append', { key, append }, ({ store, prefix }, o) => store.append(prefix + o.key, o.append)),
  },
  operation('endCall', { key, stream: callStream, owner, mark: fc.boolean(), ask }, ({ store, prefix }, o) =>
    store.endCall(prefix + o.key, { ...o, durable: isDurable(o.stream), forget: [o.ask] }),
  ),
  operation('lookCall', { key, stream: callStream, owner }, ({ store, prefix }, o) =>
    store.lookCall(prefix + o.key, o.stream, o.owner, ['q1', 'd2'], MINUTE, MINUTE, isDurable(o.stream)),
  ),
  operation('calls', { key }, async ({ store, prefix }, o) =>
    (await store.calls(prefix + o.key)).map((call) => JSON.stringify(call)).sort(),
  ),
  operation('claim', { key, stream: callStream, owner, expected: owner }, async ({ store, prefix }, o) =>
    sorted(await store.claim(prefix + o.key, o.stream, o.expected, o.owner || 'i3:r3')),
  ),
  {
    weight: 3,
    arbitrary: operation(
      'keep',
      { key, registers: fc.boolean(), registration: registrationOf(fc.constant('T')), step, text },
      ({ store, prefix }, o) => {
        const { registers, registration, ...rest } = o
        const { owner } = registration
        const keep = { ...rest, stream: 'T', owner, value: o.step === 'end' ? o.text : undefined, name: `o${o.text}` }
        return store.keep(prefix + o.key, { ...keep, register: registers ? registration : undefined })
      },
    ),
  },
  {
    weight: 2,
    arbitrary: operation(
      'suspend',
      { key, stream: callStream, owner, asks: fc.array(ask), note: text },
      async ({ store, prefix }, o) => {
        const { key, owner, note, ...rest } = o
        return store.suspend(prefix + key, { ...rest, owner: owner || 'i1:r1', note: note || undefined, max: 1 })
      },
    ),
  },
  operation('poll', { key, number, tag: fc.constantFrom('', 't1') }, ({ store, prefix }, o) =>
    store.poll(prefix + o.key, 'T', { n: o.number, tag: o.tag }),
  ),
  operation('releaseCall', { key, stream: callStream, owner }, ({ store, prefix }, o) =>
    store.releaseCall(prefix + o.key, o.stream, o.owner),
  ),
  operation('cancel', { key, id: fc.oneof(id, durableId) }, ({ store, prefix }, o) =>
    store.cancel(prefix + o.key, o.id),
  ),
  operation('answer', { key, ask, text, taker: owner }, async ({ store, prefix }, o) =>
    sorted(await store.answer(prefix + o.key, o.ask, o.text, o.taker || undefined)),
  ),
  operation('closeAsk', { key, ask }, ({ store, prefix }, o) => store.closeAsk(prefix + o.key, o.ask)),
  operation('post', { key, stream: fc.constantFrom('get', 'sse'), text, tag, number }, ({ store, prefix }, o) =>
    store.post(prefix + o.key, o.stream, o.text, o.tag, `p${o.number}`),
  ),
  {
    weight: 4,
    arbitrary: operation('take', { key, stream: anyStream, holder, after }, ({ store, prefix }, o) =>
      store.take(prefix + o.key, o.stream, o.holder, o.after),
    ),
  },
  operation('look', { key, stream: anyStream, holder, number, tag }, ({ store, prefix }, o) =>
    store.look(prefix + o.key, o.stream, o.holder, { n: o.number, tag: o.tag }, MINUTE),
  ),
  operation('trim', { key, stream: fc.constantFrom('get', 'sse'), holder, number }, ({ store, prefix }, o) =>
    store.trim(prefix + o.key, o.stream, o.holder, o.number),
  ),
  operation('release', { key, stream: anyStream, holder }, ({ store, prefix }, o) =>
    store.release(prefix + o.key, o.stream, o.holder),
  ),
  operation('replaceHolder', { key, expected: maybeHolder, holder: maybeHolder }, ({ store, prefix }, o) =>
    store.replaceHolder(prefix + o.key, 'process', o.expected, o.holder),
  ),
  operation('readLog', { key, stream: anyStream }, ({ store, prefix }, o) => store.readLog(prefix + o.key, o.stream)),
  operation(
    'advance',
    { holder, tag, messages: fc.array(text, { maxLength: 2 }), uri, text, stale: number, early: fc.boolean() },
    async ({ store, prefix, positions }, o) => {
      // Mostly from where the session stands, at times from where it stood.
      positions.push((await store.changePosition(`${prefix}a`)) ?? '0-0')
      const from = positions.at(-1 - Math.max(0, o.stale - 4)) ?? '0-0'
      const to = `${Number(from.split('-')[0]) + 1_000_000}-0`
      const updates = [{ uri: o.uri, at: o.early ? '1-0' : to, message: o.text }]
      return store.advance(`${prefix}a`, { ...o, from, to, updates })
    },
  ),
)

/** A store that gets every operation twice, as from a client library whose first reply was lost. */
function twice(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...args: unknown[]) => {
        const first: unknown = await member.apply(target, args)
        const second: unknown = await member.apply(target, args)
        // The first has given the call up: the run is over in any case.
        if (name === 'suspend') return first
        // Both replies have holders and owners; only the first reports that the session existed or is new, or the previous holder.
        if (name === 'deleteSession' || name === 'readSession') return first
        if (name === 'take') return Object.assign(second as object, previousOf(first))
        return second
      }
    },
  })
}

function previousOf(reply: unknown): object {
  return reply && typeof reply === 'object' && 'previous' in reply ? { previous: reply.previous } : {}
}

/** Times differ by some ms. */
function timeless(reply: unknown): unknown {
  if (!reply || typeof reply !== 'object') return reply
  if (reply instanceof Map) return new Map([...reply].map(([name, value]) => [name, timeless(value)]))
  if (Array.isArray(reply)) return reply.map(timeless)
  const entries = Object.entries(reply).map(([name, value]: [string, unknown]) => {
    const isTime = ['heldFor', 'due', 'since', 'slept'].includes(name) && value !== undefined
    return [name, isTime ? Math.ceil(Number(value) / MINUTE) : timeless(value)]
  })
  return Object.fromEntries(entries)
}

async function compare(sequence: Operation[], seenRedis: Store): Promise<void> {
  const prefix = randomId(6)
  const memory: Side = { store: memoryStore({ log: { messages: 4 } }), prefix, positions: [] }
  const inRedis: Side = { store: seenRedis, prefix, positions: [] }
  for (const { store } of [memory, inRedis]) await store.createSession(`${prefix}a`, 'r', MINUTE)
  try {
    for (const { name, run } of sequence)
      expect(timeless(await run(inRedis)), name).toEqual(timeless(await run(memory)))
    for (const key of await file.admin.keys(`*${prefix}*`)) {
      expect(await file.admin.pttl(key), `${key} lives for ever`).not.toBe(-1)
    }
  } finally {
    await memory.store.close()
    await file.admin.flushall()
  }
}

const sequence = fc.array(operations, { minLength: 10, maxLength: 60 })

test('both stores give the same replies to the same operations', async () => {
  await fc.assert(
    fc.asyncProperty(sequence, (sequence) => compare(sequence, redis)),
    { numRuns: 200 },
  )
}, 120_000)

test('sending every operation twice makes no difference', async () => {
  await fc.assert(
    fc.asyncProperty(sequence, (sequence) => compare(sequence, twice(redis))),
    { numRuns: 200 },
  )
}, 120_000)
