/** The request of a call in the store, with the URL to which its client sent it. */
import { expect, test } from 'vitest'
import type { CallStart } from '../../lib/base/events.ts'
import type { CallParts } from '../../lib/session/call/host.ts'
import { readStored, writeStored } from '../../lib/session/call/stored-request.ts'

const host = { versionOf: () => undefined }

const stored = (request: object, url: URL | undefined) =>
  readStored(
    writeStored({ request, host, caller: { request: { headers: new Headers(), url } } } as unknown as CallParts),
  )

const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a' } }

test('is read as it was written', () => {
  const url = new URL('https://mcp.example/mcp?a=1')
  expect(stored(call, url)).toMatchObject({ request: call, url })
  expect(stored(call, undefined)).toEqual({ request: call, url: undefined, former: undefined })
})

test('a member of the client is not its URL', () => {
  const url = new URL('https://mcp.example/mcp')
  for (const each of [url, undefined]) {
    expect(stored({ ...call, url: 'https://elsewhere.example/' }, each)).toEqual({
      request: call,
      url: each,
      former: undefined,
    })
  }
})

test('the text of a build without the URL is read', () => {
  expect(readStored(JSON.stringify(call))).toEqual({ request: call, url: undefined, former: undefined })
})

const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
const parts = (request: object) =>
  ({ request, host, caller: { request: { headers: new Headers(), url: undefined } } }) as unknown as CallParts

test('has the span of its run where that is traced, and no byte more where it is not', () => {
  expect(writeStored(parts(call))).toBe(JSON.stringify(call))
  const text = writeStored(parts(call), { span: trace } as CallStart)
  expect(readStored(text)).toEqual({ request: call, url: undefined, former: { run: trace } })
})

test('has the span of the client where headers named it', () => {
  const parent = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a=1' }
  const event = { span: trace, request: { ...parent, id: 'r' } } as CallStart
  expect(readStored(writeStored(parts(call), event)).former).toEqual({ run: trace, parent })
  expect(readStored(writeStored(parts(call), { ...event, meta: parent })).former).toEqual({ run: trace })
})

test('a member of the client, or one that is not valid, is no trace', () => {
  const client = { ...call, trace: { run: trace } }
  expect(readStored(writeStored(parts(client))).former).toBeUndefined()
  for (const run of [{ traceparent: 'x' }, 5, null, { traceparent: `${trace.traceparent}-more` }])
    expect(readStored(JSON.stringify({ ...call, trace: { run } })).former).toBeUndefined()
})
