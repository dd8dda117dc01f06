/** Which calls are suspended, and when: only while nothing but an ask is under way. */
import { afterEach, expect, test } from 'vitest'
import type { Step } from '../../support/intercepted-store.ts'
import { ANSWER, asked, FORM, SUSPEND_AFTER, serving, suspended, type TestFleet, text, turns, until } from './fleet.ts'

let fleet: TestFleet
afterEach(() => fleet.close())

const ask: Parameters<typeof serving>[0] = async (ctx) => text((await ctx.elicit('?', FORM)).action)

test.each([
  ['a tool that only reads', { annotations: { readOnlyHint: true } }, {}],
  ['every tool of an endpoint that says so for all', {}, { suspend: 'all' as const }],
])('%s is suspended, and goes on with the answer', async (_name, config, session) => {
  fleet = serving(ask, config)
  const at = fleet.start(session)
  const client = await suspended(fleet, at)
  expect(at.stats().calls).toBe(0)
  await client.answer(at, client.asks[0]!, ANSWER)
  await client.poll(at)
  await until(() => client.text === 'accept')
  expect(client.asks).toHaveLength(1)
})

test('clients of 2025-06-18 do not poll: their calls keep their runs', async () => {
  fleet = serving(ask)
  const at = fleet.start()
  const client = await asked(at, { revision: '2025-06-18' })
  await fleet.pass(3 * SUSPEND_AFTER)
  expect([client.isConnected, at.stats().calls]).toEqual([true, 1])
  await client.answer(at, client.asks[0]!, ANSWER)
  await until(() => client.text === 'accept')
})

test('where as many calls of a session are suspended as may be, the run goes on', async () => {
  let runs = 0
  fleet = serving(async (ctx) => {
    runs++
    return ask(ctx)
  })
  const at = fleet.start({ maxSuspended: 0 })
  const client = await asked(at)
  await fleet.pass(3 * SUSPEND_AFTER)
  expect([client.isConnected, at.stats().calls]).toEqual([true, 1])
  await client.answer(at, client.asks[0]!, ANSWER)
  await until(() => client.text === 'accept')
  expect(runs).toBe(1)
})

type Gate = PromiseWithResolvers<void>

/** A step of the store that the test lets go on. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const step: Step = async (proceed) => {
    await promise
    return proceed()
  }
  return { step, release: resolve }
}

test('a call is not suspended while the session is written to, and is afterwards', async () => {
  fleet = serving(async (ctx) => {
    const [{ action }] = await Promise.all([ctx.elicit('?', FORM), ctx.session?.set('draft', 1)])
    return text(action)
  })
  const { step: setData, release } = held()
  const at = fleet.start({}, { setData })
  const client = await asked(at)
  await fleet.pass(2 * SUSPEND_AFTER)
  expect(at.stats().calls).toBe(1)
  release()
  await until(() => !client.isConnected)
  expect(at.stats().calls).toBe(0)
})

test('a call is not suspended while a message is on its way to the log, and is afterwards', async () => {
  const gate = Promise.withResolvers<void>()
  let asking = false
  const { step, release } = held()
  const suspends: string[] = []
  fleet = serving(async (ctx) => {
    const answer = ctx.elicit('?', FORM)
    await gate.promise
    asking = true
    await ctx.log('info', 'late')
    return text((await answer).action)
  })
  const append: Step = async (proceed, ...args) => {
    const reply = await (asking ? step(proceed, ...args) : proceed())
    suspends.push('append')
    return reply
  }
  const suspend: Step = (proceed) => {
    suspends.push('suspend')
    return proceed()
  }
  const at = fleet.start({}, { append, suspend })
  const client = await asked(at)
  gate.resolve()
  await turns()
  await fleet.pass(SUSPEND_AFTER)
  release()
  await fleet.pass(SUSPEND_AFTER)
  await until(() => !client.isConnected)
  expect(suspends).toEqual(['append', 'append', 'suspend'])
  expect(client.said).toEqual(['late'])
})

test('a once that begins while a message is on its way to the log holds the suspension up, too', async () => {
  const [late, slow, paid] = [0, 1, 2].map(() => Promise.withResolvers<void>()) as [Gate, Gate, Gate]
  const { step, release } = held()
  let isHeld = false
  fleet = serving(async (ctx) => {
    const answer = ctx.elicit('?', FORM)
    await late.promise
    isHeld = true
    await ctx.log('info', 'late')
    await slow.promise
    await ctx.once('pay', () => paid.promise)
    return text((await answer).action)
  })
  const at = fleet.start({}, { append: (proceed, ...args) => (isHeld ? step(proceed, ...args) : proceed()) })
  const client = await asked(at)
  late.resolve()
  await turns()
  await fleet.pass(SUSPEND_AFTER)
  slow.resolve()
  await turns()
  release()
  await fleet.pass(SUSPEND_AFTER)
  expect([client.isConnected, at.stats().calls]).toEqual([true, 1])
  paid.resolve()
  await until(() => !client.isConnected)
})
