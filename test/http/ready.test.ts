/** A kept result is the same as a new one, for each caller and each request id. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { body, headers } from '../stateless/requests.ts'
import { ACCEPT_BOTH, request } from '../support/raw.ts'

const TOOLS = 40

function start() {
  const server = new McpServer({ name: 'ready', version: '1' })
  for (let n = 0; n < TOOLS; n++)
    server.registerTool(`tool_${n}`, { description: `Töne № ${n}`.repeat(20) }, () => ({ content: [] }))
  const endpoint = createEndpoint(server)
  const post = async (message: object, extra: Record<string, string>) => {
    const all = { 'content-type': 'application/json', accept: ACCEPT_BOTH, ...extra }
    const init = { method: 'POST', headers: all, body: JSON.stringify(message) }
    return endpoint.fetch(new Request('http://localhost/mcp', init))
  }
  return { server, post }
}

const IDS = [1, 1, '1', 'a"\\é', 2, 3, 4, 5, 6, 7, 8, 9, 1, 'a"\\é']

test.each(['2025-11-25', '2026-07-28'])('a kept list has the id of each request: %s', async (revision) => {
  const { server, post } = start()
  const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'a', version: '1' } }
  const opened = await post(request(0, 'initialize', params), {})
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  const list = async (id: string | number) => {
    const asked = { id, method: 'tools/list' }
    const response =
      revision === '2026-07-28'
        ? await post(body(asked), headers(asked))
        : await post(request(id, 'tools/list'), session)
    expect(response.headers.get('content-type')).toBe('application/json')
    return (await response.json()) as {
      id: string | number
      result: { tools: { name: string; description: string }[] }
    }
  }
  for (const id of IDS) {
    const answer = await list(id)
    expect(answer.id).toBe(id)
    expect(answer.result.tools).toHaveLength(TOOLS)
    expect(answer.result.tools[7]?.description).toBe('Töne № 7'.repeat(20))
  }
  server.registerTool('later', {}, () => ({ content: [] }))
  expect((await list(1)).result.tools.map(({ name }) => name)).toContain('later')
})
