/** The end of a run by its suspension, and what wakes the call: no wake-up is lost, and nothing happens between. */
import { afterEach, expect, test } from 'vitest'
import { AskPending } from '../../../lib/index.ts'
import type { Context } from '../../../lib/server/context/context.ts'
import { sessionKey } from '../../../lib/session/stream/session.ts'
import { StoreUnavailable } from '../../../lib/store/store.ts'
import type { Step } from '../../support/intercepted-store.ts'
import { ANSWER, asked, FORM, SUSPEND_AFTER, serving, suspended, type TestFleet, text, turns, until } from './fleet.ts'

let fleet: TestFleet
afterEach(() => fleet.close())

let runs = 0
const ask = async (ctx: Context) => {
  runs++
  return text((await ctx.elicit('?', FORM)).action)
}

test('an answer whose mail was lost is found by the suspension, and the run goes on', async () => {
  runs = 0
  fleet = serving(ask)
  // A look of the run would find the answer, too.
  const lookCall: Step = async (proceed) => ({ ...((await proceed()) as object), answers: new Map() })
  const first = fleet.start({}, { lookCall })
  const second = fleet.start({}, { send: async () => undefined })
  const client = await asked(first)
  await client.answer(second, client.asks[0]!, ANSWER)
  await fleet.pass(SUSPEND_AFTER)
  await until(() => client.text === 'accept')
  expect(runs).toBe(1)
})

test('an ask that a failover has lost ends with its time, though the store knows of no deadline', async () => {
  fleet = serving(async (ctx) => {
    const answer = ctx.elicit('?', FORM, { timeout: 5_000 })
    return text(
      await answer.then(
        ({ action }) => action,
        ({ reason }) => reason,
      ),
    )
  })
  const at = fleet.start({ suspendAfter: 0, storePatience: 10_000 }, { closeAsk: async () => undefined })
  const client = await asked(at)
  // It may have been sent for as long as the store is waited for.
  await fleet.pass(6_000)
  expect(client.text).toBeUndefined()
  await fleet.pass(20_000)
  await until(() => client.text === 'timeout')
})

function session({ session }: Context) {
  if (!session) throw new Error('The call has no session.')
  return session
}

/** A handler that goes on with other work while it asks. What that work comes to is in `outcomes`. */
function working() {
  const outcomes: string[] = []
  const gate = Promise.withResolvers<void>()
  const note = (name: string, work: Promise<unknown>) =>
    work.then(
      () => outcomes.push(`${name} done`),
      (error) => outcomes.push(`${name} ${error instanceof AskPending ? 'pending' : error}`),
    )
  const run = async (ctx: Context) => {
    void gate.promise.then(() => {
      void note(
        'once',
        ctx.once('late', () => outcomes.push('effect')),
      )
      void note('set', session(ctx).set('late', 1))
      void note('ask', ctx.elicit('Late?', FORM, { key: 'late' }))
      void note('log', ctx.log('info', 'late'))
    })
    const { action } = await ctx.elicit('?', FORM)
    return text(action)
  }
  return { outcomes, gate, run }
}

test('what a handler begins while the store is asked to suspend its call waits for the reply, and is refused then', async () => {
  const { outcomes, gate, run } = working()
  const reply = Promise.withResolvers<void>()
  let isAsked = false
  const suspend: Step = async (proceed) => {
    const stored = await proceed()
    isAsked = true
    await reply.promise
    return stored
  }
  let looks = 0
  const lookCall: Step = async (proceed) => {
    const found = await proceed()
    if (isAsked) looks++
    return found
  }
  fleet = serving(run)
  const at = fleet.start({}, { suspend, lookCall })
  const client = await asked(at)
  await fleet.pass(SUSPEND_AFTER)
  await until(() => isAsked)
  gate.resolve()
  // The heartbeat of the run finds that it is no longer the owner.
  await fleet.pass(20_000)
  await until(() => looks > 0)
  await turns()
  // A message waits in the queue, so that it is as good as sent. Nothing else goes on.
  expect(outcomes).toEqual(['log done'])
  reply.resolve()
  await until(() => outcomes.length === 4)
  expect(outcomes.toSorted()).toEqual(['ask pending', 'log done', 'once pending', 'set pending'])
  expect(client.said).toEqual([])
})

test('what a handler begins after its call was suspended is refused, whatever nobody waits for', async () => {
  const { outcomes, gate, run } = working()
  fleet = serving(run)
  const at = fleet.start()
  const client = await suspended(fleet, at)
  gate.resolve()
  await until(() => outcomes.length === 4)
  expect(outcomes.toSorted().slice(1)).toEqual(['log pending', 'once pending', 'set pending'])
  const key = sessionKey('', client.session)
  expect(await fleet.base.getData(key, 'late')).toBeUndefined()
  expect(await fleet.base.readLog(key, (await fleet.base.calls(key))[0]!.stream)).toHaveLength(1)
})

test('of several asks any answer wakes the call, and the run waits for the others, and is suspended again', async () => {
  fleet = serving(async (ctx) => {
    const answers = ['one', 'two'].map((key) => ctx.elicit(key, FORM, { key }))
    await Promise.race(answers)
    await ctx.log('info', 'One is there.')
    await Promise.all(answers)
    return text('both')
  })
  const at = fleet.start()
  const client = await suspended(fleet, at)
  await until(() => client.asks.length === 2)
  await client.answer(at, client.asks[1]!, ANSWER)
  await client.poll(at)
  await until(() => client.said.length === 1)
  await fleet.pass(SUSPEND_AFTER)
  await until(() => !client.isConnected)
  expect(at.stats().calls).toBe(0)
  await client.answer(at, client.asks[0]!, ANSWER)
  await client.poll(at)
  await until(() => client.text === 'both')
  expect(client.asks).toHaveLength(2)
  expect(client.said).toEqual(['One is there.'])
})

