/** Three instances, a real Redis, and a client that does with durable calls what it should not, while instances die and stand still. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ageStore } from '../../support/age-store.ts'
import { DurableFleet, type Playing, progressOf, responseOf, saidOf } from '../../support/durable-fleet.ts'
import { eventually } from '../../support/eventually.ts'
import { call, getStream, initialize, openGet, type RawSession, request } from '../../support/raw.ts'

let durable: DurableFleet
/** Without heartbeats: what mail loses is lost. */
let slow: DurableFleet
let session: RawSession
beforeAll(async () => {
  durable = await DurableFleet.start()
  slow = await DurableFleet.start({ heartbeat: 600_000 })
})
beforeEach(async () => {
  session = await initialize(durable.fleet.at(2))
})
afterAll(() => Promise.all([durable.stop(), slow.stop()]))

const text = (name: string) => ({ result: { content: [{ text: expect.stringContaining(`${name} by `) }] } })
/** Polls once: whether the call has its response, or its stream has ended without one. */
async function isOver(playing: Playing): Promise<boolean> {
  await durable.poll(1, playing)
  return playing.ended || responseOf(playing) !== undefined
}

const count = (name: string, step: string) => durable.did(name).filter((done) => done === step).length

describe('answers', () => {
  test('that come twice at once, at two instances, run the call once', async () => {
    const playing = await durable.suspend(0, session, 'twice', ['once a', 'ask k', 'single b'])
    const statuses = await Promise.all([1, 2, 0, 1].map((at) => durable.answer(at, playing, 'k')))
    expect(new Set(statuses)).toEqual(new Set([202]))
    expect(await durable.finish(2, playing)).toMatchObject(text('twice'))
    expect(durable.did('twice').filter((step) => step === 'run')).toHaveLength(2)
    expect(count('twice', 'did a')).toBe(1)
    expect(count('twice', 'did b')).toBe(1)
  })

  test('after the first change nothing, whatever they say', async () => {
    const playing = await durable.suspend(0, session, 'differ', ['ask k', 'ask l'])
    expect(await durable.answer(1, playing, 'k', { ok: true })).toBe(202)
    await durable.until('differ', 'answered k accept true')
    expect(await durable.answer(2, playing, 'k', { ok: false })).toBe(202)
    await durable.poll(0, playing)
    await eventually(async () => {
      await durable.poll(0, playing)
      return playing.asks.has('l') ? true : undefined
    })
    await durable.answer(0, playing, 'l')
    await durable.finish(1, playing)
    expect(durable.did('differ').filter((step) => step.startsWith('answered k'))).not.toContain(
      'answered k accept false',
    )
  })

  test('of another session wake nobody, and reach nobody', async () => {
    const playing = await durable.suspend(0, session, 'foreign', ['ask k'])
    const other = await initialize(durable.fleet.at(1))
    await durable.answer(1, { ...playing, session: other }, 'k')
    await durable.poll(2, playing)
    expect(responseOf(playing)).toBeUndefined()
    expect(durable.did('foreign')).toEqual(['run'])
    await durable.answer(1, playing, 'k')
    expect(await durable.finish(2, playing)).toMatchObject(text('foreign'))
  })

  test('of three megabytes arrive', async () => {
    const playing = await durable.suspend(0, session, 'huge', ['ask k', 'ask l'])
    expect(await durable.answer(1, playing, 'k', { ok: true, more: 'x'.repeat(3e6) })).toBe(202)
    await eventually(async () => {
      await durable.poll(2, playing)
      return playing.asks.has('l') || responseOf(playing) ? true : undefined
    })
    if (playing.asks.has('l')) await durable.answer(0, playing, 'l')
    await durable.finish(1, playing)
  })

  test('to one of two asks wake a call that waits for either', async () => {
    const playing = await durable.suspend(0, session, 'race', ['race k l', 'once a'])
    await durable.answer(1, playing, 'l')
    expect(await durable.finish(2, playing)).toMatchObject(text('race'))
    expect(durable.did('race')).toContain('won l')
    expect(count('race', 'did a')).toBe(1)
  })

  test('to one of two asks suspend a call again that waits for both', async () => {
    const playing = await durable.suspend(0, session, 'both', ['both k l', 'once a'])
    await durable.answer(1, playing, 'l')
    await durable.until('both', 'answered l accept true')
    await durable.poll(2, playing)
    expect(responseOf(playing)).toBeUndefined()
    await durable.answer(0, playing, 'k')
    expect(await durable.finish(1, playing)).toMatchObject(text('both'))
    expect(count('both', 'did a')).toBe(1)
    expect(playing.seen.filter(({ method }) => method === 'elicitation/create')).toHaveLength(2)
  })

  test('to both of two asks at the same moment, at two instances, are both there at once', async () => {
    for (let i = 0; i < 5; i++) {
      const name = `together-${i}`
      const playing = await slow.suspend(i % 3, await initialize(slow.fleet.at(0)), name, ['both k l', 'once a'])
      await Promise.all([slow.answer((i + 1) % 3, playing, 'k'), slow.answer((i + 2) % 3, playing, 'l')])
      expect(await slow.finish(i % 3, playing)).toMatchObject(text(name))
    }
  })

  test('that come after the deadline change nothing: every later run is told of the deadline', async () => {
    const playing = await durable.suspend(0, session, 'late', ['ask k 1000', 'ask l'])
    await eventually(async () => {
      await durable.poll(1, playing)
      return playing.asks.has('l') ? true : undefined
    })
    await durable.answer(2, playing, 'k')
    await durable.read(playing)
    await durable.answer(2, playing, 'l')
    expect(await durable.finish(0, playing)).toMatchObject(text('late'))
    expect(durable.did('late').filter((step) => step.startsWith('answered k'))).toEqual([])
    expect(count('late', 'failed k timeout')).toBeGreaterThan(1)
  })
})

