/** The function of adapter.test.ts: routes whose responses are of every kind, beside an endpoint. */

import { createEndpoint } from '../../lib/endpoint.ts'
import { bufferedHandler } from '../../lib/platform/lambda/buffered.ts'
import { streamingHandler } from '../../lib/platform/lambda/stream.ts'
import { memoryStore } from '../../lib/store/memory/index.ts'
import { server } from '../fixtures/everything.ts'

const endpoint = createEndpoint(server, { store: memoryStore(), session: { getPolicy: 'poll' } })
const { app } = endpoint

const stream = (pull: (controller: ReadableStreamDefaultController<Uint8Array>) => Promise<void> | void) =>
  new ReadableStream<Uint8Array>({ pull })

app.get(
  '/empty/:status',
  (c) => new Response(null, { status: Number(c.req.param('status')), headers: { 'x-custom': 'yes' } }),
)
app.get('/no-bytes', () => new Response('', { status: 404, headers: { 'x-custom': 'yes' } }))
app.get('/cookies', () => {
  const response = new Response('crumbs', { headers: { connection: 'keep-alive', 'keep-alive': 'timeout=5', te: 'x' } })
  response.headers.append('set-cookie', 'a=1; Path=/')
  response.headers.append('set-cookie', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT')
  return response
})
app.all('/echo', async (c) => {
  const { raw } = c.req
  const bytes = Buffer.from(await raw.arrayBuffer())
  const socket = (c.env as { incoming?: { socket: { remoteAddress?: string } } }).incoming?.socket
  return c.json({
    method: raw.method,
    path: new URL(raw.url).pathname,
    query: c.req.queries(),
    cookie: c.req.header('cookie'),
    host: c.req.header('host'),
    sum: bytes.reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 7),
    length: bytes.length,
    address: socket?.remoteAddress,
  })
})
app.get(
  '/bytes',
  () =>
    new Response(
      Uint8Array.from({ length: 256 }, (_, i) => i),
      { headers: { 'content-type': 'image/png' } },
    ),
)

/** Opened by `/open`. */
let open: () => void = () => {}
const opened = new Promise<void>((resolve) => (open = resolve))
app.get('/late', () => {
  return new Response(
    stream(async (controller) => {
      await opened
      controller.enqueue(new TextEncoder().encode('late'))
      controller.close()
    }),
    { status: 203 },
  )
})
app.get('/broken', () => {
  let pulls = 0
  return new Response(
    stream((controller) => {
      if (pulls++ === 0) controller.enqueue(new TextEncoder().encode('first'))
      else controller.error(new Error('The body broke.'))
    }),
  )
})
/** 64 chunks of 1 MB, each made when it is asked for. */
let made = 0
app.get('/endless', () => {
  const chunk = new Uint8Array(1024 * 1024)
  return new Response(
    stream((controller) => {
      made++
      controller.enqueue(chunk)
      if (made === 64) controller.close()
    }),
  )
})
// A signal, because a busy function gets no second request.
process.on('SIGUSR2', () => {
  console.log(`made ${made}`)
  open()
})

export const handler = streamingHandler(endpoint)
export const buffered = bufferedHandler(endpoint)