test('an answer whose token lacks the scopes of the call is stored and wakes nobody: a poll that has them goes on', async () => {
  runs = 0
  fleet = serving(ask, { durable: true, requiredScopes: ['act'] })
  // A token is the list of its scopes.
  const verify = (token: string) => ({ subject: 'ada', scopes: token.split('.') })
  const auth = { issuer: 'https://as.example', resource: 'http://localhost/mcp', verify }
  const at = fleet.start({}, {}, auth)
  const client = await suspended(fleet, at, undefined, 'act')
  client.token = 'other'
  expect(await client.answer(at, client.asks[0]!, ANSWER)).toBe(202)
  await fleet.pass(1_000)
  expect(runs).toBe(1)
  expect(at.stats().calls).toBe(0)
  client.token = 'act'
  await client.poll(at)
  await until(() => client.text === 'accept')
  expect(runs).toBe(2)
  // One that has them wakes it at once.
  const other = await suspended(fleet, at, undefined, 'act')
  await other.answer(at, other.asks[0]!, ANSWER)
  await until(() => runs === 4)
})

test('an instance that shuts down stores an answer and wakes nobody: the next poll finds it', async () => {
  const takers: unknown[] = []
  const answer: Step = (proceed, _key, _ask, _value, taker) => {
    takers.push(taker)
    return proceed()
  }
  fleet = serving(ask)
  const [first, leaving] = [fleet.start(), fleet.start({}, { answer })]
  // A call of its own keeps it from being gone at once.
  await asked(leaving)
  const client = await suspended(fleet, first)
  await asked(leaving)
  const closing = leaving.close()
  await turns()
  expect(await client.answer(leaving, client.asks[0]!, ANSWER)).toBe(202)
  expect(takers).toEqual([undefined])
  const [call] = await fleet.base.calls(sessionKey('', client.session))
  expect(call).toMatchObject({ owner: '' })
  await client.poll(first)
  await until(() => client.text === 'accept')
  await fleet.pass(20_000)
  await closing
})

test('an instance that begins to shut down while it takes a call gives it back', async () => {
  let leaving: Promise<void> | undefined
  const answer: Step = async (proceed) => {
    const reply = await proceed()
    leaving = second.close()
    return reply
  }
  fleet = serving(ask)
  const first = fleet.start()
  const second = fleet.start({}, { answer })
  const client = await suspended(fleet, first)
  expect(await client.answer(second, client.asks[0]!, ANSWER)).toBe(202)
  await fleet.pass(20_000)
  await leaving
  const [call] = await fleet.base.calls(sessionKey('', client.session))
  expect(call).toMatchObject({ owner: '' })
  await client.poll(first)
  await until(() => client.text === 'accept')
})

test('a call whose run begins late in the shutdown of its instance is handed over all the same', async () => {
  const gate = Promise.withResolvers<void>()
  let reads = 0
  fleet = serving(async (ctx) => {
    await ctx.elicit('?', FORM, { key: 'first' })
    return text((await ctx.elicit('?', FORM, { key: 'second' })).action)
  })
  // Between its claim and its run the call's log is read.
  const readLog: Step = async (proceed) => {
    reads++
    await gate.promise
    return proceed()
  }
  const [first, second] = [fleet.start({}, { readLog }), fleet.start()]
  const client = await suspended(fleet, second)
  await client.answer(first, client.asks[0]!, ANSWER)
  await until(() => reads === 1)
  let isClosed = false
  void first.close().then(() => (isClosed = true))
  // Longer than it waits for its calls.
  await fleet.pass(30_000)
  expect(isClosed).toBe(false)
  gate.resolve()
  // Less than after which the run would be suspended.
  while (!isClosed) await fleet.pass(1)
  // It was not suspended: that would take longer.
  const [left] = await fleet.base.calls(sessionKey('', client.session))
  expect(left).toMatchObject({ owner: '' })
  expect(left).not.toHaveProperty('suspended')
  await client.poll(second)
  await until(() => client.asks.length === 2)
  await client.answer(second, client.asks[1]!, ANSWER)
  await client.poll(second)
  await until(() => client.text === 'accept')
})

test('an answer that has claimed the call, and whose reply was lost, gives it back: the call goes on', async () => {
  let lost = 0
  const answer: Step = async (proceed) => {
    const reply = await proceed()
    if (lost++ === 0) throw new StoreUnavailable('lost its reply')
    return reply
  }
  fleet = serving(ask)
  const [first, second] = [fleet.start(), fleet.start({}, { answer })]
  const client = await suspended(fleet, first)
  expect(await client.answer(second, client.asks[0]!, ANSWER)).toBe(503)
  await fleet.pass(2_000)
  await client.poll(first)
  await until(() => client.text === 'accept')
})

test('a call that was claimed, and whose run cannot begin, is given back: the next poll goes on with it', async () => {
  let failed = 0
  const readLog: Step = async (proceed) => {
    if (failed++ === 0) throw new Error('The log cannot be read.')
    return proceed()
  }
  fleet = serving(ask)
  const [first, second] = [fleet.start(), fleet.start({}, { readLog })]
  const client = await suspended(fleet, first)
  expect(await client.answer(second, client.asks[0]!, ANSWER)).toBe(202)
  await until(() => failed > 0)
  await fleet.pass(2_000)
  await client.poll(first)
  await until(() => client.text === 'accept')
})
