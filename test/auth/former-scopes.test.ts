/** The stream of a call needs the scopes of its tool, also where no entry of the server needs them any longer. */
import { expect, test } from 'vitest'
import { createEndpoint } from '../../lib/endpoint.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ACCEPT_BOTH, EventReader, request, toolCall } from '../support/raw.ts'

test.each(['removed', 'given no scopes'])('a result is not resumed without them when the tool was %s', async (what) => {
  const server = new McpServer({ name: 'former', version: '1' })
  const tool = server.registerTool('report', { requiredScopes: ['read'] }, async (ctx) => {
    await ctx.log('info', 'begun')
    return { content: [{ type: 'text', text: 'the report' }] }
  })
  const verify = (token: string) => ({ issuer: 'x', subject: 'ada', scopes: token === 'strong' ? ['read'] : [] })
  const onError = () => {}
  const endpoint = createEndpoint(server, { auth: { resource: 'https://mcp.example/mcp', verify }, onError })
  const send = (method: string, token: string, more: Record<string, string> = {}, message?: object) => {
    const json = { accept: ACCEPT_BOTH, 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const body = message ? { body: JSON.stringify(message) } : {}
    return endpoint.fetch(new Request('https://mcp.example/mcp', { method, headers: { ...json, ...more }, ...body }))
  }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const opened = await send('POST', 'strong', {}, request(0, 'initialize', params))
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  const stream = new EventReader(await send('POST', 'strong', session, toolCall(1, 'report')))
  const { id = '' } = await stream.until(({ method }) => method === 'notifications/message')
  const resume = { ...session, 'last-event-id': id }
  await stream.rest()
  expect((await send('GET', 'weak', resume)).status).toBe(403)
  if (what === 'removed') tool.remove()
  else tool.update({ requiredScopes: [] })
  expect((await send('GET', 'weak', resume)).status).toBe(403)
  const resumed = new EventReader(await send('GET', 'strong', resume))
  expect((await resumed.message())?.result.content[0].text).toBe('the report')
  await endpoint.close()
})
