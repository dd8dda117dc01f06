/** Instances of one commit that die, stop or leave, and what those of the other make of their calls. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Fleet } from '../support/fleet.ts'
import { call, getStream, initialize, openGet, postStream, request, toolCall } from '../support/raw.ts'
import { DIRECTIONS, end, meta, progressOf, startMixed, textOf, upTo } from './mixed.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startMixed({ session: { lease: 2_000, heartbeat: 1_000, drainTimeout: 300 } })
})
afterAll(() => fleet.stop())

const rerunnable = (n: number) => toolCall('r', 'rerunnable', { n, delayMs: 20 }, meta)
const pidOf = (index: number) => String(fleet.instances[index]?.child.pid)

describe.each(DIRECTIONS)('$direction', ({ from, to, back, also }) => {
  test('kill -9: a call that may run again is run again by the other commit, and nothing is sent twice', async () => {
    const session = await initialize(fleet.at(to))
    const stream = await postStream(fleet.at(from), rerunnable(30), { session })
    await stream.until(({ params }) => params?.progress === 5)
    await fleet.instances[from]?.kill()
    await stream.rest()
    const resumed = await getStream(fleet.at(to), session, stream.lastId)
    const rest = await resumed.rest()
    const all = [...stream.events.flatMap(({ message }) => message ?? []), ...rest]
    expect(progressOf(all)).toEqual(upTo(30))
    expect(textOf(rest.at(-1))).toContain(`by ${pidOf(to)}`)
    expect((await openGet(fleet.at(back), session, resumed.lastId)).status).toBe(405)
    await fleet.restart(from)
    expect((await call(fleet.at(from), session, request(2, 'ping'))).result).toEqual({})
  })

  test('a call of an instance that lives is left to it, for longer than a lease', async () => {
    const session = await initialize(fleet.at(to))
    const stream = await postStream(fleet.at(from), rerunnable(200), { session })
    await stream.until(({ params }) => params?.progress === 3)
    stream.drop()
    const rest = await (await getStream(fleet.at(to), session, stream.lastId)).rest()
    const all = [...stream.events.flatMap(({ message }) => message ?? []), ...rest]
    expect(progressOf(all)).toEqual(upTo(200))
    expect(textOf(rest.at(-1))).toContain(`by ${pidOf(from)}`)
  })

  test('kill -9: any other call ends with an error that says that its instance was lost', async () => {
    const session = await initialize(fleet.at(to))
    const stream = await postStream(fleet.at(from), toolCall(5, 'progress', { n: 1_000, delayMs: 20 }, meta), {
      session,
    })
    await stream.until(({ params }) => params?.progress === 3)
    await fleet.instances[from]?.kill()
    await stream.rest()
    const rest = await (await getStream(fleet.at(to), session, stream.lastId)).rest()
    expect(rest.at(-1)).toMatchObject({ id: 5, error: { code: -32603, message: expect.stringContaining('lost') } })
    await fleet.restart(from)
  })

  test('kill -9 of both: a call that was taken over is taken over again', async () => {
    const session = await initialize(fleet.at(also))
    const stream = await postStream(fleet.at(from), rerunnable(60), { session })
    await stream.until(({ params }) => params?.progress === 3)
    await fleet.instances[from]?.kill()
    await stream.rest()
    const second = await getStream(fleet.at(to), session, stream.lastId)
    await second.until(({ params }) => params?.progress === 6)
    await fleet.instances[to]?.kill()
    await second.rest()
    const rest = await (await getStream(fleet.at(back), session, second.lastId)).rest()
    const before = [...stream.events, ...second.events].flatMap(({ message }) => message ?? [])
    expect(progressOf([...before, ...rest])).toEqual(upTo(60))
    expect(textOf(rest.at(-1))).toContain(`by ${pidOf(back)}`)
    await Promise.all([fleet.restart(from), fleet.restart(to)])
  })

  test('kill -9 of the instance that only holds the stream costs nothing', async () => {
    const session = await initialize(fleet.at(from))
    const stream = await postStream(fleet.at(from), toolCall(6, 'progress', { n: 60, delayMs: 20 }, meta), { session })
    await stream.until(({ params }) => params?.progress === 3)
    stream.drop()
    const held = await getStream(fleet.at(to), session, stream.lastId)
    await held.until(({ params }) => params?.progress === 10)
    await fleet.instances[to]?.kill()
    await held.rest()
    const rest = await (await getStream(fleet.at(back), session, held.lastId)).rest()
    const before = [...stream.events, ...held.events].flatMap(({ message }) => message ?? [])
    expect(progressOf([...before, ...rest])).toEqual(upTo(60))
    expect(textOf(rest.at(-1))).toContain(`by ${pidOf(from)}`)
    await fleet.restart(to)
  })

  test('an instance that stood still past its lease adds nothing to a call that the other took over', async () => {
    const session = await initialize(fleet.at(to))
    const stream = await postStream(fleet.at(from), rerunnable(40), { session })
    await stream.until(({ params }) => params?.progress === 4)
    const { lastId } = stream
    fleet.instances[from]?.signal('SIGSTOP')
    const resumed = await getStream(fleet.at(to), session, lastId)
    await resumed.until(({ params }) => (params?.progress ?? 0) > 4)
    fleet.instances[from]?.signal('SIGCONT')
    const rest = await resumed.rest()
    const after = progressOf(resumed.events.flatMap(({ message }) => message ?? []))
    expect(after).toEqual([...new Set(after)].sort((a, b) => a - b))
    expect(rest.filter(({ id }) => id === 'r')).toHaveLength(1)
    const replayed = await (await getStream(fleet.at(back), session, lastId)).rest()
    expect(progressOf(replayed)).toEqual(after)
    stream.drop()
  })

  test('DELETE on the other does not wait for an instance that stands still, which adds nothing later', async () => {
    const session = await initialize(fleet.at(from))
    const stream = await postStream(fleet.at(from), toolCall(1, 'progress', { n: 1e5, delayMs: 5 }, meta), { session })
    await stream.until(({ params }) => params?.progress === 2)
    fleet.instances[from]?.signal('SIGSTOP')
    expect(await end(fleet.at(to), session)).toBe(204)
    fleet.instances[from]?.signal('SIGCONT')
    expect((await stream.rest()).some(({ id }) => id === 1)).toBe(false)
  })

  test('SIGTERM: a call that may run again is handed over, any other gets an error', async () => {
    const session = await initialize(fleet.at(from))
    const again = await postStream(fleet.at(from), rerunnable(100), { session })
    const other = await postStream(fleet.at(from), toolCall(2, 'progress', { n: 1e5, delayMs: 20 }, meta), { session })
    await again.until(({ params }) => params?.progress === 3)
    await other.until(({ params }) => params?.progress === 3)
    const leaving = fleet.instances[from]
    leaving?.signal('SIGTERM')
    await Promise.all([again.rest(), other.rest()])
    const rest = await (await getStream(fleet.at(to), session, again.lastId)).rest()
    const all = [...again.events.flatMap(({ message }) => message ?? []), ...rest]
    expect(progressOf(all)).toEqual(upTo(100))
    expect(textOf(rest.at(-1))).toContain(`by ${pidOf(to)}`)
    const failed = await (await getStream(fleet.at(also), session, other.lastId)).rest()
    expect(failed.at(-1)).toMatchObject({ id: 2, error: { code: -32603 } })
    expect(await leaving?.ended()).toBe(0)
    await fleet.restart(from)
  })
})
