/** Clients that go on calling while instances are replaced, and what fails for them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { send, tool } from '../../stateless/requests.ts'
import {
  answerOf,
  EventReader,
  initialize,
  openGet,
  post,
  type RawSession,
  request,
  toolCall,
} from '../../support/raw.ts'

/** How many clients there are, and how long each pauses after a response, in ms. */
const LANES = 12
const PAUSE = 40

const CHANGED = 'notifications/tools/list_changed'

export class Traffic {
  requests = 0
  readonly failures: string[] = []
  readonly #url: URL
  #running = true
  #lanes: Promise<unknown>[] = []

  constructor(url: URL) {
    this.#url = url
    this.#lanes = Array.from({ length: LANES }, (_, lane) => this.#lane(lane))
  }

  /** Resolves when there were so many requests, the last of them begun after this call. */
  async reaches(requests: number): Promise<void> {
    const least = Math.max(requests, this.requests + 2 * LANES)
    while (this.requests < least && this.failures.length < 100) await sleep(PAUSE)
  }

  /** Resolves when every response has arrived. */
  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#lanes)
  }

  /** A client without a session, with one, or with one of an older revision. */
  async #lane(lane: number): Promise<void> {
    const version = ['2025-11-25', '2025-06-18'][lane % 3]
    const session = version === undefined ? undefined : await initialize(this.#url, version)
    for (let n = 1; this.#running; n++) {
      this.requests++
      const problem = await (session ? this.#counted(session, n) : this.#echoed(`${lane}/${n}`)).catch(
        (error: Error) => `${error.message}: ${error.cause}`,
      )
      if (problem !== undefined) this.failures.push(`${version ?? '2026-07-28'} request ${n}: ${problem}`)
      await sleep(PAUSE)
    }
  }

  /** The session counts its calls: none is lost, and none is run twice. */
  async #counted(session: RawSession, n: number): Promise<string | undefined> {
    const response = await post(this.#url, toolCall(n, 'count_session'), { session })
    const answer = await answerOf(response)
    const text = answer.result?.content?.[0]?.text
    return response.status === 200 && text === String(n) ? undefined : `${response.status} ${JSON.stringify(answer)}`
  }

  async #echoed(message: string): Promise<string | undefined> {
    const response = await send(this.#url, tool('echo', { message }))
    const answer = await answerOf(response)
    const text = answer.result?.content?.[0]?.text
    return response.status === 200 && text === message ? undefined : `${response.status} ${JSON.stringify(answer)}`
  }
}

/** A client with a GET stream, which it opens again whenever the stream ends. */
export class Listener {
  /** How often it heard that the tools have changed. */
  changes = 0
  /** Streams that ended, and what went wrong with others. */
  ended = 0
  readonly failures: string[] = []
  readonly session: RawSession
  readonly #url: URL
  #running = true
  #open: EventReader | undefined
  readonly #over: Promise<void>

  private constructor(url: URL, session: RawSession) {
    this.#url = url
    this.session = session
    this.#over = this.#listen().catch((error) => void this.failures.push(`${error}: ${error.cause}`))
  }

  static async start(url: URL): Promise<Listener> {
    const listener = new Listener(url, await initialize(url))
    while (listener.#open === undefined && listener.failures.length === 0) await sleep(10)
    return listener
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#open?.drop()
    await this.#over
  }

  async #listen(): Promise<void> {
    let lastId: string | undefined
    while (this.#running) {
      const response = await openGet(this.#url, this.session, lastId)
      if (response.status !== 200) {
        this.failures.push(`GET answered ${response.status}: ${await response.text()}`)
        return
      }
      const reader = new EventReader(response)
      this.#open = reader
      for (let message = await reader.message(); message; message = await reader.message()) {
        if (message.method === CHANGED) this.changes++
      }
      if (!this.#running) return
      if (reader.broken) this.failures.push('A stream broke instead of ending.')
      this.ended++
      lastId = reader.lastId ?? lastId
    }
  }
}

/** Announces on every instance that tools have changed. */
export async function announceChange(url: URL): Promise<void> {
  const session = await initialize(url)
  await answerOf(await post(url, toolCall(1, 'test_trigger_tool_change'), { session }))
}

/** Opens the gate of calls that wait. The gates of a session without a user are its own. */
export async function openGate(url: URL, session: RawSession, gate: string): Promise<void> {
  await answerOf(
    await post(url, toolCall(`open ${gate}`, 'user_set', { name: `gate:${gate}`, value: 'open' }), { session }),
  )
}

/** The process id of the instance that gets the next request. */
export async function servedBy(url: URL): Promise<number | undefined> {
  const response = await send(url, tool('whoami')).catch(() => undefined)
  if (response?.status !== 200) return undefined
  return JSON.parse((await answerOf(response)).result.content[0].text).pid
}

/** A ping in a session. */
export const ping = (url: URL, session: RawSession) => post(url, request('ping', 'ping'), { session })
