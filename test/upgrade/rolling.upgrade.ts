/** The whole deployment behind one round robin: official clients, and instances that are replaced while calls run. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Fleet } from '../support/fleet.ts'
import { callUntilAnswered } from '../support/persistent-client.ts'
import { call, initialize, type RawSession, request, toolCall } from '../support/raw.ts'
import { meta, NEW, OLD, progressOf, startMixed, textOf } from './mixed.ts'

const options = { session: { lease: 2_000, heartbeat: 1_000, drainTimeout: 500 } }
let fleet: Fleet

beforeAll(async () => {
  fleet = await startMixed(options)
})
afterAll(() => fleet.stop())
// What cannot go on is 503 or an error of the call: a session that nobody ended is never unknown.
afterEach(() => expect(fleet.proxy.requests.filter(({ status }) => status === 404)).toEqual([]))

const capabilities = { elicitation: {} }
const accepted = { action: 'accept' as const, content: { number: 7 } }

test('the official client 1.x does its work while its requests alternate between the commits', async () => {
  const client = new Client1({ name: 'one', version: '1' }, { capabilities })
  client.setRequestHandler(ElicitRequestSchema, () => accepted)
  await client.connect(new Transport1(fleet.url) as never)
  await useTools(async (name) => JSON.stringify(await client.callTool({ name, arguments: {} })))
  await client.close()
})

test('the official client 2.x does its work while its requests alternate between the commits', async () => {
  const client = new Client2({ name: 'two', version: '1' }, { capabilities })
  client.setRequestHandler('elicitation/create', () => accepted)
  await client.connect(new Transport2(fleet.url))
  await useTools(async (name) => JSON.stringify(await client.callTool({ name, arguments: {} })))
  await client.close()
})

async function useTools(callTool: (name: string) => Promise<string>): Promise<void> {
  for (let i = 1; i <= 8; i++) {
    expect(await callTool('count_session')).toContain(`"${i}"`)
    expect(await callTool('ask')).toContain('\\"number\\":7')
  }
}

test('one after the other is replaced by SIGTERM or kill -9, forward and back: every call has its one end', async () => {
  const sessions = await Promise.all(Array.from({ length: 8 }, () => initialize(fleet.url)))
  let rolling = true
  const roll = async () => {
    for (const root of [NEW, OLD]) {
      for (const index of [0, 1, 2, 3]) {
        const leaving = fleet.instances[index]
        fleet.proxy.setTarget(index, undefined)
        leaving?.signal(index % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
        await leaving?.ended()
        await fleet.restart(index, options, root)
        await sleep(300)
      }
    }
  }
  const work = async (session: RawSession, s: number) => {
    for (let i = 0; rolling; i++) {
      const tool = (s + i) % 2 === 0 ? 'rerunnable' : 'progress'
      const make = (id: string) => toolCall(id, tool, { n: 20, delayMs: 30 }, meta)
      const { messages, finals } = await callUntilAnswered(fleet.url, session, make, `${s}-${i}`)
      const told = progressOf(messages)
      expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
      expect(finals).toHaveLength(1)
      if (finals[0]?.error) expect([tool, finals[0].error.code]).toEqual(['progress', -32603])
      else expect(textOf(finals[0])).toContain('done 20')
    }
  }
  const rolled = roll().finally(() => {
    rolling = false
  })
  await Promise.all([rolled, ...sessions.map(work)])
  for (const session of sessions) expect((await call(fleet.url, session, request('still', 'ping'))).result).toEqual({})
}, 180_000)
