/** The code of asks is loaded with the first of them: in this file, since each test file has modules of its own. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Context } from '../../lib/server/context/context.ts'
import { ASKING } from '../../lib/server/context/on-demand.ts'
import { fakeChannel } from './fake-channel.ts'

const form = z.object({ name: z.string() })

function asking() {
  const answers = Promise.withResolvers<void>()
  const channel = fakeChannel({ capabilities: { elicitation: { form: {} }, roots: {} } })
  const asked: string[] = []
  // No ask is answered before all are sent.
  channel.ask = async ({ key, method }) => {
    asked.push(key)
    await answers.promise
    return method === 'roots/list' ? { roots: [] } : { action: 'decline' }
  }
  const ctx = new Context(channel, undefined)
  const asks = () => [
    ctx.elicit('a', form),
    ctx.listRoots(),
    ctx.elicit('b', form),
    ctx.elicit('c', form, { key: 'c' }),
  ]
  return { asked, answers, asks, ctx }
}

test('the first asks of a process go out together, in their order; once the code is there, they wait for nothing', async () => {
  expect(ASKING.now).toBeUndefined()
  const first = asking()
  const sent = first.asks()
  await ASKING.load()
  expect(first.asked).toEqual(['elicit-1', 'roots-1', 'elicit-2', 'c'])
  first.answers.resolve()
  expect(await Promise.all(sent)).toEqual([{ action: 'decline' }, [], { action: 'decline' }, { action: 'decline' }])

  const second = asking()
  const later = second.asks()
  expect(second.asked).toEqual(['elicit-1', 'roots-1', 'elicit-2', 'c'])
  second.answers.resolve()
  await Promise.all(later)
})

test('an ask that nobody awaits is no unhandled rejection, and one that cannot be made is rejected', async () => {
  const { ctx } = asking()
  const refused = ctx.sample({ messages: [], maxTokens: 1 })
  await expect(refused).rejects.toThrow('sampling')
  void ctx.sample({ messages: [], maxTokens: 1 })
  await new Promise<void>((resolve) => void setImmediate(resolve))
})