describe('polls', () => {
  test('with an old event id get the ask again, each time with the same ids', async () => {
    const playing = await durable.suspend(0, session, 'old-ids', ['say one', 'say two', 'ask k'])
    const ids = playing.stream.events.map(({ id }) => id)
    const first = playing.stream.events.find(({ message }) => message !== undefined)?.id
    for (const at of [1, 2, 0, 1]) {
      const poll = await getStream(durable.fleet.at(at), session, first)
      await poll.rest()
      expect(poll.events.flatMap(({ id, message }) => (message && id !== undefined ? [id] : []))).toEqual(
        ids.filter((id, i) => playing.stream.events[i]?.message && id !== first),
      )
    }
    await durable.answer(1, playing, 'k')
    expect(await durable.finish(2, playing)).toMatchObject(text('old-ids'))
    expect(saidOf(playing)).toEqual(['one', 'two'])
  })

  test('of two clients at once run the call once, and each ends', async () => {
    const playing = await durable.suspend(0, session, 'two', ['ask k', 'once a', 'sleep 300', 'say done'])
    await Promise.all(
      [0, 1, 2].map(async (at) => (await getStream(durable.fleet.at(at), session, playing.last)).rest()),
    )
    expect(durable.did('two')).toEqual(['run'])
    await durable.answer(0, playing, 'k')
    const both = await Promise.all(
      [1, 2].map(async (at) => (await getStream(durable.fleet.at(at), session, playing.last)).rest()),
    )
    expect(both.length).toBe(2)
    expect(await durable.finish(1, playing)).toMatchObject(text('two'))
    expect(durable.did('two').filter((step) => step === 'run')).toHaveLength(2)
    expect(count('two', 'did a')).toBe(1)
  })

  test('of a call with a token carry progress that grows, and never reaches what the handler says next', async () => {
    const playing = await durable.suspend(0, session, 'grows', ['progress 1', 'ask k', 'progress 2'])
    for (let i = 0; i < 30; i++) {
      await durable.poll(i % 3, playing)
      // The progress of a poll is a time in ms.
      await sleep(2)
    }
    expect(progressOf(playing).length).toBeGreaterThan(30)
    await durable.answer(1, playing, 'k')
    await durable.finish(2, playing)
    const all = progressOf(playing)
    expect(all.at(-1)).toBe(2)
    expect(all).toEqual([...new Set(all)].sort((a, b) => a - b))
  })

  test('leave nothing open: no connection and no call is in any instance while a call is suspended', async () => {
    const playing = await durable.suspend(0, session, 'open', ['ask k'])
    for (const at of [0, 1, 2]) await durable.poll(at, playing)
    for (const instance of durable.fleet.instances) {
      await eventually(async () => {
        const { connections, calls, unregistered } = await instance.stats()
        return connections + calls + unregistered === 0 ? true : undefined
      })
    }
    await durable.answer(1, playing, 'k')
    await durable.finish(2, playing)
  })
})

