/** Subscriptions and updates whose URIs are spelled differently, on three instances and one Redis. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { call, getStream, initialize, type RawSession, request } from '../support/raw.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet({ session: { heartbeat: 0 } })
})
afterAll(() => fleet.stop())

const subscribe = async (at: number, session: RawSession, uri: string, on = true) => {
  const method = `resources/${on ? 'subscribe' : 'unsubscribe'}`
  expect((await call(fleet.at(at), session, request(uri, method, { uri }))).result).toEqual({})
}

/** The URIs of the updates that arrive on the session's stream before the next change of the tools. */
async function updates(session: RawSession, announced: string[], before = async () => {}): Promise<string[]> {
  const get = await getStream(fleet.at(0), session)
  await before()
  for (const uri of announced) await fleet.instances[2]?.announce('updated', uri)
  await fleet.instances[2]?.announce('tools')
  await get.until(({ method }) => method === 'notifications/tools/list_changed')
  get.drop()
  const messages = get.events.flatMap(({ message }) => message ?? [])
  return messages.flatMap(({ method, params }) => (method === 'notifications/resources/updated' ? [params.uri] : []))
}

const SPELLINGS: [subscribed: string, announced: string][] = [
  ['https://example.com', 'https://example.com/'],
  ['https://EXAMPLE.com/a', 'HTTPS://example.com/%61'],
  ['file:///caf%C3%A9/a', 'file:///café/a'],
  ['file:///my docs/a', 'file:///my%20docs/a'],
  ['NOTE://Tea', 'note://Tea'],
]

test.each(SPELLINGS)(
  'a session that subscribed to %s hears of an update of %s in its own spelling',
  async (uri, other) => {
    const session = await initialize(fleet.at(0))
    expect(await updates(session, [other], () => subscribe(1, session, uri))).toEqual([uri])
  },
)

test.each(SPELLINGS)(
  'an update that a session to %s missed is delivered later, announced as %s',
  async (uri, other) => {
    const session = await initialize(fleet.at(0))
    await subscribe(1, session, uri)
    await fleet.instances[2]?.announce('updated', other)
    expect(await updates(session, [])).toEqual([uri])
  },
)

test.each(SPELLINGS)('a subscription to %s ends with %s', async (uri, other) => {
  const session = await initialize(fleet.at(0))
  const before = async () => {
    await subscribe(1, session, uri)
    await subscribe(2, session, other, false)
  }
  expect(await updates(session, [uri, other], before)).toEqual([])
})

test.each([
  ['note://Tea', 'note://tea'],
  ['file:///a/b', 'file:///a%2Fb'],
  ['file:///a/../b', 'file:///b'],
  ['file:///%2e%2e/b', 'file:///b'],
  ['file:///a%252Eb', 'file:///a%2Eb'],
])('a session that subscribed to %s hears nothing of %s', async (uri, other) => {
  const session = await initialize(fleet.at(0))
  expect(await updates(session, [other], () => subscribe(1, session, uri))).toEqual([])
})

test('two spellings are two subscriptions, and each ends by itself', async () => {
  const session = await initialize(fleet.at(0))
  const [one, two] = ['https://example.com', 'https://example.com/']
  const both = async () => {
    await subscribe(1, session, one)
    await subscribe(2, session, two)
  }
  expect((await updates(session, [two], both)).sort()).toEqual([one, two])
  expect(await updates(session, [one], () => subscribe(1, session, one, false))).toEqual([two])
})
