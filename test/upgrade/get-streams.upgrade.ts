/** What belongs to no call: announced by one commit, delivered by the other. Heartbeats are off. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Fleet } from '../support/fleet.ts'
import { call, getStream, initialize, request } from '../support/raw.ts'
import { about } from '../support/spread.ts'
import { DIRECTIONS, startMixed } from './mixed.ts'

let fleet: Fleet

beforeAll(async () => {
  fleet = await startMixed({ session: { heartbeat: 0 } })
})
afterAll(() => fleet.stop())

const URI = 'test://watched-resource'

describe.each(DIRECTIONS)('$direction', ({ from, to, back, also }) => {
  test('changes of lists and updates of a resource arrive once each', async () => {
    const session = await initialize(fleet.at(from))
    const get = await getStream(fleet.at(to), session)
    expect((await call(fleet.at(from), session, request(1, 'resources/subscribe', { uri: URI }))).result).toEqual({})
    for (const kind of ['tools', 'prompts', 'resources'] as const) {
      await fleet.instances[from]?.announce(kind)
      await get.until(({ method }) => method === `notifications/${kind}/list_changed`)
    }
    await fleet.instances[from]?.announce('updated', 'test://another')
    await fleet.instances[from]?.announce('updated', URI)
    const { message } = await get.until(({ method }) => method === 'notifications/resources/updated')
    expect(message?.params).toEqual({ uri: URI })
    await call(fleet.at(also), session, request(2, 'resources/unsubscribe', { uri: URI }))
    await fleet.instances[back]?.announce('updated', URI)
    await fleet.instances[back]?.announce('tools')
    await get.until(({ method }) => method === 'notifications/tools/list_changed')
    get.drop()
    expect(get.events.filter(({ message: m }) => m?.method)).toHaveLength(5)
  })

  test('a subscription that is spelled in an unusual way goes on at the other, in its own spelling', async () => {
    const uri = 'HTTPS://Example.com/caf%c3%a9 1'
    const session = await initialize(fleet.at(from))
    await call(fleet.at(from), session, request(1, 'resources/subscribe', { uri }))
    for (const at of [to, from]) {
      const get = await getStream(fleet.at(at), session)
      await fleet.instances[back]?.announce('updated', uri)
      const { message } = await get.until(({ method }) => method === 'notifications/resources/updated')
      expect(message?.params).toEqual({ uri })
      get.drop()
    }
    await call(fleet.at(to), session, request(2, 'resources/unsubscribe', { uri }))
    const get = await getStream(fleet.at(from), session)
    await fleet.instances[also]?.announce('updated', uri)
    await fleet.instances[also]?.announce('tools')
    await get.until(({ method }) => method === 'notifications/tools/list_changed')
    get.drop()
    expect(get.events.filter(({ message: m }) => m?.method)).toHaveLength(1)
  })

  test('what happened while nobody held the stream is delivered by the other, and not twice', async () => {
    const session = await initialize(fleet.at(from))
    await call(fleet.at(from), session, request(1, 'resources/subscribe', { uri: URI }))
    for (let i = 0; i < 3; i++) await fleet.instances[from]?.announce('updated', URI)
    await fleet.instances[from]?.announce('prompts')
    const get = await getStream(fleet.at(to), session)
    await get.until(({ method }) => method === 'notifications/prompts/list_changed')
    await get.until(({ method }) => method === 'notifications/resources/updated')
    get.drop()
    const again = await getStream(fleet.at(back), session)
    await fleet.instances[also]?.announce('tools')
    await again.until(({ method }) => method === 'notifications/tools/list_changed')
    again.drop()
    expect(get.events.filter(({ message }) => message)).toHaveLength(2)
    expect(again.events.filter(({ message }) => message)).toHaveLength(1)
  })

  test('the stream is taken over by a newer GET at the other', async () => {
    const session = await initialize(fleet.at(from))
    const streams = []
    for (const at of [from, to, back, also]) streams.push(await getStream(fleet.at(at), session))
    const last = streams.pop()
    for (const old of streams) {
      await old.rest()
      expect(old.events.at(-1)).toMatchObject({ retry: about(60_000) })
    }
    await fleet.instances[from]?.announce('tools')
    await last?.until(({ method }) => method === 'notifications/tools/list_changed')
    last?.drop()
  })

  test('the stream is resumed at the other with its last id, as often as the client likes', async () => {
    const session = await initialize(fleet.at(from))
    const get = await getStream(fleet.at(from), session)
    await fleet.instances[to]?.announce('tools')
    await get.until(({ method }) => method === 'notifications/tools/list_changed')
    get.drop()
    await fleet.instances[from]?.announce('prompts')
    for (const at of [to, back, also]) {
      const resumed = await getStream(fleet.at(at), session, get.lastId)
      await resumed.until(({ method }) => method === 'notifications/prompts/list_changed')
      resumed.drop()
      expect(resumed.events.filter(({ message }) => message)).toHaveLength(1)
    }
  })
})
