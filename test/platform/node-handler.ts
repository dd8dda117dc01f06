/** What every framework on Node must do with the handler of an endpoint: tests that each of them calls. */
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEndpoint, type Endpoint, type EndpointOptions } from '../../lib/endpoint.ts'
import { type NodeHandler, toNodeHandler } from '../../lib/platform/node/handler.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { clients } from '../examples/clients.ts'
import { eventually } from '../support/eventually.ts'
import { post, request, toolCall } from '../support/raw.ts'

/** Starts an app on a free port of loopback that serves the handler at `/mcp`, and `mine` at `/mine`. */
export type StartApp = (handler: NodeHandler) => Promise<http.Server>

const MESSAGES = 64
const MESSAGE = 'a'.repeat(1024 * 1024)
const TEXT = { content: [{ type: 'text' as const, text: 'done' }] }

export const STATELESS = {
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
}
export const statelessCall = (name: string) =>
  toolCall(
    1,
    name,
    {},
    {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/logLevel': 'debug',
    },
  )

/** A server, and what its tools have seen. */
export function nodeServer() {
  const server = new McpServer({ name: 'node', version: '1' })
  const seen = { waiting: Promise.withResolvers<void>(), aborted: Promise.withResolvers<void>(), written: 0 }
  server.registerTool('ask', { inputSchema: z.object({ what: z.string() }) }, async ({ what }, ctx) => {
    await ctx.progress(1, 2, 'asking')
    const answer = await ctx.elicit(what, z.object({ name: z.string() }))
    return { content: [{ type: 'text', text: answer.content?.name ?? answer.action }] }
  })
  server.registerTool('whoami', {}, ({ auth }) => ({ content: [{ type: 'text', text: auth?.subject ?? 'anybody' }] }))
  server.registerTool('wait', {}, async (ctx) => {
    ctx.signal.addEventListener('abort', () => seen.aborted.resolve())
    await ctx.log('info', 'waiting')
    seen.waiting.resolve()
    await seen.aborted.promise
    return TEXT
  })
  server.registerTool('write', {}, async (ctx) => {
    for (seen.written = 0; seen.written < MESSAGES; seen.written++) await ctx.log('info', MESSAGE)
    return TEXT
  })
  return { server, seen }
}

const stops: (() => Promise<unknown>)[] = []
export async function stopApps(): Promise<void> {
  for (const stop of stops.splice(0)) await stop()
}

export function addressOf(app: http.Server): string {
  return `http://127.0.0.1:${(app.address() as AddressInfo).port}`
}

/** @returns the origin of the app */
export async function startApp(endpoint: Endpoint, start: StartApp): Promise<string> {
  const app = await start(toNodeHandler(endpoint))
  if (!app.listening) await once(app, 'listening')
  stops.push(async () => {
    await endpoint.close()
    app.closeAllConnections()
    await new Promise((resolve) => app.close(resolve))
  })
  return addressOf(app)
}

/** Sends a POST without reading its response. */
function sendUnread(url: string, message: object, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers }
    const sent = http.request(url, { method: 'POST', headers: all, agent: false }, resolve)
    sent.on('error', reject)
    sent.end(JSON.stringify(message))
  })
}

export function nodeHandlerContract(name: string, start: StartApp): void {
  describe(name, () => {
    afterEach(stopApps)

    const started = async (options: EndpointOptions = {}) => {
      const { server, seen } = nodeServer()
      const endpoint = createEndpoint(server, { allowedHosts: 'local', ...options })
      return { endpoint, seen, url: `${await startApp(endpoint, start)}/mcp` }
    }

    test.each(clients)('the official client %s is asked in the middle of a call', async (_, connect) => {
      const { url } = await started()
      const client = await connect(new URL(url), { form: (message) => ({ name: `${message} Ada` }) })
      const events: string[] = []
      const { text } = await client.call('ask', { what: 'Who?' }, (message) => events.push(message))
      expect([text, ...events]).toEqual(['Who? Ada', ...events])
      expect(events).toContain('asking')
      await client.close()
    })

    test('a body that is no message is refused in JSON-RPC', async () => {
      const { url } = await started()
      const response = await post(url, { jsonrpc: '2.0', id: 7, method: 3 })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32600 } })
    })

    test('a stateless client that leaves cancels its call', async () => {
      const { url, seen } = await started()
      const response = await sendUnread(url, statelessCall('wait'), { ...STATELESS, 'mcp-name': 'wait' })
      expect(response.statusCode).toBe(200)
      await seen.waiting.promise
      response.destroy()
      await seen.aborted.promise
    })

    test('a handler waits for a client that does not read, and nothing is lost', async () => {
      const { url, seen, endpoint } = await started()
      const response = await sendUnread(url, statelessCall('write'), { ...STATELESS, 'mcp-name': 'write' })
      await eventually(async () => endpoint.held().output || undefined)
      expect(seen.written).toBeLessThan(MESSAGES)
      let size = 0
      let end = ''
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length
        end = (end + chunk.toString('latin1')).slice(-500)
      }
      expect(size).toBeGreaterThan(MESSAGES * MESSAGE.length)
      expect(end).toContain('"text":"done"')
    })

    test('HEAD has no body, and is no method of MCP', async () => {
      const { url } = await started()
      const response = await fetch(url, { method: 'HEAD' })
      expect(response.status).toBe(405)
      expect(await response.text()).toBe('')
    })

    test('GET and DELETE belong to the session', async () => {
      const { url } = await started()
      const opened = await post(
        url,
        request(0, 'initialize', {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'raw', version: '1' },
        }),
      )
      await opened.text()
      const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
      const abort = new AbortController()
      const stream = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' }, signal: abort.signal })
      expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
      abort.abort()
      expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(204)
      expect((await post(url, request(1, 'ping'), { headers })).status).toBe(404)
    })

    test('a path of the app stays with the app', async () => {
      const { url } = await started()
      expect(await (await fetch(new URL('/mine', url))).text()).toBe('mine')
    })
  })
}
