/** A channel of a test: it keeps the messages of a handler, and a function answers its asks. */

import type { AuthInfo } from '../../lib/protocol/auth-info.ts'
import { type JsonObject, RawJson } from '../../lib/protocol/jsonrpc.ts'
import type { Revision } from '../../lib/protocol/revisions.ts'
import { type ClientCapabilities, compareLevels, type LoggingLevel } from '../../lib/protocol/types.ts'
import type { Ask, ClientChannel } from '../../lib/server/context/client-channel.ts'
import type { McpServer } from '../../lib/server/mcp-server.ts'
import { dispatcherOf } from '../../lib/server/own-dispatcher.ts'
import type { Handles, KeyValues } from '../../lib/store/values.ts'

export interface FakeOptions {
  revision?: Revision
  capabilities?: ClientCapabilities
  scopes?: string[]
  level?: LoggingLevel
  answer?: (ask: Ask) => JsonObject | Promise<JsonObject>
}

export interface FakeChannel extends ClientChannel {
  notified: { method: string; params: JsonObject }[]
  asked: Ask[]
  announced: string[]
  closed: (number | undefined)[]
  left: PromiseLike<unknown>[]
  abort(): void
}

export function fakeChannel(options: FakeOptions = {}): FakeChannel {
  const { revision = '2025-11-25', capabilities = {}, scopes, level = 'debug' } = options
  const controller = new AbortController()
  const announced: string[] = []
  const channel: FakeChannel = {
    notified: [],
    asked: [],
    announced,
    closed: [],
    left: [],
    abort: () => controller.abort(),
    revision,
    client: { info: { name: 'fake', version: '1' }, capabilities },
    requestId: 1,
    method: 'tools/call',
    sessionId: revision === '2026-07-28' ? undefined : 'session',
    auth: scopes === undefined ? undefined : authWith(scopes),
    principal: '',
    request: { headers: new Headers() },
    signal: controller.signal,
    session: revision === '2026-07-28' ? undefined : keyValues(),
    user: keyValues(),
    handles: handles(),
    announce: {
      toolsChanged: async () => void announced.push('tools'),
      promptsChanged: async () => void announced.push('prompts'),
      resourcesChanged: async () => void announced.push('resources'),
      resourceUpdated: async (uri) => void announced.push(uri),
    },
    wants: (wanted) => compareLevels(wanted, level) >= 0,
    notify: async (method, params) => void channel.notified.push({ method, params }),
    ask: async (ask) => {
      channel.asked.push(ask)
      if (options.answer === undefined) throw new Error('The test has no answer to asks.')
      return options.answer(ask)
    },
    once: async (_name, fn) => fn(),
    waitUntil: (work) => void channel.left.push(work),
    closeStream: (retryMs) => void channel.closed.push(retryMs),
  }
  return channel
}

function authWith(scopes: string[]): AuthInfo {
  return { issuer: 'https://issuer.example', subject: 'somebody', scopes, claims: {}, token: 'token' }
}

function keyValues(): KeyValues {
  const values = new Map<string, unknown>()
  return {
    get: async <T>(name: string) => values.get(name) as T | undefined,
    set: async (name, value) => void values.set(name, value),
    delete: async (name) => void values.delete(name),
  }
}

function handles(): Handles {
  const values = new Map<string, unknown>()
  return {
    create: async (value) => {
      const handle = `handle-${values.size}`
      values.set(handle, value)
      return handle
    },
    get: async <T>(handle: string) => values.get(handle) as T | undefined,
    set: async (handle, value) => values.has(handle) && values.set(handle, value) !== undefined,
    delete: async (handle) => void values.delete(handle),
  }
}

/** One request, with its result as it goes on the wire. Rejects where the answer is a JSON-RPC error. */
export async function request(
  server: McpServer,
  method: string,
  params?: JsonObject,
  channel: ClientChannel = fakeChannel(),
  // biome-ignore lint/suspicious/noExplicitAny: tests look into results whose shape they assert
): Promise<any> {
  const result = await dispatcherOf(server).dispatch(method, params, channel)
  return JSON.parse(result instanceof RawJson ? result.text : JSON.stringify(result))
}

/** Calls a tool. */
export function call(server: McpServer, name: string, args?: JsonObject, channel?: ClientChannel) {
  return request(server, 'tools/call', args === undefined ? { name } : { name, arguments: args }, channel)
}
