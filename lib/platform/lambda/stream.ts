/**
 * Responses through Lambda's response stream. Hono's own adapter loses the status of an empty body, sends the headers
 * only with the first byte, and a body that fails ends the whole environment.
 */
import type { Writable } from 'node:stream'
import type { StreamifyHandler } from 'aws-lambda'
import type { Endpoint } from '../../endpoint.ts'
import type { HttpEvent } from './event.ts'
import { statusAndHeaders } from './headers.ts'
import { invocations, type LambdaOptions } from './invocation.ts'

/** For a Function URL with `RESPONSE_STREAM` and for API Gateway REST with `STREAM`. Exported for tests. */
export function streamingHandler(endpoint: Endpoint, options: LambdaOptions = {}): StreamifyHandler<HttpEvent, void> {
  const invoke = invocations(endpoint, false, options)
  return awslambda.streamifyResponse(async (event, out, context) => {
    await invoke(event, context, (response, { request }) => sendResponse(response, request.method, out))
    // An event of its own has no response.
    if (!out.writableEnded) await ended(out)
  })
}

/**
 * Sends `response`. Resolves when Lambda has received it completely. Exported for tests.
 * @throws the error of the body: the runtime then breaks the connection to the client, and the environment goes on
 */
export async function sendResponse(response: Response, method: string, out: Writable): Promise<void> {
  const stream: Writable = awslambda.HttpResponseStream.from(out, statusAndHeaders(response))
  // The first write sends status and headers: they must not wait for a body, which may come late or not at all.
  stream.write('')
  if (response.body && method !== 'HEAD') await pump(response.body, stream)
  await ended(stream)
}

function ended(stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject)
    stream.end(resolve)
  })
}

async function pump(body: ReadableStream<Uint8Array>, stream: Writable): Promise<void> {
  const reader = body.getReader()
  let failure: Error | undefined
  // Also while no chunk comes: the source of the body must stop when nobody reads it.
  const fail = (error: Error = new Error('The response stream was closed.')) => {
    failure ??= error
    reader.cancel(failure).catch(() => {})
  }
  stream.on('error', fail)
  stream.on('close', () => fail())
  if (stream.destroyed) fail()
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (failure) throw failure
      if (done) return
      if (!stream.write(value)) await drained(stream)
    }
  } catch (error) {
    await reader.cancel(error).catch(() => {})
    throw error
  }
}

/** Resolves also where the stream is closed or fails: then it never drains. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      for (const event of ['drain', 'error', 'close']) stream.off(event, settle)
      resolve()
    }
    for (const event of ['drain', 'error', 'close']) stream.on(event, settle)
    if (stream.destroyed) settle()
  })
}
