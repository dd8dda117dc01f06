/** Methods for which the official SDK has handlers of its own, and which belong to the endpoint. */
import { describe, expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { LINES } from './lines.ts'

const MODERN = '2026-07-28'
const _meta = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
}
const PARAMS: Record<string, object> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { roots: {} },
    clientInfo: { name: 'other', version: '1' },
  },
  ping: {},
  'logging/setLevel': { level: 'error' },
  'resources/subscribe': { uri: 'note://1' },
  'resources/unsubscribe': { uri: 'note://1' },
}

describe.each(LINES)('a server of %s', (_line, { makeServer }) => {
  test.each(Object.keys(PARAMS))('does not answer %s where there is no session', async (method) => {
    const endpoint = createEndpoint(makeServer())
    const response = await endpoint.fetch(
      new Request('http://127.0.0.1/mcp', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': MODERN,
          'mcp-method': method,
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...PARAMS[method], _meta } }),
      }),
    )
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ id: 1, error: { code: -32601 } })
    await endpoint.close()
  })
})
