/** Official servers in three processes with one Redis: what one of our own servers gets, they get too. */
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { getStream, initialize, post, postStream, toolCall } from '../support/raw.ts'

const meta = { progressToken: 'p' }
const CAPABILITIES = { elicitation: { form: {} } }

function progressOf(messages: { params?: { progress?: number } }[]): number[] {
  return messages.flatMap(({ params }) => params?.progress ?? [])
}

describe.each(['v1', 'v2'])('three instances of a server of %s', (line) => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await startFleet({ session: { lease: 2_000, heartbeat: 1_000 } }, { module: `../sdk/servers/${line}.ts` })
  })
  afterAll(() => fleet.stop())

  test('an ask gets the answer that is posted to another instance', async () => {
    const session = await initialize(fleet.at(0))
    for (const tool of ['ask', 'ask_related', 'ask_once']) {
      const stream = await postStream(fleet.at(0), toolCall(tool, tool, { message: 'Who?' }), { session })
      const { message } = await stream.until(({ method }) => method === 'elicitation/create')
      const result = { action: 'accept', content: { name: 'Ada' } }
      const answered = await post(fleet.at(1), { jsonrpc: '2.0', id: message?.id, result }, { session })
      expect(answered.status).toBe(202)
      expect(JSON.parse((await stream.rest()).at(-1)?.result.content[0].text)).toEqual(result)
    }
  })

  test('a cancel at another instance aborts the handler', async () => {
    const session = await initialize(fleet.at(0))
    const stream = await postStream(fleet.at(0), toolCall(1, 'wait'), { session })
    await stream.until(({ method }) => method === 'notifications/message')
    await post(
      fleet.at(1),
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
      { session },
    )
    expect(await stream.rest()).toEqual([])
  })

  test('a read-only call of a killed instance runs again where its client resumes; no progress is sent twice', async () => {
    const session = await initialize(fleet.at(1))
    const stream = await postStream(fleet.at(0), toolCall('r', 'count', { n: 30, delayMs: 20 }, meta), { session })
    await stream.until(({ params }) => params?.progress === 5)
    await fleet.instances[0]?.kill()
    await stream.rest()
    const rest = await (await getStream(fleet.at(1), session, stream.lastId)).rest()
    const all = progressOf([...stream.events.flatMap(({ message }) => message ?? []), ...rest])
    expect(all).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
    expect(rest.at(-1)?.result.content[0].text).toBe(`done 30 in ${fleet.instances[1]?.child.pid}`)
    await fleet.restart(0)
  })

  test('any other call of a killed instance ends with the error that says so', async () => {
    const session = await initialize(fleet.at(1))
    const once = toolCall(5, 'count_once', { n: 1_000, delayMs: 20 }, meta)
    const stream = await postStream(fleet.at(0), once, { session })
    await stream.until(({ params }) => params?.progress === 3)
    await fleet.instances[0]?.kill()
    await stream.rest()
    const rest = await (await getStream(fleet.at(2), session, stream.lastId)).rest()
    expect(rest.at(-1)).toMatchObject({ id: 5, error: { message: expect.stringContaining('lost') } })
    await fleet.restart(0)
  })

  test('a stateless client answers at any instance', async () => {
    const client = new Client2(
      { name: 'two', version: '1' },
      { capabilities: CAPABILITIES, versionNegotiation: { mode: 'auto' } },
    )
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { name: 'Ada' } }))
    await client.connect(new Transport2(fleet.url))
    for (let i = 0; i < 6; i++) {
      const { content } = await client.callTool({ name: 'ask', arguments: { message: 'Who?' } })
      expect(content).toMatchObject([{ text: expect.stringContaining('Ada') }])
    }
    await client.close()
  })

  test('25 official clients with 8 asks each at once reach nobody else', async () => {
    const foreign: unknown[] = []
    const clients = await Promise.all(
      Array.from({ length: 25 }, async (_, id) => {
        const client = new Client1({ name: `c${id}`, version: '1' }, { capabilities: CAPABILITIES })
        client.setRequestHandler(ElicitRequestSchema, ({ params: { message } }) => {
          if (!message.startsWith(`${id}:`)) foreign.push([id, message])
          return { action: 'accept', content: { name: `${id} ${message}` } }
        })
        await client.connect(new Transport1(fleet.url) as never)
        return client
      }),
    )
    await Promise.all(
      clients.flatMap((client, id) =>
        Array.from({ length: 8 }, async (_, n) => {
          const args = { message: `${id}:${n}` }
          const { content } = await client.callTool({ name: n % 2 ? 'ask' : 'ask_related', arguments: args })
          expect(content).toMatchObject([{ text: expect.stringContaining(`"${id} ${id}:${n}"`) }])
        }),
      ),
    )
    expect(foreign).toEqual([])
    await Promise.all(clients.map((client) => client.close()))
  }, 60_000)
})
