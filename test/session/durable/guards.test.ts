/** The rules of durable and suspended calls, one test each: what must not happen twice, and what must not be lost. */
import { afterEach, expect, test } from 'vitest'
import { sessionKey } from '../../../lib/session/stream/session.ts'
import { StoreUnavailable } from '../../../lib/store/store.ts'
import { request } from '../../support/raw.ts'
import {
  ANSWER,
  asked,
  FORM,
  LEASE,
  SUSPEND_AFTER,
  serving,
  suspended,
  TestClient,
  type TestFleet,
  text,
  turns,
  until,
} from './fleet.ts'

const MINUTE = 60_000

let fleet: TestFleet
afterEach(() => fleet.close())

function serve(...given: Parameters<typeof serving>): void {
  fleet = serving(...given)
}

test('a tool that says nothing of itself keeps its run while it asks', async () => {
  serve(async (ctx) => text((await ctx.elicit('?', FORM)).action), {})
  const at = fleet.start()
  const client = await asked(at)
  await fleet.pass(2 * SUSPEND_AFTER)
  expect(client.isConnected).toBe(true)
  expect(at.stats().calls).toBe(1)
  await client.answer(at, client.asks[0]!, ANSWER)
  await until(() => client.text === 'accept')
})

test('a call is not suspended while a once is under way, and is afterwards', async () => {
  const gate = Promise.withResolvers<string>()
  serve(async (ctx) => {
    const [kept, { action }] = await Promise.all([ctx.once('slow', () => gate.promise), ctx.elicit('?', FORM)])
    return text(`${kept} ${action}`)
  })
  const at = fleet.start()
  const client = await asked(at)
  await fleet.pass(2 * SUSPEND_AFTER)
  expect(at.stats().calls).toBe(1)
  gate.resolve('kept')
  await until(() => !client.isConnected)
  await client.answer(at, client.asks[0]!, ANSWER)
  await client.poll(at)
  await until(() => client.text === 'kept accept')
})

test('a cancel of a suspended call ends it in its step', async () => {
  serve(async (ctx) => text((await ctx.elicit('?', FORM)).action))
  const [first, second] = [fleet.start(), fleet.start()]
  const client = await suspended(fleet, first)
  expect(await client.cancel(second)).toBe(202)
  expect(await fleet.base.calls(sessionKey('', client.session))).toEqual([])
})

test('a deadline that passes while nobody runs the call is a fact for each later run', async () => {
  serve(async (ctx) => {
    const reason = await ctx.elicit('?', FORM, { timeout: MINUTE }).catch((error) => error.reason)
    await ctx.elicit('Go on?', FORM)
    return text(String(reason))
  })
  const at = fleet.start()
  const client = await suspended(fleet, at)
  await fleet.pass(MINUTE)
  await client.poll(at)
  await until(() => client.asks.length === 2)
  // The answer is too late.
  await client.answer(at, client.asks[0]!, ANSWER)
  await fleet.pass(SUSPEND_AFTER)
  await until(() => !client.isConnected)
  await client.answer(at, client.asks[1]!, ANSWER)
  await client.poll(at)
  await until(() => client.text === 'timeout')
  const withdrawn = client.messages.filter(({ method }) => method === 'notifications/cancelled')
  expect(withdrawn).toHaveLength(1)
})

test('a handler that asks something else under a known key ends with an explicit error', async () => {
  let runs = 0
  serve(async (ctx) => text((await ctx.elicit(`Question ${++runs}`, FORM, { key: 'k' })).action))
  const at = fleet.start()
  const client = await suspended(fleet, at)
  await client.answer(at, client.asks[0]!, ANSWER)
  await client.poll(at)
  await until(() => client.result !== undefined)
  expect(client.result?.error?.message).toContain('asks something else than before under the key "k"')
})

test('a single once whose run is lost while it is under way does not run again', async () => {
  let effects = 0
  serve(async (ctx) => {
    await ctx.log('info', 'begin')
    await ctx.once('pay', () => (effects++ === 0 ? new Promise(() => {}) : 'paid'), { single: true })
    return text('done')
  })
  const [first, second] = [fleet.start(), fleet.start()]
  const client = await TestClient.open(first)
  await client.call(first, 'act')
  await until(() => effects === 1)
  fleet.kill(first)
  client.drop()
  await client.poll(second)
  await fleet.pass(3 * LEASE)
  await until(() => client.result !== undefined)
  expect(client.text).toContain('whether it had an effect is unknown')
  expect(effects).toBe(1)
})

test.each([1, 2])(
  'a run whose sign of life was missing takes its call from itself before it begins a once (a renewal that arrives %i times)',
  async (times) => {
    const [gate, paying] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let effects = 0
    serve(async (ctx) => {
      await ctx.log('info', 'begin')
      await gate.promise
      await ctx.once('pay', async () => {
        effects++
        await paying.promise
      })
      return text('done')
    })
    let away = false
    const up = async (proceed: () => Promise<unknown>) => {
      if (away) throw new StoreUnavailable('for a while')
      for (let i = 1; i < times; i++) await proceed()
      return proceed()
    }
    const at = fleet.start({}, { up })
    const client = await TestClient.open(at)
    await client.call(at, 'act')
    await until(() => client.said.length === 1)
    const key = sessionKey('', client.session)
    const [before] = await fleet.base.calls(key)
    away = true
    await fleet.pass(LEASE)
    gate.resolve()
    await turns()
    // Nothing begins without a sign of life.
    expect(effects).toBe(0)
    away = false
    await fleet.pass(LEASE / 2)
    await until(() => effects === 1)
    // Another instance that found no sign of life claims the call by the former name: too late.
    expect(await fleet.base.claim(key, before!.stream, before!.owner, 'other~:run')).toEqual({ status: 'lost' })
    paying.resolve()
    await until(() => client.text === 'done')
    expect(effects).toBe(1)
  },
)

test('messages are numbered before the level is applied: a later run with another level sends what the log lacks', async () => {
  serve(async (ctx) => {
    await ctx.log('debug', 'one')
    await ctx.log('info', 'two')
    await ctx.elicit('?', FORM)
    await ctx.log('info', 'three')
    await ctx.log('error', 'four')
    return text('done')
  })
  const at = fleet.start()
  const client = await suspended(fleet, at)
  expect(client.said).toEqual(['one', 'two'])
  await client.post(at, request(1, 'logging/setLevel', { level: 'error' }))
  await client.answer(at, client.asks[0]!, ANSWER)
  await client.poll(at)
  await until(() => client.text === 'done')
  expect(client.said).toEqual(['one', 'two', 'four'])
})
