/** Instances of the durable server as processes, and its ledger. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { sessionKey } from '../../lib/session/stream/session.ts'
import { eventually } from './eventually.ts'
import { type Fleet, type FleetOptions, startFleet } from './fleet.ts'
import { EventReader, openGet, post, postStream, type RawSession, type RpcMessage, toolCall } from './raw.ts'

/** A call of the tool `plan`, as its client sees it. */
export interface Playing {
  call: string
  session: RawSession
  stream: EventReader
  /** Everything that the client has received. */
  seen: RpcMessage[]
  /** The newest event id. */
  last: string | undefined
  /** The ids of the asks that have arrived, by key. */
  asks: Map<string, string | number | undefined>
  /** A poll was answered with 405: the stream has ended, and the client has all of it. */
  ended: boolean
}

export class DurableFleet {
  readonly fleet: Fleet
  /** Past the instances. */
  readonly redis: Redis
  readonly folder: string
  readonly #ledger: string

  /** Calls are suspended after 0.2 s, unless `session` says otherwise. */
  static async start(session: FleetOptions['session'] = {}, size = 3): Promise<DurableFleet> {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-durable-'))
    const ledger = join(folder, 'ledger')
    writeFileSync(ledger, '')
    process.env.LEDGER = ledger
    const options = { session: { suspendAfter: 200, lease: 2_000, heartbeat: 1_000, retry: 100, ...session } }
    return new DurableFleet(await startFleet(options, { size, module: '../fixtures/durable.ts' }), folder, ledger)
  }

  private constructor(fleet: Fleet, folder: string, ledger: string) {
    this.fleet = fleet
    this.folder = folder
    this.#ledger = ledger
    this.redis = new Redis(fleet.redis.url)
  }

  /** The lines of a call without its name and its process. */
  did(call: string): string[] {
    return this.#lines(call).map((words) => words.slice(1, -1).join(' '))
  }

  /** The processes in which a step was done. */
  where(call: string, step: string): string[] {
    return this.#lines(call).flatMap((words) => (words.slice(1, -1).join(' ') === step ? (words.at(-1) ?? '') : []))
  }

  #lines(call: string): string[][] {
    return readFileSync(this.#ledger, 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([name]) => name === call)
  }

  /** Resolves when the ledger has the step so many times. */
  async until(call: string, step: string, times = 1): Promise<void> {
    await eventually(async () => (this.did(call).filter((done) => done === step).length >= times ? true : undefined))
  }

  gate(name: string): string {
    return join(this.folder, name)
  }

  open(name: string): void {
    writeFileSync(this.gate(name), '')
  }

  pid(index: number): string {
    return String(this.fleet.instances[index]?.child.pid)
  }

  /** Sends the call; nothing is read. */
  async play(at: number, session: RawSession, call: string, steps: string[], meta?: object): Promise<Playing> {
    const message = toolCall(call, 'plan', { call, steps }, { progressToken: call, ...meta })
    const stream = await postStream(this.fleet.at(at), message, { session })
    return { call, session, stream, seen: [], last: undefined, asks: new Map(), ended: false }
  }

  /** Sends the call, and reads its stream until that is closed because the call is suspended. */
  async suspend(at: number, session: RawSession, call: string, steps: string[]): Promise<Playing> {
    const playing = await this.play(at, session, call, steps)
    await this.read(playing)
    if (responseOf(playing)) throw new Error(`${call} has its response: ${JSON.stringify(playing.seen)}`)
    return playing
  }

  /** Reads what is left of the stream. */
  async read(playing: Playing): Promise<void> {
    take(playing, await playing.stream.rest())
    playing.last = playing.stream.lastId ?? playing.last
  }

  /** One poll, to the end of its response. A store that does not answer is asked again by the next one. */
  async poll(at: number, playing: Playing, after = playing.last): Promise<void> {
    const response = await openGet(this.fleet.at(at), playing.session, after)
    if (response.status === 405) playing.ended = true
    if (response.status === 405 || response.status === 503) return void (await response.text())
    if (response.status !== 200) throw new Error(`The poll was answered with ${response.status}.`)
    playing.stream = new EventReader(response)
    await this.read(playing)
  }

  /** Polls until the response is there. */
  async finish(at: number, playing: Playing): Promise<RpcMessage> {
    for (let polls = 0; polls < 60; polls++) {
      await this.poll(at, playing)
      const response = responseOf(playing)
      if (response) return response
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`${playing.call} has no response: ${JSON.stringify(playing.seen)}`)
  }

  /** Answers an ask; resolves with the status. */
  async answer(at: number, { asks, session }: Playing, key: string, content: object = { ok: true }): Promise<number> {
    const result = { action: 'accept', content }
    const response = await post(this.fleet.at(at), { jsonrpc: '2.0', id: asks.get(key), result }, { session })
    await response.text()
    return response.status
  }

  async cancel(at: number, { call, session }: Playing): Promise<number> {
    const message = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: call } }
    return (await post(this.fleet.at(at), message, { session })).status
  }

  async end(at: number, session: RawSession): Promise<number> {
    const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': session.version }
    return (await fetch(this.fleet.at(at), { method: 'DELETE', headers })).status
  }

  /** Starts a new process where one has ended; with other settings perhaps. */
  async restart(index: number, session?: FleetOptions['session']): Promise<void> {
    process.env.LEDGER = this.#ledger
    await this.fleet.restart(index, session && { session })
  }

  async replace(index: number): Promise<void> {
    await this.fleet.instances[index]?.kill()
    await this.restart(index)
  }

  /** The names of everything that a session has in Redis. */
  keys({ id }: RawSession): Promise<string[]> {
    return this.redis.keys(`mcp:{${sessionKey('', id)}}*`)
  }

  async stop(): Promise<void> {
    this.redis.disconnect()
    await this.fleet.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function take(playing: Playing, messages: RpcMessage[]): void {
  for (const message of messages) {
    playing.seen.push(message)
    if (message.method !== 'elicitation/create') continue
    playing.asks.set(String(message.params?.message).split(' ')[0] ?? '', message.id)
  }
}

export function responseOf({ seen, call }: Playing): RpcMessage | undefined {
  return seen.find(({ id, method }) => id === call && method === undefined)
}

/** The log messages that the client received. */
export const saidOf = ({ seen }: Playing): unknown[] =>
  seen.flatMap(({ method, params }) => (method === 'notifications/message' ? [params.data] : []))

export const progressOf = ({ seen }: Playing): number[] =>
  seen.flatMap(({ method, params }) => (method === 'notifications/progress' ? [params.progress] : []))
