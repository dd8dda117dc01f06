/** The server's description of itself in results of the stateless revision. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ACCEPT_BOTH, type RpcMessage } from '../support/raw.ts'
import { body, headers, type StatelessRequest } from './requests.ts'

const KEY = 'io.modelcontextprotocol/serverInfo'

test('server/discover carries the full server info, and other results carry its name and version', async () => {
  const info = {
    name: 'a',
    version: '1',
    title: 'A',
    description: 'The first.',
    websiteUrl: 'https://a.example',
    icons: [{ src: 'https://a.example/icon.png' }],
  }
  const server = new McpServer(info)
  server.registerTool('act', {}, () => ({ content: [] }))
  const endpoint = createEndpoint(server)
  const ask = async (request: StatelessRequest): Promise<RpcMessage> => {
    const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...headers(request) }
    const init = { method: 'POST', headers: all, body: JSON.stringify(body(request)) }
    return (await (await endpoint.fetch(new Request('http://localhost/mcp', init))).json()) as RpcMessage
  }
  expect((await ask({ method: 'server/discover' })).result._meta[KEY]).toEqual(info)
  expect((await ask({ method: 'tools/list' })).result._meta[KEY]).toEqual({ name: 'a', version: '1' })
})
