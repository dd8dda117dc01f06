/** The request of a call in the store, with the URL to which its client sent it. */
import { expect, test } from 'vitest'
import type { CallParts } from '../../lib/session/call/host.ts'
import { readStored, writeStored } from '../../lib/session/call/stored-request.ts'

const stored = (request: object, url: URL | undefined) =>
  readStored(writeStored({ request, caller: { request: { headers: new Headers(), url } } } as unknown as CallParts))

const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a' } }

test('is read as it was written', () => {
  const url = new URL('https://mcp.example/mcp?a=1')
  expect(stored(call, url)).toEqual({ request: call, url })
  expect(stored(call, undefined)).toEqual({ request: call, url: undefined })
})

test('a member of the client is not its URL', () => {
  const url = new URL('https://mcp.example/mcp')
  for (const each of [url, undefined]) {
    expect(stored({ ...call, url: 'https://elsewhere.example/' }, each)).toEqual({ request: call, url: each })
  }
})

test('the text of a build without the URL is read', () => {
  expect(readStored(JSON.stringify(call))).toEqual({ request: call, url: undefined })
})
