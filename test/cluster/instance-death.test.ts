/** Instances that die, and instances that were stopped past their lease and run on. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { callUntilAnswered, type Outcome } from '../support/persistent-client.ts'
import { call, getStream, initialize, openGet, postStream, request, toolCall } from '../support/raw.ts'
import { V2, written } from '../support/written.ts'

describe.each(written(V2))('$name', ({ module, isOwn }) => {
  const options = { session: { lease: 2_000, heartbeat: 1_000 } }
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await startFleet(options, { module })
  })
  afterAll(() => fleet.stop())

  const meta = { progressToken: 'p' }

  function progressOf(messages: { params?: { progress?: number } }[]): number[] {
    return messages.flatMap(({ params }) => params?.progress ?? [])
  }

  test('a rerunnable call of a dead instance runs again where its client resumes, and no message is sent twice', async () => {
    const session = await initialize(fleet.at(1))
    const rerunnable = toolCall('r', 'rerunnable', { n: 100, delayMs: 20 }, meta)
    const stream = await postStream(fleet.at(0), rerunnable, { session })
    await stream.until(({ params }) => params?.progress === 5)
    await fleet.instances[0]?.kill()
    const before = await stream.rest()
    const resumed = await getStream(fleet.at(1), session, stream.lastId)
    const rest = await resumed.rest()
    const all = progressOf([...stream.events.flatMap(({ message }) => message ?? []), ...rest])
    expect(all).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    expect(before.at(-1)?.id).toBeUndefined()
    expect(rest.at(-1)?.result.content[0].text).toContain(String(fleet.instances[1]?.child.pid))
    expect((await openGet(fleet.at(2), session, resumed.lastId)).status).toBe(405)
    await fleet.restart(0)
  })

  test('a call that may not run again ends with an error when its instance dies', async () => {
    const session = await initialize(fleet.at(1))
    const stream = await postStream(fleet.at(0), toolCall(5, 'progress', { n: 1_000, delayMs: 20 }, meta), { session })
    await stream.until(({ params }) => params?.progress === 3)
    await fleet.instances[0]?.kill()
    await stream.rest()
    const rest = await (await getStream(fleet.at(2), session, stream.lastId)).rest()
    expect(rest.at(-1)).toMatchObject({ id: 5, error: { code: -32603, message: expect.stringContaining('lost') } })
    expect(rest.filter(({ id }) => id === 5)).toHaveLength(1)
    await fleet.restart(0)
  })

  test('the death of the instance that holds the stream does not affect the call', async () => {
    const session = await initialize(fleet.at(1))
    const stream = await postStream(fleet.at(0), toolCall(6, 'progress', { n: 120, delayMs: 20 }, meta), { session })
    await stream.until(({ params }) => params?.progress === 3)
    stream.drop()
    const held = await getStream(fleet.at(1), session, stream.lastId)
    await held.until(({ params }) => params?.progress === 10)
    await fleet.instances[1]?.kill()
    await held.rest()
    const rest = await (await getStream(fleet.at(2), session, held.lastId)).rest()
    const all = [...stream.events, ...held.events].flatMap(({ message }) => message ?? [])
    expect(progressOf([...all, ...rest])).toEqual(Array.from({ length: 120 }, (_, i) => i + 1))
    expect(rest.at(-1)?.result.content[0].text).toContain(String(fleet.instances[0]?.child.pid))
    await fleet.restart(1)
  })

  test('an instance that was stopped past its lease cannot append to a call that was taken over', async () => {
    const session = await initialize(fleet.at(1))
    const rerunnable = toolCall('z', 'rerunnable', { n: 100, delayMs: 20 }, meta)
    const stream = await postStream(fleet.at(0), rerunnable, { session })
    await stream.until(({ params }) => params?.progress === 4)
    fleet.instances[0]?.signal('SIGSTOP')
    const { lastId } = stream
    const resumed = await getStream(fleet.at(1), session, lastId)
    // The second run sends progress, so the call is taken over. The first instance continues now.
    await resumed.until(({ params }) => (params?.progress ?? 0) > 4)
    fleet.instances[0]?.signal('SIGCONT')
    const rest = await resumed.rest()
    const after = progressOf(resumed.events.flatMap(({ message }) => message ?? []))
    expect(after).toEqual([...new Set(after)].sort((a, b) => a - b))
    expect(rest.filter(({ id }) => id === 'z')).toHaveLength(1)
    // The log is what the client received: the first instance appended nothing.
    const replayed = await (await getStream(fleet.at(2), session, lastId)).rest()
    expect(progressOf(replayed)).toEqual(after)
    expect(replayed.filter(({ id }) => id === 'z')).toHaveLength(1)
    stream.drop()
  })

  test.runIf(isOwn)(
    '200 calls get one answer each while instances get kill -9, SIGSTOP and SIGCONT at random',
    async () => {
      const sessions = await Promise.all(Array.from({ length: 20 }, () => initialize(fleet.url)))
      let over = false
      const faults = { kills: 0, stops: 0 }
      const chaos = (async () => {
        while (!over) {
          await sleep(300 + Math.random() * 700)
          const index = Math.floor(Math.random() * 3)
          const instance = fleet.instances[index]
          if (Math.random() < 0.5) {
            faults.kills++
            await instance?.kill()
            await fleet.restart(index, options)
          } else {
            faults.stops++
            instance?.signal('SIGSTOP')
            await sleep(500 + Math.random() * 2_500)
            instance?.signal('SIGCONT')
          }
        }
      })()
      const outcomes: Outcome[] = []
      await Promise.all(
        sessions.map(async (session, s) => {
          // On a busy machine a fault takes long: the calls go on until there were some.
          for (let i = 0; i < 10 || faults.kills + faults.stops <= 3; i++) {
            const tool = (s + i) % 2 === 0 ? 'rerunnable' : 'progress'
            const make = (id: string) => toolCall(id, tool, { n: 10, delayMs: 30 }, meta)
            const outcome = await callUntilAnswered(fleet.url, session, make, `${s}-${i}`)
            outcomes.push(outcome)
            const progress = progressOf(outcome.messages)
            expect(progress).toEqual([...new Set(progress)].sort((a, b) => a - b))
            const [final] = outcome.finals
            if (final?.error) {
              expect(tool).toBe('progress')
              expect(final.error.code).toBe(-32603)
            } else expect(final?.result.content[0].text).toContain('done 10')
          }
        }),
      )
      over = true
      await chaos
      expect(outcomes.length).toBeGreaterThanOrEqual(200)
      expect(outcomes.every(({ finals }) => finals.length === 1)).toBe(true)
      for (const session of sessions) {
        expect((await call(fleet.url, session, request('still', 'tools/list'))).result.tools.length).toBeGreaterThan(0)
      }
    },
    180_000,
  )
})
