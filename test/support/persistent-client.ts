/** A client that resumes or repeats each call until it has the response. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ACCEPT_BOTH, EventReader, type RawSession, type RpcMessage } from './raw.ts'

export interface Outcome {
  /** The messages of all connections, the response last. */
  messages: RpcMessage[]
  finals: RpcMessage[]
  /** The number of resumes. */
  resumes: number
  /** How often the client sent the call again, because no event id had arrived. */
  repeats: number
  lastId: string | undefined
}

/** The time without a byte after which the client opens another connection, in ms. */
const PATIENCE = 6_000

async function attempt(url: URL, init: RequestInit): Promise<{ response: Response; reader?: EventReader } | undefined> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), PATIENCE)
  try {
    const response = await fetch(url, { ...init, signal: abort.signal })
    if (response.headers.get('content-type') === 'text/event-stream') {
      return { response, reader: new EventReader(response, abort) }
    }
    return { response }
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

/** Calls until there is a response. `makeCall` makes the request of each attempt from its id. */
export async function callUntilAnswered(
  url: URL,
  session: RawSession,
  makeCall: (id: string) => object,
  name: string,
): Promise<Outcome> {
  const outcome: Outcome = { messages: [], finals: [], resumes: 0, repeats: 0, lastId: undefined }
  const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': session.version }
  for (;;) {
    const id = `${name}/${outcome.repeats}`
    const body = JSON.stringify(makeCall(id))
    const posted = await attempt(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: ACCEPT_BOTH },
      body,
    })
    if (posted?.response.status === 404) throw new Error('The session was lost.')
    if (posted?.reader) await drain(posted.reader, outcome)
    while (outcome.lastId !== undefined && outcome.finals.length === 0) {
      outcome.resumes++
      const got = await attempt(url, {
        headers: { ...headers, accept: 'text/event-stream', 'last-event-id': outcome.lastId },
      })
      if (got?.reader) await drain(got.reader, outcome)
      else if (got && [400, 404, 405].includes(got.response.status)) {
        throw new Error(`The resume was answered ${got.response.status}: ${await got.response.text()}`)
      } else {
        await got?.response.body?.cancel()
        await sleep(50)
      }
    }
    if (outcome.finals.length > 0) return outcome
    // No event id has arrived. The client cannot tell whether the call was accepted, and sends it again.
    await posted?.response.body?.cancel().catch(() => {})
    outcome.repeats++
    await sleep(50)
  }
}

/** Reads until the stream ends, breaks, or sends nothing for too long. */
async function drain(reader: EventReader, outcome: Outcome): Promise<void> {
  for (;;) {
    const timer = setTimeout(() => reader.drop(), PATIENCE)
    const event = await reader.next()
    clearTimeout(timer)
    if (!event) return
    if (event.id !== undefined) outcome.lastId = event.id
    if (!event.message) continue
    outcome.messages.push(event.message)
    if (event.message.id !== undefined && event.message.method === undefined) outcome.finals.push(event.message)
  }
}
