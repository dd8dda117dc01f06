/** Errors of the official SDK that a handler throws: what a client gets, in every kind of method and both eras. */

import { McpError as McpError1, UrlElicitationRequiredError as Url1 } from '@modelcontextprotocol/sdk/types.js'
import {
  ResourceNotFoundError as NotFound2,
  ProtocolError as ProtocolError2,
  UrlElicitationRequiredError as Url2,
} from '@modelcontextprotocol/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ErrorCode, McpError, ProtocolError } from '../../lib/protocol/errors.ts'
import {
  MissingRequiredClientCapabilityError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  UrlElicitationRequiredError,
} from '../../lib/protocol/official-errors.ts'
import { AskError } from '../../lib/server/context/errors.ts'
import { McpServer } from '../../lib/server/mcp-server.ts'
import { completable } from '../../lib/server/registry/completable.ts'
import { ResourceTemplate } from '../../lib/server/registry/resource-template.ts'
import { fakeChannel, request } from './fake-channel.ts'

const data = { city: 'Atlantis' }
/** As it comes from a package that has a copy of its own of the SDK. */
const foreign = Object.assign(new Error('MCP error -32050: own'), { code: -32050, data, name: 'CityError' })

const errors: [string, unknown, { code: number; message: string; data?: unknown }][] = [
  [
    'McpError of SDK 1.x',
    new McpError1(-32602, 'No such city', data),
    { code: -32602, message: 'MCP error -32602: No such city', data },
  ],
  ['McpError of SDK 1.x with a code of its own', new McpError1(7, 'Seven'), { code: 7, message: 'MCP error 7: Seven' }],
  [
    'ProtocolError of SDK 2.x',
    new ProtocolError2(-32602, 'No such city', data),
    { code: -32602, message: 'No such city', data },
  ],
  [
    'ResourceNotFoundError of SDK 2.x',
    new NotFound2('a://b'),
    { code: -32602, message: 'Resource not found: a://b', data: { uri: 'a://b' } },
  ],
  ['a subclass', foreign, { code: -32050, message: foreign.message, data }],
  ['an object', { code: -32602, message: 'plain', data }, { code: -32602, message: 'plain', data }],
  [
    'our McpError',
    new McpError(ErrorCode.InvalidParams, 'No such city', data),
    { code: -32602, message: 'MCP error -32602: No such city', data },
  ],
  [
    'our ResourceNotFoundError',
    new ResourceNotFoundError('a://b'),
    { code: -32602, message: 'Resource not found: a://b', data: { uri: 'a://b' } },
  ],
]

/** Errors of other packages that have a code, too. */
const others: [string, unknown, string][] = [
  ['gRPC', Object.assign(new Error('5 NOT_FOUND'), { code: 5 }), '5 NOT_FOUND'],
  ['Node', Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' }), 'ENOENT: no such file'],
  ['a database', Object.assign(new Error('duplicate key'), { code: 11_000 }), 'duplicate key'],
  ['a client that was asked', new AskError('refused', 'no forms', { code: -32601, data }), 'no forms'],
  ['a client that was asked for a page', new AskError('refused', 'a page', { code: -32042, data }), 'a page'],
  ['an abort', new DOMException('stopped', 'AbortError'), 'stopped'],
]

function throwing(thrown: unknown): McpServer {
  const server = new McpServer({ name: 's', version: '1' })
  const fail = () => {
    throw thrown
  }
  server.registerTool('tool', {}, fail)
  server.registerTool('late', {}, async () => fail())
  server.registerPrompt('prompt', { argsSchema: z.object({ city: completable(z.string().optional(), fail) }) }, fail)
  server.registerResource('fixed', 'a://fixed', {}, fail)
  server.registerResource('listed', new ResourceTemplate('b://{x}', { list: fail }), {}, fail)
  return server
}

const methods: [string, object][] = [
  ['prompts/get', { name: 'prompt' }],
  ['resources/read', { uri: 'a://fixed' }],
  ['resources/read', { uri: 'b://x' }],
  ['resources/list', {}],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'prompt' }, argument: { name: 'city', value: '' } }],
]

async function failure(thrown: unknown, method: string, params: object, revision: '2025-11-25' | '2026-07-28') {
  try {
    return { result: await request(throwing(thrown), method, { ...params }, fakeChannel({ revision })) }
  } catch (error) {
    if (error instanceof ProtocolError) return { error: error.toObject() }
    throw error
  }
}

