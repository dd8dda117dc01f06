/** What thousands of streams have to do at the same moment: at the store they take turns. One process, a manual clock. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { type Receiver, type Store, StoreUnavailable } from '../../lib/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { interceptedStore, type Step } from '../support/intercepted-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ACCEPT_BOTH, EventReader, request } from '../support/raw.ts'

const STREAMS = 450
const AT_ONCE = 200

/** An operation of the store whose runs are counted, and which waits while `gate` is closed. */
function counted(settle: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve))) {
  const seen = { running: 0, most: 0, all: 0, refuses: false }
  const step: Step = async (proceed) => {
    seen.all++
    seen.most = Math.max(seen.most, ++seen.running)
    await settle()
    seen.running--
    if (seen.refuses) throw new StoreUnavailable('The store is away.')
    return proceed()
  }
  return { seen, step }
}

async function open(steps: Partial<Record<keyof Store, Step>>, streams = STREAMS) {
  const clock = new ManualClock()
  const errors: unknown[] = []
  let receiver: Receiver | undefined
  const receive: Step = (proceed, ...args) => {
    receiver = args[1] as Receiver
    return proceed()
  }
  const server = new McpServer({ name: 'fan-out', version: '1' })
  server.registerTool('one', {}, () => ({ content: [] }))
  const endpoint = createEndpoint(server, {
    clock,
    store: interceptedStore({ receive, ...steps }, memoryStore({ clock }) as ReturnType<typeof memoryStore>),
    onError: (error) => errors.push(error),
  })
  const send = (method: string, more: Record<string, string>, body?: object) => {
    const accept = method === 'GET' ? 'text/event-stream' : ACCEPT_BOTH
    const headers = { accept, 'content-type': 'application/json', ...more }
    const init = { method, headers, body: body ? JSON.stringify(body) : null }
    return endpoint.fetch(new Request('http://localhost/mcp', init))
  }
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const readers: EventReader[] = []
  for (let n = 0; n < streams; n++) {
    const opened = await send('POST', {}, request(0, 'initialize', params))
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    readers.push(new EventReader(await send('GET', session)))
  }
  return { clock, endpoint, errors, readers, resumed: () => receiver?.resumed() }
}

test('a change to all streams sends 200 scripts at once, and each stream gets it once', async () => {
  const { seen, step } = counted()
  const { endpoint, readers } = await open({ advance: step })
  await endpoint.notify.toolsChanged()
  await Promise.all(
    readers.map((reader) => reader.until(({ method }) => method === 'notifications/tools/list_changed')),
  )
  expect(seen).toMatchObject({ most: AT_ONCE, all: STREAMS })
  await endpoint.close()
})

test('changes that come together go out together: two scripts for each stream, however many there are', async () => {
  const { seen, step } = counted()
  const { clock, endpoint, readers } = await open({ advance: step }, 10)
  await endpoint.notify.toolsChanged()
  await Promise.all(
    readers.map((reader) => reader.until(({ method }) => method === 'notifications/tools/list_changed')),
  )
  for (let n = 0; n < 100; n++) await endpoint.notify.toolsChanged()
  await endpoint.notify.promptsChanged()
  await clock.advance(50)
  await Promise.all(
    readers.map((reader) => reader.until(({ method }) => method === 'notifications/prompts/list_changed')),
  )
  expect(seen.all).toBe(20)
  // After a window without a change, the next one goes out at once.
  await clock.advance(50)
  await endpoint.notify.toolsChanged()
  await Promise.all(
    readers.map((reader) => reader.until(({ method }) => method === 'notifications/tools/list_changed')),
  )
  expect(seen.all).toBe(30)
  await endpoint.close()
})

test('a store that refuses the change of each stream is reported once, and each gets it at its next heartbeat', async () => {
  const { seen, step } = counted()
  const { clock, endpoint, errors, readers } = await open({ advance: step })
  seen.refuses = true
  await endpoint.notify.toolsChanged()
  await eventually(async () => (seen.all === STREAMS && seen.running === 0 ? true : undefined))
  seen.refuses = false
  await clock.advance(15_000)
  await Promise.all(
    readers.map((reader) => reader.until(({ method }) => method === 'notifications/tools/list_changed')),
  )
  expect(errors.map(String)).toEqual(['StoreUnavailable: The store is away.'])
  await endpoint.close()
})

test('after a break of the connection to the store, and in a shutdown, all streams take turns as well', async () => {
  const looks = counted()
  const releases = counted()
  const { endpoint, readers, resumed } = await open({ look: looks.step, release: releases.step })
  resumed()
  await eventually(async () => (looks.seen.all >= STREAMS && looks.seen.running === 0 ? true : undefined))
  expect(looks.seen).toMatchObject({ most: AT_ONCE, all: STREAMS })
  await endpoint.close()
  await Promise.all(readers.map((reader) => reader.rest()))
  expect(releases.seen).toMatchObject({ most: AT_ONCE, all: STREAMS })
  // The more streams come back to the other instances, the longer they take.
  const times = readers.map(({ events }) => events.at(-1)?.retry ?? 0)
  expect(new Set(times).size).toBeGreaterThan(STREAMS / 4)
  expect(Math.min(...times)).toBeGreaterThanOrEqual(750)
  expect(Math.max(...times)).toBeLessThanOrEqual(1.25 * (1_000 + STREAMS))
})

test('heartbeats do not pile up while the store does not answer', async () => {
  const gate = Promise.withResolvers<void>()
  const { seen, step } = counted(() => gate.promise)
  const { clock, endpoint, readers } = await open({ look: step })
  await clock.advance(10 * 15_000)
  expect(seen).toMatchObject({ most: AT_ONCE, all: AT_ONCE })
  gate.resolve()
  await eventually(async () => (seen.all === STREAMS && seen.running === 0 ? true : undefined))
  await endpoint.close()
  await Promise.all(readers.map((reader) => reader.rest()))
})