describe('a cancel', () => {
  test('of a suspended call ends it at once: an answer runs nothing, and nothing of it is left', async () => {
    const playing = await durable.suspend(0, session, 'cancelled', ['once a', 'ask k', 'once b'])
    expect(await durable.cancel(1, playing)).toBe(202)
    expect(await durable.answer(2, playing, 'k')).toBeLessThan(500)
    expect((await openGet(durable.fleet.at(0), session, playing.last)).status).toBe(405)
    expect(durable.did('cancelled')).toEqual(['run', 'begin a', 'did a'])
    expect((await durable.keys(session)).filter((key) => key.includes(':jrn:'))).toEqual([])
  })

  test('right after the answer ends the run that the answer began', async () => {
    const playing = await durable.suspend(0, session, 'woken', [
      'ask k',
      'say woken',
      `gate ${durable.gate('woken')}`,
      'once b',
    ])
    await durable.answer(1, playing, 'k')
    await durable.until('woken', 'answered k accept true')
    expect(await durable.cancel(2, playing)).toBe(202)
    await eventually(async () => ((await isOver(playing)) ? true : undefined))
    durable.open('woken')
    await durable.until('woken', 'past the gate')
    // The step after the gate has had its time.
    for (const at of [0, 1, 2]) await durable.poll(at, playing)
    expect(count('woken', 'begin b')).toBe(0)
  })

  test('at the same moment as the answer leaves the call ended or done, never open', async () => {
    for (let i = 0; i < 10; i++) {
      const name = `both-at-once-${i}`
      const playing = await durable.suspend(i % 3, session, name, ['ask k', 'once a'])
      await Promise.all([durable.answer((i + 1) % 3, playing, 'k'), durable.cancel((i + 2) % 3, playing)])
      await eventually(async () => ((await isOver(playing)) ? true : undefined))
      expect(count(name, 'did a')).toBeLessThanOrEqual(1)
    }
  })
})

describe('a session', () => {
  test('that is ended while calls are suspended leaves nothing but marks, and serves nothing', async () => {
    const playing = await durable.suspend(0, session, 'deleted', ['keep big 9000', 'ask k', 'once b'])
    await durable.suspend(1, session, 'deleted-too', ['ask k'])
    expect(await durable.end(2, session)).toBe(204)
    expect(await durable.answer(1, playing, 'k')).toBe(404)
    expect((await openGet(durable.fleet.at(0), session, playing.last)).status).toBe(404)
    expect(count('deleted', 'did b')).toBe(0)
    expect((await durable.keys(session)).filter((key) => /:jrn:|:log:/.test(key))).toEqual([])
  })

  test('that expires while a call is suspended takes the call along', async () => {
    const playing = await durable.suspend(0, session, 'expired', ['once a', 'ask k', 'once b'])
    await ageStore(durable.redis, 26 * 3_600_000)
    expect(await durable.answer(1, playing, 'k')).toBe(404)
    expect((await openGet(durable.fleet.at(2), session, playing.last)).status).toBe(404)
    expect(await durable.keys(session)).toEqual([])
    expect(count('expired', 'did b')).toBe(0)
  })

  test('has twenty suspended calls; the next ones wait in their instances, and are answered like them', async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => durable.suspend(i % 3, session, `many-${i}`, ['ask k', 'once a'])),
    )
    const more = await durable.play(0, session, 'many-more', ['ask k', 'once a'])
    const { message } = await more.stream.until(({ method }) => method === 'elicitation/create')
    more.asks.set('k', message?.id)
    // Longer than the others took to be suspended.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await durable.answer(1, more, 'k')
    await durable.read(more)
    if (!responseOf(more)) await durable.finish(2, more)
    expect(durable.did('many-more').filter((step) => step === 'run')).toHaveLength(1)
    for (const playing of all) {
      await durable.answer(1, playing, 'k')
      expect(await durable.finish(2, playing)).toMatchObject(text(playing.call))
      expect(count(playing.call, 'did a')).toBe(1)
    }
  })

  test('has the same request id for a second call while the first one is suspended', async () => {
    const first = await durable.suspend(0, session, 'same', ['ask k', 'once a'])
    const second = await durable.suspend(1, session, 'same', ['ask l', 'once b'])
    await durable.answer(2, second, 'l')
    await durable.answer(2, first, 'k')
    expect(await durable.finish(0, first)).toMatchObject(text('same'))
    expect(await durable.finish(1, second)).toMatchObject(text('same'))
    expect([count('same', 'did a'), count('same', 'did b')]).toEqual([1, 1])
  })

  test('with another log level at the time of the answer gets neither a message twice nor one too few', async () => {
    const playing = await durable.suspend(0, session, 'level', [
      'say one',
      'debug hidden',
      'say two',
      'ask k',
      'say three',
      'debug shown',
    ])
    await call(durable.fleet.at(1), session, request('set', 'logging/setLevel', { level: 'warning' }))
    await durable.answer(2, playing, 'k')
    await durable.finish(0, playing)
    const before = saidOf(playing)
    expect(new Set(before).size).toBe(before.length)
    expect(before).not.toContain('three')
    const next = await durable.suspend(0, await initialize(durable.fleet.at(1)), 'level-down', [
      'say one',
      'ask k',
      'say two',
    ])
    await call(durable.fleet.at(1), next.session, request('set', 'logging/setLevel', { level: 'debug' }))
    await durable.answer(2, next, 'k')
    await durable.finish(0, next)
    expect(saidOf(next)).toEqual(['one', 'two'])
  })
})

