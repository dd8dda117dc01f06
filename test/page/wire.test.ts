/** The record of what goes over HTTP: to which call a message belongs, and which instance answered. */
import { afterEach, expect, test, vi } from 'vitest'
import { type Entry, Wire } from '../../lib/page/app/wire.ts'

afterEach(() => vi.unstubAllGlobals())

/** A wire whose requests are answered by `answers` in turn. */
function recorded(...answers: Response[]) {
  const requests: Headers[] = []
  vi.stubGlobal('fetch', async (_url: unknown, { headers }: { headers: Headers }) => {
    requests.push(headers)
    const answer = answers.shift()
    if (!answer) throw new TypeError('failed')
    return answer
  })
  const wire = new Wire()
  const entries: Entry[] = []
  wire.recorded.on((entry, isNew) => isNew && entries.push(entry))
  const post = (message: object, headers: Record<string, string> = {}) =>
    wire.fetch('http://localhost/mcp', { method: 'POST', body: JSON.stringify(message), headers })
  return { wire, entries, requests, post }
}

const json = (body: object, instance = '1', status = 200) =>
  Response.json(body, { status, headers: { 'mcp-anywhere-instance': instance } })
const stream = (text: string, instance = '1') =>
  new Response(text, { headers: { 'content-type': 'text/event-stream', 'mcp-anywhere-instance': instance } })
const shown = (entries: readonly Entry[]) => entries.map(({ kind, run, instance }) => [kind, run, instance])

test('a request and its response have the call and the instance, and the client gets the response unchanged', async () => {
  const { entries, requests, post } = recorded(json({ id: 1, result: {} }, '2'))
  const response = await post({ id: 1, method: 'tools/call' }, { 'mcp-anywhere-page': '7' })
  expect(await response.json()).toEqual({ id: 1, result: {} })
  expect(requests[0]?.get('mcp-anywhere-page')).toBe('7')
  expect(shown(entries)).toEqual([
    ['sent', 7, '2'],
    ['received', 7, '2'],
  ])
  expect(entries[0]?.http).toEqual({ method: 'POST', status: 200 })
})

test('a request of no call is marked as one of the page', async () => {
  const { requests, post } = recorded(json({}))
  await post({ id: 1, method: 'initialize' })
  expect(requests[0]?.get('mcp-anywhere-page')).toBe('0')
})

test('the answer to a question belongs to the call that asked, and has the instance that took it', async () => {
  const ask = 'id: e1\ndata: {"id":"a1","method":"elicitation/create","params":{}}\n\n'
  const { wire, entries, post } = recorded(
    stream(ask, '1'),
    new Response(null, { status: 202, headers: { 'mcp-anywhere-instance': '2' } }),
  )
  await (await post({ id: 1, method: 'tools/call' }, { 'mcp-anywhere-page': '3' })).text()
  expect(wire.takeAsk('a1', {})).toBe(3)
  expect(shown(entries).at(-1)).toEqual(['received', 3, '1'])
  await post({ id: 'a1', result: { action: 'accept' } })
  expect(shown(entries).at(-1)).toEqual(['sent', 3, '2'])
})

test('a stream that is resumed, and a cancel, belong to their call', async () => {
  const { wire, entries, post } = recorded(
    stream('id: e5\ndata: \n\n'),
    stream('', '2'),
    new Response(null, { status: 202 }),
  )
  await (await post({ id: 9, method: 'tools/call' }, { 'mcp-anywhere-page': '4' })).text()
  await wire.fetch('http://localhost/mcp', { headers: { 'last-event-id': 'e5' } })
  expect(entries.at(-1)).toMatchObject({ kind: 'sent', run: 4, instance: '2', text: 'resume the stream' })
  await post({ method: 'notifications/cancelled', params: { requestId: 9 } })
  expect(entries.at(-1)).toMatchObject({ kind: 'sent', run: 4 })
})

test('questions without a session are given to the calls in their order', async () => {
  const result = (text: string) => ({
    result: {
      resultType: 'input_required',
      inputRequests: { 'elicit-1': { method: 'elicitation/create', params: { message: text } } },
    },
  })
  const { wire, post } = recorded(json(result('one')), json(result('two')), json(result('one')))
  for (const run of ['1', '2', '3']) await post({ id: 1, method: 'tools/call' }, { 'mcp-anywhere-page': run })
  expect(wire.takeAsk('elicit-1', { message: 'two' })).toBe(2)
  expect(wire.takeAsk('elicit-1', { message: 'one' })).toBe(1)
  expect(wire.takeAsk('elicit-1', { message: 'one' })).toBe(3)
  expect(wire.takeAsk('elicit-1', { message: 'one' })).toBeUndefined()
})

test('a refusal is kept, since the client does not pass on every message', async () => {
  const { wire, post } = recorded(json({ error: { code: -32600, message: 'Not here.' } }, '1', 403))
  await post({ id: 1, method: 'initialize' })
  expect(wire.lastRefusal).toMatchObject({ status: 403, body: expect.stringContaining('Not here.') })
})

test('a connection that breaks is noted at its call', async () => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('id: e1\ndata: {"method":"x"}\n\n')),
    pull: (controller) => controller.error(new TypeError('broken')),
  })
  const headers = { 'content-type': 'text/event-stream', 'mcp-anywhere-instance': '2' }
  const { entries, post } = recorded(new Response(body, { headers }))
  const response = await post({ id: 1, method: 'tools/call' }, { 'mcp-anywhere-page': '1' })
  await expect(response.text()).rejects.toThrow()
  expect(entries.at(-1)).toMatchObject({ kind: 'note', run: 1, instance: '2', text: 'The connection broke.' })
  await expect(post({ id: 2, method: 'tools/call' }, { 'mcp-anywhere-page': '2' })).rejects.toThrow()
  expect(entries.at(-1)).toMatchObject({ kind: 'note', run: 2, text: 'POST got no response.' })
})