describe.each(['2025-11-25', '2026-07-28'] as const)('in %s', (revision) => {
  describe.each(errors)('%s', (_name, thrown, expected) => {
    test.each(methods)('keeps code and data in %s %j', async (method, params) => {
      expect(await failure(thrown, method, params, revision)).toEqual({ error: expected })
    })

    test.each(['tool', 'late'])('is a result with isError in %s', async (name) => {
      const content = [{ type: 'text', text: expected.message }]
      expect(await failure(thrown, 'tools/call', { name }, revision)).toEqual({ result: { content, isError: true } })
    })
  })

  test.each(others)('an error of %s is an internal error', async (_name, thrown, message) => {
    for (const [method, params] of methods) {
      expect(await failure(thrown, method, params, revision)).toEqual({ error: { code: -32603, message } })
    }
    const content = [{ type: 'text', text: message }]
    const result = { content, isError: true }
    expect(await failure(thrown, 'tools/call', { name: 'tool' }, revision)).toEqual({ result })
  })

  test('ProtocolError is the JSON-RPC error of a tool', async () => {
    const error = { code: -32602, message: 'No', data }
    expect(await failure(new ProtocolError(-32602, 'No', data), 'tools/call', { name: 'tool' }, revision)).toEqual({
      error,
    })
  })
})

const elicitations = [{ mode: 'url' as const, message: 'Sign in', url: 'https://a.example', elicitationId: 'e' }]
describe.each([
  ['SDK 1.x', new Url1(elicitations)],
  ['SDK 2.x', new Url2(elicitations)],
  ['ours', new UrlElicitationRequiredError(elicitations)],
])('UrlElicitationRequiredError of %s', (_name, thrown) => {
  test.each([['tools/call', { name: 'tool' }], ...methods])('keeps code and data in %s %j', async (method, params) => {
    expect(await failure(thrown, method, params, '2025-11-25')).toMatchObject({
      error: { code: -32042, data: { elicitations } },
    })
  })

  test('names the way of 2026-07-28 there, which does not have it', async () => {
    const { error } = await failure(thrown, 'tools/call', { name: 'tool' }, '2026-07-28')
    expect(error).toEqual({ code: -32603, message: expect.stringContaining('call ctx.elicitUrl') })
  })
})

test('the code of a resource that does not exist is that of the revision', async () => {
  const thrown = new McpError1(-32002, 'gone')
  expect((await failure(thrown, 'resources/read', { uri: 'a://fixed' }, '2025-11-25')).error?.code).toBe(-32002)
  expect((await failure(thrown, 'resources/read', { uri: 'a://fixed' }, '2026-07-28')).error?.code).toBe(-32602)
})

test('an error that cannot be read is an internal error', async () => {
  const { proxy, revoke } = Proxy.revocable(new Error('x'), {})
  revoke()
  for (const [method, params] of methods) {
    expect((await failure(proxy, method, params, '2025-11-25')).error?.code).toBe(-32603)
  }
  expect((await failure(proxy, 'tools/call', { name: 'tool' }, '2025-11-25')).result?.isError).toBe(true)
})

test('the classes are used as those of the official SDK', () => {
  const error = new McpError(ErrorCode.InvalidParams, 'No', data)
  expect(error).toBeInstanceOf(Error)
  expect(error).toBeInstanceOf(ProtocolError)
  const { code, message, name } = new McpError1(-32602, 'No', data)
  expect(error).toMatchObject({ code, message, name, data })
  const url = new UrlElicitationRequiredError(elicitations)
  expect(url).toBeInstanceOf(McpError)
  expect(url.elicitations).toEqual(new Url1(elicitations).elicitations)
  expect(url.message).toBe(new Url1(elicitations).message)
  expect(new ResourceNotFoundError('a://b').uri).toBe('a://b')
  const missing = new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } })
  expect(missing).toMatchObject({ code: -32021, requiredCapabilities: { sampling: {} } })
  expect(ProtocolErrorCode.UrlElicitationRequired).toBe(-32042)
  expect([ErrorCode.ConnectionClosed, ErrorCode.RequestTimeout]).toEqual([-32000, -32001])
})
