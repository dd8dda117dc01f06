/** Calls of the durable server on the emulated Lambda: they ask, time passes, they are answered. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect } from 'vitest'
import { ageStore } from '../support/age-store.ts'
import { type EventReader, getStream, post, postStream, type RawSession, toolCall } from '../support/raw.ts'
import { type LambdaTests, lambdaTests } from './bundled.ts'
import type { Lambda, LambdaOptions, Served } from './emulator.ts'

/** What a call did: the processes of its runs, and those in which its two effects were done. */
export interface Done {
  runs: string[]
  reserve: string[]
  pay: string[]
}

export class Suspending {
  readonly tests: LambdaTests
  readonly redis: Redis
  readonly #folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-durable-'))
  readonly #ledger = join(this.#folder, 'ledger')

  static async start(): Promise<Suspending> {
    return new Suspending(await lambdaTests('durable.ts'))
  }

  private constructor(tests: LambdaTests) {
    this.tests = tests
    this.redis = new Redis(tests.redis.url)
    writeFileSync(this.#ledger, '')
  }

  /** Calls are suspended after 0.2 s. */
  lambda({ env, ...options }: Omit<LambdaOptions, 'task'> = {}): Promise<Lambda> {
    const more = { LEDGER: this.#ledger, SUSPEND_AFTER_SECONDS: '0.2', GET_POLICY: 'off', ...env }
    return this.tests.start({ ...options, env: more })
  }

  did(call: string): Done {
    const lines = readFileSync(this.#ledger, 'utf8').split('\n')
    const of = (step: string) =>
      lines.flatMap((line) => (line.startsWith(`${call} ${step} `) ? (line.split(' ').at(-1) ?? '') : []))
    return { runs: of('run'), reserve: of('reserve'), pay: of('pay') }
  }

  /** Nothing runs, and so much time passes for the environments and for Redis. */
  async pass(lambda: Lambda, ms: number): Promise<void> {
    await lambda.quiet()
    for (const environment of lambda.environments) environment.moveClock(ms)
    await ageStore(this.redis, ms)
  }

  async stop(): Promise<void> {
    this.redis.disconnect()
    await this.tests.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export interface Asked {
  call: string
  session: RawSession
  stream: EventReader
  /** The id of the ask. */
  ask: string | number | undefined
}

/** Sends the call, and reads its stream to the end, which comes before its response. */
export async function ask(lambda: Lambda, session: RawSession, call: string, tool = 'transfer'): Promise<Asked> {
  const stream = await postStream(lambda.url, toolCall(call, tool, { call }, { progressToken: call }), { session })
  const messages = await stream.rest()
  expect(messages.filter(({ id, method }) => id === call && method === undefined)).toEqual([])
  return { call, session, stream, ask: messages.find(({ method }) => method === 'elicitation/create')?.id }
}

/** Answers, and comes back for the response: its text. */
export async function answer(lambda: Lambda, { call, session, stream, ask }: Asked): Promise<string> {
  const accepted = { jsonrpc: '2.0', id: ask, result: { action: 'accept', content: { ok: true } } }
  expect((await post(lambda.url, accepted, { session })).status).toBe(202)
  const seen = stream.events.flatMap(({ message }) => message ?? [])
  let after = stream.lastId
  for (let polls = 0; polls < 50; polls++) {
    const poll = await getStream(lambda.url, session, after)
    seen.push(...(await poll.rest()))
    after = poll.lastId
    const response = seen.find(({ id, method }) => id === call && method === undefined)
    if (!response) continue
    const said = seen.flatMap(({ method, params }) => (method === 'notifications/message' ? params.data : []))
    expect(said).toEqual([`${call}: reserved`, `${call}: paid`])
    return response.result?.content[0].text ?? JSON.stringify(response)
  }
  throw new Error(`${call} has no response: ${JSON.stringify(seen)}`)
}

export const billed = (requests: readonly Served[]) => requests.reduce((sum, each) => sum + (each.billed?.ms ?? 0), 0)
