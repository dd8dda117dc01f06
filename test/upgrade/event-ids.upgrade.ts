/**
 * Event ids between the two commits: a session that one of them opened, a stream that one of them wrote, and a client that
 * resumes it at one of them, in every combination. Heartbeats are off.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatEventId } from '../../lib/session/stream/event-id.ts'
import { sessionKey } from '../../lib/session/stream/session.ts'
import type { Fleet } from '../support/fleet.ts'
import { getStream, initialize, openGet, postStream, type RawSession, toolCall } from '../support/raw.ts'
import { answer, meta, progressOf, startMixed, textOf, upTo } from './mixed.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startMixed({ session: { heartbeat: 0 } })
})
afterAll(() => fleet.stop())

/** Instances 0 and 2 are of the other commit, 1 and 3 of this one. */
const NAMES = ['old', 'new', 'old', 'new']
const combinations = [0, 1].flatMap((opens) =>
  [0, 1].flatMap((writes) =>
    [2, 3].map((reads) => ({ opens, writes, reads, name: [opens, writes, reads].map((at) => NAMES[at]).join(', ') })),
  ),
)

describe.each(combinations)('opened, written and resumed by: $name', ({ opens, writes, reads }) => {
  const open = (version = '2025-11-25') => initialize(fleet.at(opens), version)

  test('a call goes on from each of its event ids', async () => {
    const session = await open()
    const stream = await postStream(fleet.at(writes), toolCall('c', 'progress', { n: 5, delayMs: 1 }, meta), {
      session,
    })
    await stream.rest()
    const ids = stream.events.flatMap(({ id }) => id ?? [])
    expect(ids).toHaveLength(7)
    for (const [n, id] of ids.slice(0, -1).entries()) {
      const rest = await (await getStream(fleet.at(reads), session, id)).rest()
      expect(progressOf(rest)).toEqual(upTo(5).slice(n))
      expect(rest.at(-1)?.id).toBe('c')
    }
    // The client has everything.
    expect((await openGet(fleet.at(reads), session, ids.at(-1))).status).toBe(405)
  })

  test('a call that still runs goes on where it is resumed, and then where it was', async () => {
    const session = await open()
    const stream = await postStream(fleet.at(writes), toolCall('c', 'ask', {}, meta), { session })
    const { message } = await stream.until(({ method }) => method === 'elicitation/create')
    stream.drop()
    const resumed = await getStream(fleet.at(reads), session, stream.events[0]?.id)
    await resumed.until(({ method }) => method === 'elicitation/create')
    resumed.drop()
    const back = await getStream(fleet.at(writes), session, resumed.lastId)
    await answer(fleet.at(reads), session, message?.id, { action: 'decline' })
    const { message: response } = await back.until(({ id }) => id === 'c')
    expect(textOf(response)).toContain('decline')
  })

  test('a batch goes on with all of its calls', async () => {
    const session = await open('2025-03-26')
    const calls = Array.from({ length: 10 }, (_, i) => toolCall(`c${i}`, 'progress', { n: 2, delayMs: 1 }, meta))
    const stream = await postStream(fleet.at(writes), calls, { session })
    const { id } = await stream.until(() => true)
    await stream.rest()
    const again = await getStream(fleet.at(reads), session, id)
    expect(new Set((await again.rest()).flatMap((message) => message.id ?? []))).toEqual(
      new Set(Array.from({ length: 10 }, (_, i) => `c${i}`)),
    )
  })

  test('the GET stream goes on', async () => {
    const session = await open()
    const get = await getStream(fleet.at(writes), session)
    await fleet.instances[writes]?.announce('tools')
    await get.until(({ method }) => method === 'notifications/tools/list_changed')
    get.drop()
    await fleet.instances[writes]?.announce('prompts')
    const resumed = await getStream(fleet.at(reads), session, get.lastId)
    await resumed.until(({ method }) => method === 'notifications/prompts/list_changed')
    resumed.drop()
    expect(resumed.events.filter(({ message }) => message)).toHaveLength(1)
  })
})

/** An id of a stream that never was, whose check the client has computed. */
function forged(session: RawSession, count: number): string {
  const key = sessionKey('', session.id)
  const ids = Array.from({ length: count }, (_, i) => formatEventId(key, { stream: `x${i}`, n: 1, tag: 'abcd' }))
  return ids.join('!')
}

describe('an invented id', () => {
  test('is refused in a session of this commit alone', async () => {
    const session = await initialize(fleet.at(1))
    await (await postStream(fleet.at(3), toolCall(1, 'progress', { n: 2 }, meta), { session })).rest()
    for (const count of [1, 50, 51])
      expect((await openGet(fleet.at(1), session, forged(session, count))).status).toBe(400)
  })

  test('costs one message at most in a session that the other commit has served', async ({ skip }) => {
    const alone = await initialize(fleet.at(0))
    await (await postStream(fleet.at(0), toolCall(1, 'progress', { n: 2 }, meta), { session: alone })).rest()
    const refused = (await openGet(fleet.at(0), alone, forged(alone, 1))).status === 400
    skip(refused, 'The earlier commit has event keys, and refuses invented ids too.')
    const session = await initialize(fleet.at(1))
    await (
      await postStream(fleet.at(0), toolCall(1, 'progress', { n: 2 }, meta), {
        session,
      })
    ).rest()
    const reader = await getStream(fleet.at(1), session, forged(session, 50))
    expect(await reader.rest()).toHaveLength(1)
    expect((await openGet(fleet.at(1), session, forged(session, 51))).status).toBe(400)
  })
})