describe('an author', () => {
  test('who keeps more than the journal takes gets an error', async () => {
    const playing = await durable.play(0, session, 'full', ['say begun', 'keep big 300000', 'once after'])
    await durable.read(playing)
    const response = responseOf(playing) ?? (await durable.finish(1, playing))
    expect(JSON.stringify(response)).toMatch(/journal|keep/i)
    expect(count('full', 'did after')).toBe(0)
  })

  test('who keeps more entries than the journal takes gets an error', async () => {
    const steps = Array.from({ length: 1_001 }, (_, i) => `keep k${i} 1`)
    const playing = await durable.play(0, session, 'entries', ['say begun', ...steps, 'once after'])
    await durable.read(playing)
    const response = responseOf(playing) ?? (await durable.finish(1, playing))
    expect(JSON.stringify(response)).toMatch(/journal|entries/i)
    expect(count('entries', 'did after')).toBe(0)
  })

  test('whose replay asks something else gets an error that says so', async () => {
    const playing = await durable.suspend(0, session, 'fickle', ['fickle k', 'once a'])
    await durable.answer(1, playing, 'k')
    const response = await durable.finish(2, playing)
    expect(JSON.stringify(response)).toMatch(/asks something else/)
    expect(count('fickle', 'did a')).toBe(0)
  })

  test('who takes every error for an answer does nothing that counts before the answer is there', async () => {
    const playing = await durable.suspend(0, session, 'swallow', ['swallow k', 'once a', 'say heard', 'single b'])
    await durable.poll(1, playing)
    expect([count('swallow', 'did a'), count('swallow', 'did b')]).toEqual([0, 0])
    expect(saidOf(playing)).toEqual([])
    await durable.answer(1, playing, 'k')
    expect(await durable.finish(2, playing)).toMatchObject(text('swallow'))
    expect([count('swallow', 'did a'), count('swallow', 'did b')]).toEqual([1, 1])
  })

  test('who sends something in `finally` sends it once', async () => {
    const playing = await durable.suspend(0, session, 'finally', ['say one', 'finally k', 'say two'])
    await durable.answer(1, playing, 'k')
    await durable.finish(2, playing)
    expect(saidOf(playing)).toEqual(['one', 'finally', 'two'])
  })

  test('who keeps a random number has the same one in every run', async () => {
    const playing = await durable.suspend(0, session, 'random', ['value n', 'ask k', 'ask l', 'value n'])
    await durable.answer(1, playing, 'k')
    await eventually(async () => {
      await durable.poll(2, playing)
      return playing.asks.has('l') ? true : undefined
    })
    await durable.answer(0, playing, 'l')
    await durable.finish(1, playing)
    const said = saidOf(playing)
    expect(new Set(said).size).toBe(1)
    expect(said).toHaveLength(2)
  })
})

