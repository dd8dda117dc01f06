/**
 * The property of streams with any store: a client receives the log in order, each message once, or an explicit error.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Store } from '../../lib/store/store.ts'
import { SimulatedCall } from './simulated-call.ts'

const instance = fc.nat({ max: 2 })

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: 'send' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'drop' as const }) },
  { weight: 4, arbitrary: instance.map((at) => ({ do: 'resume' as const, at })) },
  { weight: 1, arbitrary: instance.map((at) => ({ do: 'kill' as const, at })) },
  { weight: 2, arbitrary: instance.map((at) => ({ do: 'pause' as const, at })) },
  { weight: 2, arbitrary: instance.map((at) => ({ do: 'continue' as const, at })) },
  { weight: 2, arbitrary: instance.map((at) => ({ do: 'repeat' as const, at })) },
  { weight: 2, arbitrary: instance.map((at) => ({ do: 'loseMail' as const, at })) },
  { weight: 2, arbitrary: instance.map((at) => ({ do: 'delayMail' as const, at })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 20 }).map((s) => ({ do: 'pass' as const, ms: s * 1_000 })) },
  { weight: 1, arbitrary: fc.constant({ do: 'end' as const }) },
)

async function perform(
  simulated: SimulatedCall,
  steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
): Promise<void> {
  const { instances, clock } = simulated.simulation
  for (const each of steps) {
    const link = 'at' in each ? instances[each.at]?.link : undefined
    if (each.do === 'send' || each.do === 'end') simulated.give(each.do)
    else if (each.do === 'drop') simulated.drop()
    else if (each.do === 'resume') await simulated.resume(each.at)
    else if (each.do === 'kill' && link && instances.filter((other) => !other.link.dead).length > 1) link.dead = true
    else if (each.do === 'pause') link?.pause()
    else if (each.do === 'continue') link?.resume()
    else if (each.do === 'repeat' && link) link.repeats++
    else if (each.do === 'loseMail' && link) link.lostMail++
    else if (each.do === 'delayMail' && link) link.lateMail++
    else if (each.do === 'pass') await clock.advance(each.ms)
    await simulated.read()
  }
}

/**
 * Checks the property for random steps. Each simulated call has a store of its own, or a session of its own in one
 * store.
 */
export async function checkStreamRule(makeStore: () => Store, runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 24 }), fc.boolean(), async (steps, rerun) => {
      const simulated = new SimulatedCall(makeStore(), rerun)
      await simulated.open(0)
      await perform(simulated, steps)
      for (const { link } of simulated.simulation.instances) link.resume()
      await simulated.settle()
      const finals = simulated.received.filter((message) => message.id === 7)
      expect(finals).toHaveLength(1)
      expect(simulated.received.at(-1)).toBe(finals[0])
      const texts = simulated.received.slice(0, -1).map((message) => String(message.params?.data))
      // Each run sends 1, 2, 3 …; a second run begins again, and the client receives one run after the other.
      const starts = texts.filter((text) => text === 'message 1').length
      expect(starts).toBeGreaterThanOrEqual(1)
      let last = 0
      for (const text of texts) {
        const n = Number(text.slice('message '.length))
        expect(n === last + 1 || n === 1).toBe(true)
        last = n
      }
      if (finals[0]?.error) expect(finals[0].error.code).toBe(-32603)
    }),
    { numRuns: runs },
  )
}
