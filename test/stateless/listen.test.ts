/** `subscriptions/listen` before and at the start of its response. One process, a manual clock, a store that waits. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ManualClock, turn } from '../cluster/simulation.ts'
import { interceptedStore } from '../support/intercepted-store.ts'
import { ACCEPT_BOTH, EventReader } from '../support/raw.ts'
import { body, headers } from './requests.ts'

const URI = 'test://a'

function listen(uris = [URI]) {
  const clock = new ManualClock()
  const barrier = Promise.withResolvers<void>()
  const ping = async (proceed: () => Promise<unknown>) => {
    await barrier.promise
    return proceed()
  }
  const server = new McpServer({ name: 'listen', version: '1' })
  server.registerTool('one', {}, () => ({ content: [] }))
  server.registerResource('a', URI, {}, () => ({ contents: [] }))
  const endpoint = createEndpoint(server, {
    clock,
    store: interceptedStore({ ping }),
    session: { responseLimit: 10_000 },
  })
  const notifications = { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: uris }
  const request = { id: 'L', method: 'subscriptions/listen', params: { notifications } }
  const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers(request) }
  const init = { method: 'POST', headers: all, body: JSON.stringify(body(request)) }
  const answered = Promise.resolve(endpoint.fetch(new Request('http://localhost/mcp', init)))
  const read = async () => new EventReader(await answered)
  return { clock, endpoint, read, begin: () => barrier.resolve() }
}

test.each(['the response reaches its time limit', 'the instance drains'])(
  'a stream ends with its result when %s before the response begins',
  async (what) => {
    const { clock, endpoint, read, begin } = listen()
    await turn()
    // The store is not closed under a stream that is being opened.
    const closing = what === 'the instance drains' ? endpoint.close() : clock.advance(9_000)
    await turn()
    begin()
    const messages = await (await read()).rest()
    expect(messages.map(({ method, id }) => method ?? id)).toEqual(['notifications/subscriptions/acknowledged', 'L'])
    await closing
    expect(endpoint.stats().connections).toBe(0)
  },
)

test('repeated changes before the response begins are sent once', async () => {
  const { clock, endpoint, read, begin } = listen()
  await turn()
  for (let n = 0; n < 50; n++) {
    await endpoint.notify.resourceUpdated(n % 2 ? URI : 'test://other')
    await endpoint.notify.toolsChanged()
    await endpoint.notify.promptsChanged()
  }
  await turn()
  begin()
  const stream = await read()
  await turn()
  await clock.advance(9_000)
  expect((await stream.rest()).map(({ method, id }) => method ?? id)).toEqual([
    'notifications/subscriptions/acknowledged',
    'notifications/tools/list_changed',
    'notifications/resources/updated',
    'L',
  ])
})

test('changes that the server does not offer are neither acknowledged nor sent', async () => {
  const { clock, endpoint, read, begin } = listen()
  begin()
  const stream = await read()
  await turn()
  await endpoint.notify.promptsChanged()
  await endpoint.notify.toolsChanged()
  await turn()
  await clock.advance(9_000)
  const [acknowledged, ...rest] = await stream.rest()
  expect(acknowledged?.params?.notifications).toEqual({ toolsListChanged: true, resourceSubscriptions: [URI] })
  expect(rest.map(({ method, id }) => method ?? id)).toEqual(['notifications/tools/list_changed', 'L'])
})

test('updates are sent in the spelling of the client, in whatever spelling they are announced', async () => {
  const uris = ['https://example.com', 'HTTPS://Example.com/', 'file:///caf%C3%A9', 'note://Tea']
  const { clock, endpoint, read, begin } = listen(uris)
  begin()
  const stream = await read()
  await turn()
  for (const uri of ['https://example.com/', 'file:///café', 'note://tea', 'file:///x/../caf%C3%A9']) {
    await endpoint.notify.resourceUpdated(uri)
  }
  await turn()
  await clock.advance(9_000)
  const [acknowledged, ...rest] = await stream.rest()
  expect(acknowledged?.params?.notifications.resourceSubscriptions).toEqual(uris)
  expect(rest.flatMap(({ params }) => params?.uri ?? [])).toEqual(uris.slice(0, 3))
})
