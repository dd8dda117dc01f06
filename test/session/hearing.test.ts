/** What a client of a session makes known outside of its calls reaches a dispatcher that has `heard`. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import type { Instance } from '../../lib/runtime/instance.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import { ACCEPT_BOTH } from '../support/raw.ts'

const HEADERS = { 'content-type': 'application/json', accept: ACCEPT_BOTH }

test('notifications, and the requests that a session answers itself, are heard with their session', async () => {
  const heard: unknown[] = []
  const own = dispatcherOf(new McpServer({ name: 'test', version: '1' }))
  const endpoint = createEndpoint({
    ...own,
    heard: (method, params, { session, caller }) => heard.push([method, params, session.id, caller.principal]),
  })
  const post = (message: object, more: Record<string, string> = {}) => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    return endpoint.fetch(
      new Request('http://localhost/mcp', { method: 'POST', headers: { ...HEADERS, ...more }, body }),
    )
  }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const id = (await post({ id: 0, method: 'initialize', params })).headers.get('mcp-session-id') ?? ''
  const session = { 'mcp-session-id': id }
  await post({ method: 'notifications/initialized' }, session)
  await post({ method: 'notifications/roots/list_changed', params: { a: 1 } }, session)
  await post({ method: 'notifications/cancelled', params: { requestId: 7 } }, session)
  await post({ id: 1, method: 'logging/setLevel', params: { level: 'error' } }, session)
  await post({ id: 2, method: 'tools/list' }, session)
  expect(heard).toEqual([
    ['notifications/initialized', undefined, id, ''],
    ['notifications/roots/list_changed', { a: 1 }, id, ''],
    ['logging/setLevel', { level: 'error' }, id, ''],
  ])
  await endpoint.close()
})

test('a dispatcher that works with those of other instances gets its instance', async () => {
  const own = dispatcherOf(new McpServer({ name: 'test', version: '1' }))
  let joined: Instance | undefined
  const member = {
    ...own,
    join(instance: Instance) {
      joined = instance
    },
  }
  const endpoint = createEndpoint(member)
  expect(joined?.id).toBe(endpoint.instanceId)
  await endpoint.close()
})
