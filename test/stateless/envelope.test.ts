/** Method and argument names that are also members of every JavaScript object. */
import { expect, test } from 'vitest'
import type { JsonRpcRequest } from '../../lib/protocol/jsonrpc.ts'
import { METHODS } from '../../lib/protocol/methods.ts'
import { readEnvelope, requireParamHeaders } from '../../lib/stateless/envelope.ts'
import { body, headers } from './requests.ts'

const NAMES = ['constructor', 'toString', '__proto__']

test.each(NAMES)('a method "%s" needs no Mcp-Name header', (method) => {
  const given: Record<string, string> = { ...headers({ method }), 'mcp-name': 'a' }
  expect(readEnvelope(body({ method }), (name) => given[name], METHODS.get(method)?.mirrored)).toMatchObject({
    info: undefined,
  })
})

test.each(NAMES)('an argument "%s" counts as given only if the request has it', (name) => {
  const request: JsonRpcRequest = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { arguments: {} } }
  const param = { name: 'A', path: [name], type: 'string' } as const
  expect(() => requireParamHeaders(request, [param], () => undefined)).not.toThrow()
  const given = { ...request, params: { arguments: Object.fromEntries([[name, 'x']]) } }
  expect(() => requireParamHeaders(given, [param], () => 'x')).not.toThrow()
})