describe('an instance', () => {
  test('that suspends no calls itself serves polls, answers and cancels of those that others suspended', async () => {
    await durable.fleet.instances[1]?.kill()
    await durable.restart(1, { suspendAfter: 0, lease: 2_000, heartbeat: 1_000, retry: 100 })
    const playing = await durable.suspend(0, session, 'way-back', ['once a', 'ask k', 'once b'])
    await durable.poll(1, playing)
    expect(durable.did('way-back').filter((step) => step === 'run')).toHaveLength(1)
    expect(await durable.answer(1, playing, 'k')).toBe(202)
    expect(await durable.finish(1, playing)).toMatchObject(text('way-back'))
    expect([count('way-back', 'did a'), count('way-back', 'did b')]).toEqual([1, 1])
    const other = await durable.suspend(0, session, 'way-out', ['ask k', 'once b'])
    expect(await durable.cancel(1, other)).toBe(202)
    expect((await openGet(durable.fleet.at(1), session, other.last)).status).toBe(405)
    await durable.replace(1)
  })

  test('that is killed after its call was suspended is not missed', async () => {
    const playing = await durable.suspend(0, session, 'killed-after', ['once a', 'ask k', 'once b'])
    await durable.replace(0)
    await durable.answer(1, playing, 'k')
    expect(await durable.finish(2, playing)).toMatchObject(text('killed-after'))
    expect([count('killed-after', 'did a'), count('killed-after', 'did b')]).toEqual([1, 1])
  })

  test('that is killed right after it took the answer has the call taken over by a poll', async () => {
    const gate = durable.gate('woken-killed')
    const playing = await durable.suspend(0, session, 'woken-killed', [
      'once a',
      'ask k',
      'once b',
      `gate ${gate}`,
      'once c',
    ])
    await durable.answer(1, playing, 'k')
    await durable.until('woken-killed', 'at the gate')
    await durable.replace(1)
    durable.open('woken-killed')
    expect(await durable.finish(2, playing)).toMatchObject(text('woken-killed'))
    expect(['a', 'b', 'c'].map((name) => count('woken-killed', `did ${name}`))).toEqual([1, 1, 1])
  })

  test('that is killed in the middle of a single effect leaves an error, and the effect is not done again', async () => {
    const gate = durable.gate('single')
    const playing = await durable.play(0, session, 'single', ['say begun', `single a ${gate}`, 'once b'])
    await playing.stream.until(({ method }) => method === 'notifications/message')
    await durable.until('single', 'begin a')
    await durable.fleet.instances[0]?.kill()
    await durable.read(playing)
    await durable.restart(0)
    const response = await durable.finish(1, playing)
    expect(JSON.stringify(response)).toMatch(/begun|begin/)
    expect([count('single', 'begin a'), count('single', 'did b')]).toEqual([1, 0])
  })

  test('that stands still in the middle of a step neither ends it nor goes on when another has the call', async () => {
    const gate = durable.gate('zombie')
    const playing = await durable.play(0, session, 'zombie', [
      'say begun',
      'once a',
      `gate ${gate}`,
      'once b',
      'say done',
    ])
    await durable.until('zombie', 'at the gate')
    await playing.stream.until(({ method }) => method === 'notifications/message')
    durable.fleet.instances[0]?.signal('SIGSTOP')
    playing.last = playing.stream.lastId
    const resumed = durable.finish(1, playing)
    await durable.until('zombie', 'run', 2)
    durable.fleet.instances[0]?.signal('SIGCONT')
    durable.open('zombie')
    expect(await resumed).toMatchObject(text('zombie'))
    expect([count('zombie', 'did a'), count('zombie', 'did b')]).toEqual([1, 1])
    expect(saidOf(playing).filter((said) => said === 'done')).toHaveLength(1)
  })

  test('that shuts down lets a step end, and hands its call over', async () => {
    const playing = await durable.play(0, session, 'drained', ['say begun', 'once a', 'ask k', 'once b'])
    const { message } = await playing.stream.until(({ method }) => method === 'elicitation/create')
    playing.asks.set('k', message?.id)
    const leaving = durable.fleet.instances[0]
    leaving?.signal('SIGTERM')
    await durable.read(playing)
    expect(await leaving?.ended()).toBe(0)
    await durable.restart(0)
    await durable.answer(1, playing, 'k')
    expect(await durable.finish(2, playing)).toMatchObject(text('drained'))
    expect([count('drained', 'did a'), count('drained', 'did b')]).toEqual([1, 1])
  })

  test('of three that are killed in turn, at any step, does no step twice that was kept', async () => {
    const steps = ['once a', 'say 1', 'ask k', 'once b', 'say 2', 'ask l', 'once c', 'say 3', 'single d']
    for (let i = 0; i < 3; i++) {
      const name = `storm-${i}`
      const own = await initialize(durable.fleet.at(i % 3))
      const playing = await durable.suspend(i % 3, own, name, steps)
      await durable.fleet.instances[i % 3]?.kill()
      await durable.answer((i + 1) % 3, playing, 'k')
      await durable.restart(i % 3)
      await eventually(async () => {
        await durable.poll((i + 2) % 3, playing).catch(() => {})
        return playing.asks.has('l') ? true : undefined
      })
      await durable.fleet.instances[(i + 1) % 3]?.kill()
      await durable.answer((i + 2) % 3, playing, 'l')
      await durable.restart((i + 1) % 3)
      expect(await durable.finish(i % 3, playing)).toMatchObject(text(name))
      expect(['a', 'b', 'c', 'd'].map((step) => count(name, `did ${step}`))).toEqual([1, 1, 1, 1])
      expect(saidOf(playing)).toEqual(['1', '2', '3'])
    }
  })
})
