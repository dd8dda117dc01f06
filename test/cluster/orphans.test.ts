/** Calls whose instance is gone and whose client did not come back: whoever meets them ends them. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import type { EventReader, RawSession, RpcMessage } from '../support/raw.ts'
import { call, getStream, initialize, post, postStream, toolCall } from '../support/raw.ts'

const options = { session: { lease: 2_000, heartbeat: 500, maxCalls: 2, drainTimeout: 100, registerAfter: 5 } }
const meta = { progressToken: 'p' }
let fleet: Fleet
let admin: Redis

beforeAll(async () => {
  fleet = await startFleet(options, { plain: true })
  admin = new Redis(fleet.redis.url)
})
afterAll(async () => {
  admin.disconnect()
  await fleet.stop()
})

/** Where the store has the call. */
async function fields(id: string): Promise<string[]> {
  const all = await Promise.all((await admin.keys('mcp:{*:live')).map((key) => admin.hkeys(key)))
  return all.flat().filter((field) => field === `c:s:${id}`)
}

/** Two calls on the first instance, whose client leaves. A GET stream on the second keeps the session's parts alive. */
async function abandoned(tool: string, ...ids: string[]) {
  const session = await initialize(fleet.at(1))
  const get = await getStream(fleet.at(1), session)
  const streams: EventReader[] = []
  for (const id of ids) {
    const stream = await postStream(fleet.at(0), toolCall(id, tool, { n: 100_000, delayMs: 20 }, meta), { session })
    await stream.until(({ params }) => params?.progress === 2)
    stream.drop()
    streams.push(stream)
  }
  return { session, get, streams }
}

async function resumed(session: RawSession, stream: EventReader | undefined): Promise<RpcMessage | undefined> {
  return (await (await getStream(fleet.at(2), session, stream?.lastId)).rest()).at(-1)
}

const echo = (id: string) => toolCall(id, 'slow', { ms: 50 })
/** Until its sign of life is gone, an instance counts as alive. */
async function served(session: RawSession, id: string): Promise<void> {
  await eventually(async () => (await call(fleet.at(2), session, echo(id))).result)
}

const cancelled = (requestId: string) => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })

test('calls of a dead instance do not count against the calls of their session, and their client finds an error', async () => {
  const { session, get, streams } = await abandoned('progress', 'a', 'b')
  // Both are there, and their instance lives.
  expect((await post(fleet.at(2), echo('c'), { session })).status).toBe(429)
  await fleet.instances[0]?.kill()
  await served(session, 'd')
  for (const [i, id] of ['a', 'b'].entries()) {
    expect(await fields(id)).toEqual([])
    const lost = { id, error: { code: -32603, message: expect.stringContaining('was lost') } }
    expect(await resumed(session, streams[i])).toMatchObject(lost)
  }
  get.drop()
  await fleet.restart(0)
})

test('the request id of a call is free for others, while its instance lives and when it is dead', async () => {
  const { session, get } = await abandoned('rerunnable', 'same')
  expect((await call(fleet.at(2), session, echo('same'))).result).toBeDefined()
  await fleet.instances[0]?.kill()
  expect((await call(fleet.at(2), session, echo('same'))).result).toBeDefined()
  // The call itself is still there, until somebody meets it.
  await eventually(async () => {
    expect((await post(fleet.at(2), cancelled('same'), { session })).status).toBe(202)
    const owners = await Promise.all((await admin.keys('mcp:{*:live')).map((key) => admin.hkeys(key)))
    return owners.flat().some((field) => field.startsWith('o:')) ? undefined : true
  })
  get.drop()
  await fleet.restart(0)
})

test('a cancel ends a call of a dead instance', async () => {
  const { session, get } = await abandoned('progress', 'dead')
  await fleet.instances[0]?.kill()
  await eventually(async () => {
    expect((await post(fleet.at(2), cancelled('dead'), { session })).status).toBe(202)
    return (await fields('dead')).length === 0 ? true : undefined
  })
  get.drop()
  await fleet.restart(0)
})

test('a call that was handed over by an instance that shut down does not count where nobody comes back for it', async () => {
  const { session, get } = await abandoned('rerunnable', 'one', 'two')
  fleet.instances[0]?.signal('SIGTERM')
  await fleet.instances[0]?.ended()
  expect((await call(fleet.at(2), session, echo('next'))).result).toBeDefined()
  expect([...(await fields('one')), ...(await fields('two'))]).toEqual([])
  get.drop()
  await fleet.restart(0)
})

test('a call whose client came back to a living instance is taken over, and is not ended by another call', async () => {
  const { session, get, streams } = await abandoned('rerunnable', 'x')
  const back = await getStream(fleet.at(1), session, streams[0]?.lastId)
  await fleet.instances[0]?.kill()
  const { message } = await back.until(({ params }) => params?.progress > 2)
  let over = false
  const others = (async () => {
    while (!over) expect((await call(fleet.at(2), session, echo('x'))).result).toBeDefined()
  })()
  // The first run is dead and sent no more than a few messages: the second goes on from them.
  await back.until(({ params }) => params?.progress > message?.params.progress + 50)
  over = true
  await others
  expect(back.events.every(({ message }) => message?.error === undefined)).toBe(true)
  expect((await post(fleet.at(1), cancelled('x'), { session })).status).toBe(202)
  await back.rest()
  get.drop()
  await fleet.restart(0)
})
