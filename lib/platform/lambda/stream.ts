/**
 * A Response through Lambda's response stream. Hono's own adapter loses the status of an empty body, holds the headers
 * back until the first byte, and takes the whole environment down with a body that fails.
 */
import type { Writable } from 'node:stream'
import { statusAndHeaders } from './headers.ts'

/**
 * Sends `response`. Resolves when Lambda has all of it.
 * @throws what the body failed with: the runtime then breaks the client's connection, and the environment lives on
 */
export async function sendResponse(response: Response, method: string, out: Writable): Promise<void> {
  const stream: Writable = awslambda.HttpResponseStream.from(out, statusAndHeaders(response))
  // Status and headers leave with the first write, so there is one even where there is no body, and at once.
  stream.write('')
  if (response.body && method !== 'HEAD') await pump(response.body, stream)
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject)
    stream.end(resolve)
  })
}

async function pump(body: ReadableStream<Uint8Array>, stream: Writable): Promise<void> {
  const reader = body.getReader()
  let failure: Error | undefined
  // Also while the body is silent: whoever fills it learns that nobody reads it.
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

/** Resolves also where Lambda has stopped listening: it will never drain. */
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
