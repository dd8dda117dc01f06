/** Middleware around calls that are replayed: it runs again with each round, on whichever instance that is. */
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint, type Endpoint } from '../../lib/endpoint.ts'
import type { JsonObject } from '../../lib/protocol/jsonrpc.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { ACCEPT_BOTH, answerOf } from '../support/raw.ts'
import { body, headers, retry, type StatelessRequest, tool } from './requests.ts'

let endpoints: Endpoint[] = []
afterEach(() => Promise.all(endpoints.map((endpoint) => endpoint.close())))

const runs: string[] = []

function build(): McpServer {
  const server = new McpServer({ name: 'rounds', version: '1' })
  server.registerTool('order', { inputSchema: z.object({ count: z.number() }) }, async ({ count }, ctx) => {
    runs.push('handler')
    const { action } = await ctx.elicit('Pay?', z.object({}))
    return { content: [{ type: 'text', text: `${count} ${action}` }] }
  })
  server.use(async ({ params, ctx }, next) => {
    runs.push('middleware')
    const { action } = await ctx.elicit('Are you sure?', z.object({}))
    if (action !== 'accept') return { content: [{ type: 'text', text: 'not sure' }] }
    // In place: the state of the call is bound to what the client has sent.
    const args = params.arguments as JsonObject
    args.count = Number(args.count)
    return next()
  })
  return server
}

async function ask(at: number, request: StatelessRequest) {
  const init = { method: 'POST', body: JSON.stringify(body(request)) }
  const all = { ...headers(request), accept: ACCEPT_BOTH, 'content-type': 'application/json' }
  const response = await endpoints[at]?.fetch(new Request('http://localhost/mcp', { ...init, headers: all }))
  return answerOf(response as Response)
}

const accept = { action: 'accept', content: {} }

test('a call whose middleware and handler ask takes three rounds on three instances', async () => {
  const keys = [Buffer.alloc(32, 'a key of this test')]
  endpoints = [1, 2, 3].map(() => createEndpoint(build(), { keys, onError: () => {} }))
  const request = tool('order', { count: '3' })
  const first = await ask(0, request)
  expect(first.result.inputRequests).toMatchObject({ 'elicit-1': { params: { message: 'Are you sure?' } } })
  const second = await ask(1, retry(request, first, { 'elicit-1': accept }))
  expect(second.result.inputRequests).toMatchObject({ 'elicit-2': { params: { message: 'Pay?' } } })
  expect(Object.keys(second.result.inputRequests)).toEqual(['elicit-2'])
  const third = await ask(2, retry(request, second, { 'elicit-2': accept }))
  expect(third.result).toMatchObject({ resultType: 'complete', content: [{ text: '3 accept' }] })
  expect(runs).toEqual(['middleware', 'middleware', 'handler', 'middleware', 'handler'])
})

test('a middleware that answers by itself ends the rounds', async () => {
  endpoints = [createEndpoint(build())]
  const request = tool('order', { count: '3' })
  const first = await ask(0, request)
  const last = await ask(0, retry(request, first, { 'elicit-1': { action: 'decline' } }))
  expect(last.result).toMatchObject({ resultType: 'complete', content: [{ text: 'not sure' }] })
})
