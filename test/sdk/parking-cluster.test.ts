/** Runs that wait for clients of 2026-07-28, in three processes with one Redis: answers, deaths, drains and cancels. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, body, headers, META, type StatelessRequest, send, tool } from '../stateless/requests.ts'
import { eventually } from '../support/eventually.ts'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { ACCEPT_BOTH, EventReader, type RpcMessage } from '../support/raw.ts'
import { answered } from './stateless.ts'

const parsed = ({ result }: RpcMessage) => JSON.parse(result.content[0].text)
const logging = { meta: { [META.logLevel]: 'error' } }

/** A retry whose messages are read while its handler goes on. */
async function open(url: URL, request: StatelessRequest): Promise<{ stream: EventReader; close(): void }> {
  const abort = new AbortController()
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers(request) },
    body: JSON.stringify(body(request)),
    signal: abort.signal,
  })
  return { stream: new EventReader(response, abort), close: () => abort.abort() }
}

describe.each(['v1', 'v2'])('three instances of a server of %s', (line) => {
  let fleet: Fleet
  beforeAll(async () => {
    const session = { lease: 2_000, heartbeat: 1_000, drainTimeout: 500 }
    fleet = await startFleet({ session }, { module: `../sdk/servers/${line}.ts` })
  })
  afterAll(() => fleet.stop())

  const runsAt = async (index: number) => {
    const { calls = -1, unregistered = 0 } = (await fleet.instances[index]?.stats()) ?? {}
    return calls + unregistered
  }
  const nothingRunsAt = (index: number) => eventually(async () => ((await runsAt(index)) === 0 ? true : undefined))

  /** The run of `ask_then_wait` at instance 0, whose retry is at instance 1. */
  async function going() {
    const request = { ...tool('ask_then_wait'), ...logging }
    const asked = await ask(fleet.at(0), request)
    const opened = await open(fleet.at(1), { ...answered(request, asked), ...logging })
    await opened.stream.until(({ params }) => params?.data === 'going on')
    return opened
  }

  test('the answers may come to any of them', async () => {
    const request = tool('ask_in_turn', { label: 'raw' })
    for (const [first, second, third] of [
      [1, 2, 0],
      [0, 0, 0],
      [2, 0, 1],
    ] as const) {
      let asked = await ask(fleet.at(0), request)
      asked = await ask(fleet.at(first), answered(request, asked, 'one', 'elicit-1'))
      asked = await ask(fleet.at(second), answered(request, asked, 'two', 'elicit-2'))
      const last = await ask(fleet.at(third), answered(request, asked, 'three', 'elicit-3'))
      expect(parsed(last)).toEqual(['one', 'two', 'three'])
      await nothingRunsAt(0)
    }
  })

  test('the official client answers through the load balancer, and nobody else gets what it is asked', async () => {
    const foreign: unknown[] = []
    const clients = await Promise.all(
      Array.from({ length: 10 }, async (_, id) => {
        const client = new Client(
          { name: `c${id}`, version: '1' },
          { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
        )
        client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { name: `${id}` } }))
        await client.connect(new StreamableHTTPClientTransport(fleet.url))
        return client
      }),
    )
    await Promise.all(
      clients.flatMap((client, id) =>
        [0, 1, 2].map(async (n) => {
          const { content } = await client.callTool({ name: 'ask_in_turn', arguments: { label: `${id} ${n}` } })
          const [{ text } = { text: '' }] = content as { text: string }[]
          if (text !== JSON.stringify(Array(3).fill(`${id}`))) foreign.push([id, text])
        }),
      ),
    )
    expect(foreign).toEqual([])
    await Promise.all(clients.map((client) => client.close()))
    for (const index of [0, 1, 2]) await nothingRunsAt(index)
  })

  test('the death of the instance that has the run is an error that names the cure, within a lease or so', async () => {
    const request = tool('ask_once')
    const asked = await ask(fleet.at(0), request)
    const { close, stream } = await going()
    await fleet.instances[0]?.kill()
    const late = ask(fleet.at(2), answered(request, asked))
    for (const { error } of [(await stream.rest()).at(-1) as RpcMessage, await late]) {
      expect(error?.message).toMatch(/instance in which the call waited.*has ended.*"durable" in options\.tools/)
    }
    close()
    await fleet.restart(0)
  })

  test('a drain of the instance that has the run is an error that says so', async () => {
    const { stream } = await going()
    fleet.instances[0]?.signal('SIGTERM')
    expect((await stream.rest()).at(-1)?.error?.message).toMatch(/shuts down, and the call ended with it/)
    expect(await fleet.instances[0]?.ended()).toBe(0)
    await fleet.restart(0)
  })

  test('a retry whose client goes cancels its run', async () => {
    const { close } = await going()
    expect(await runsAt(0)).toBe(1)
    close()
    await nothingRunsAt(0)
    await nothingRunsAt(1)
  })

  test('the death of the instance that has the retry ends the run after some heartbeats', async () => {
    const { close } = await going()
    await fleet.instances[1]?.kill()
    await nothingRunsAt(0)
    close()
    await fleet.restart(1)
  })

  test('a retry that is sent twice at once runs its handler once', async () => {
    const request = tool('ask_once')
    const asked = await ask(fleet.at(0), request)
    const both = await Promise.all([1, 2].map(async (at) => send(fleet.at(at), answered(request, asked))))
    const texts = await Promise.all(both.map((response) => response.text()))
    expect(texts.filter((text) => text.includes('Ada'))).toHaveLength(1)
    expect(texts.filter((text) => /have come before|is over/.test(text))).toHaveLength(1)
  })
})
