/** The lifetimes of a session. The clock is a manual one. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { ManualClock } from '../cluster/simulation.ts'
import { everything } from '../fixtures/everything.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

function make() {
  const clock = new ManualClock()
  const store = memoryStore({ clock })
  const session = { firstLifetime: 10 * MINUTE, idleLifetime: 24 * HOUR, maxLifetime: 72 * HOUR, heartbeat: 0 }
  const endpoint = createEndpoint(everything(), { store, clock, session })
  const send = async (id: string | undefined, message: object) => {
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(id !== undefined && { 'mcp-session-id': id }),
    }
    const init = { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) }
    return endpoint.fetch(new Request('http://localhost/mcp', init))
  }
  const open = async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
    return (await send(undefined, { id: 0, method: 'initialize', params })).headers.get('mcp-session-id') ?? ''
  }
  const ping = async (id: string) => (await send(id, { id: 1, method: 'ping' })).status
  return { clock, send, open, ping }
}

test('a session without a request after its handshake ends after minutes', async () => {
  const { clock, send, open, ping } = make()
  const [silent, initialized] = [await open(), await open()]
  expect((await send(initialized, { method: 'notifications/initialized' })).status).toBe(202)
  await clock.advance(9 * MINUTE)
  expect((await send(initialized, { method: 'notifications/initialized' })).status).toBe(202)
  await clock.advance(2 * MINUTE)
  expect([await ping(silent), await ping(initialized)]).toEqual([404, 404])
})

test('a session in use ends a day after its last request', async () => {
  const { clock, open, ping } = make()
  const session = await open()
  for (const hours of [0, 23, 23]) {
    await clock.advance(hours * HOUR)
    expect(await ping(session)).toBe(200)
  }
  await clock.advance(25 * HOUR)
  expect(await ping(session)).toBe(404)
})

test('a session in constant use ends at its greatest age', async () => {
  const { clock, open, ping } = make()
  const session = await open()
  for (let i = 0; i < 6; i++) {
    expect(await ping(session)).toBe(200)
    await clock.advance(13 * HOUR)
  }
  expect(await ping(session)).toBe(404)
})
