/** Changes that are announced to one principal, and what they leave with the sessions of others. */
import { afterEach, expect, test } from 'vitest'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { interceptedStore } from '../support/intercepted-store.ts'
import { EventReader, request } from '../support/raw.ts'

let endpoint: Endpoint
const readers: EventReader[] = []

afterEach(async () => {
  for (const reader of readers.splice(0)) reader.drop()
  await endpoint.close()
})

/** An endpoint whose store keeps 300 changes. Returns the key of the session of each step of a position. */
function start(): string[] {
  const steps: string[] = []
  const advance = (proceed: () => Promise<unknown>, key: unknown) => {
    steps.push(String(key))
    return proceed()
  }
  const server = new McpServer({ name: 'notes', version: '1' })
  server.registerTool('whoami', {}, (ctx) => ({ content: [{ type: 'text', text: ctx.principal }] }))
  endpoint = createEndpoint(server, {
    store: interceptedStore({ advance }, memoryStore({ changes: 300 })),
    auth: { resource: 'https://mcp.example/mcp', verify: (token) => ({ issuer: 'x', subject: token }) },
  })
  return steps
}

function send(method: string, name: string, headers: Record<string, string>, body?: object) {
  const all = { accept: 'application/json, text/event-stream', authorization: `Bearer ${name}`, ...headers }
  const init = body
    ? { body: JSON.stringify(body), headers: { ...all, 'content-type': 'application/json' } }
    : { headers: all }
  return endpoint.fetch(new Request('https://mcp.example/mcp', { method, ...init }))
}

async function open(name: string): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const response = await send('POST', name, {}, request(0, 'initialize', params))
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

async function listen(name: string, headers: Record<string, string>): Promise<EventReader> {
  const response = await send('GET', name, headers)
  expect(response.status).toBe(200)
  const reader = new EventReader(response)
  readers.push(reader)
  return reader
}

async function principalOf(name: string): Promise<string> {
  const headers = await open(name)
  const called = await send('POST', name, headers, request(1, 'tools/call', { name: 'whoami', arguments: {} }))
  return ((await called.json()) as { result: { content: { text: string }[] } }).result.content[0]?.text ?? ''
}

test('a notifier outside of a call announces to the principal that a call has named', async () => {
  start()
  const ada = await listen('ada', await open('ada'))
  const eve = await listen('eve', await open('eve'))
  await endpoint.notify.promptsChanged({ to: await principalOf('ada') })
  await endpoint.notify.toolsChanged()
  const first = await ada.message()
  expect(first?.method).toBe('notifications/prompts/list_changed')
  expect((await eve.message())?.method).toBe('notifications/tools/list_changed')
})

test('an announcement to nobody in particular by mistake is refused and reaches nobody', async () => {
  start()
  const ada = await listen('ada', await open('ada'))
  for (const to of [undefined, null, 7]) {
    await expect(endpoint.notify.promptsChanged({ to } as never)).rejects.toThrow('"to" must be a principal')
    await expect(endpoint.notify.resourceUpdated('a:b', { to } as never)).rejects.toThrow('"to" must be a principal')
  }
  await endpoint.notify.toolsChanged()
  expect((await ada.message())?.method).toBe('notifications/tools/list_changed')
})

test('many changes of others cost a session a step for 256 of them, and it misses nothing', async () => {
  const steps = start()
  const session = await open('eve')
  const eve = await listen('eve', session)
  await endpoint.notify.toolsChanged()
  await eve.message()
  const [key] = steps
  const stepsOfEve = () => steps.filter((other) => other === key).length - 1
  const ada = await listen('ada', await open('ada'))
  const to = await principalOf('ada')
  for (let i = 0; i < 1_500; i++) await endpoint.notify.resourcesChanged({ to })
  await endpoint.notify.promptsChanged({ to })
  await ada.until(({ method }) => method === 'notifications/prompts/list_changed')
  // The store has dropped most of them. The position of the session has moved with them.
  await expect.poll(stepsOfEve).toBeGreaterThan(0)
  await endpoint.settled()
  expect(stepsOfEve()).toBeLessThanOrEqual(Math.ceil(1_500 / 256))
  eve.drop()
  const back = await listen('eve', session)
  await endpoint.notify.toolsChanged()
  expect((await back.message())?.method).toBe('notifications/tools/list_changed')
})
