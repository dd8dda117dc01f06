/** Tasks on Lambda, whose legs outlast a function: the function invokes itself, or the client's polls go on with them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { bundle } from '../../../tools/build.ts'
import { type Lambda, type LambdaOptions, startLambda } from '../../lambda/emulator.ts'
import { eventually } from '../../support/eventually.ts'
import { call, initialize, type RawSession, request } from '../../support/raw.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

/** ms. The tool takes three times as long. */
const LIMIT = 8_000
const STEPS = 48

const out = mkdtempSync(join(tmpdir(), 'mcp-anywhere-tasks-'))
let redis: RedisServer
let lambda: Lambda
beforeAll(async () => {
  const server = fileURLToPath(new URL('../../fixtures/long-task.ts', import.meta.url))
  ;[redis] = await Promise.all([startRedis(), bundle({ server, out })])
})
afterEach(async () => {
  expect(lambda.lost()).toEqual([])
  await lambda.stop()
})
afterAll(async () => {
  await redis.stop()
  rmSync(out, { recursive: true, force: true })
})

async function start(executor: string, options: Partial<LambdaOptions> = {}): Promise<RawSession> {
  const env = {
    REDIS_URL: redis.url,
    MCP_SECRET: Buffer.alloc(32, 7).toString('base64'),
    TASK_EXECUTOR: executor,
  }
  lambda = await startLambda({ task: join(out, 'lambda'), timeout: LIMIT, size: 2, limit: 4, env, ...options })
  return initialize(lambda.url)
}

let ids = 0
const ask = async (session: RawSession, method: string, params: object) =>
  (await call(lambda.url, session, request(++ids, method, params))).result

async function begin(session: RawSession): Promise<string> {
  const made = await ask(session, 'tools/call', { name: 'long', arguments: { steps: STEPS }, task: {} })
  return made.task.taskId as string
}

async function result(session: RawSession, taskId: string): Promise<number[]> {
  // 429 where no environment is free.
  const { content } = await eventually(() => ask(session, 'tasks/result', { taskId }))
  return JSON.parse(content[0].text)
}

const ended = (session: RawSession, taskId: string) =>
  eventually(async () => {
    const status = (await ask(session, 'tasks/get', { taskId }))?.status
    return status === 'working' ? undefined : status
  }, 120_000)

const counted = Array.from({ length: STEPS }, (_, i) => i)

test('a task of three times the limit of its function completes by self-invocation, without a poll', async () => {
  const session = await start('lambda', { events: { copies: (event) => 1 + (event % 2), delay: () => 50 } })
  const taskId = await begin(session)
  // Nobody polls: events alone go on until there are none.
  await lambda.quiet()
  const done = lambda.invokeApi.deliveries.length
  expect(lambda.invokeApi.refused).toEqual([])
  expect(lambda.invokeApi.accepted).toBeGreaterThan(3)
  for (const { payload } of lambda.invokeApi.deliveries) {
    expect(Object.keys(payload as object).toSorted()).toEqual(['leg', 'task'])
    expect(JSON.stringify(payload)).not.toContain(session.id)
  }
  expect(await ended(session, taskId)).toBe('completed')
  expect(lambda.invokeApi.deliveries).toHaveLength(done)
  // Each step once, although every second event came twice.
  expect(await result(session, taskId)).toEqual(counted)
})

test('the same task completes by polls alone where the function does not invoke itself', async () => {
  const session = await start('')
  const taskId = await begin(session)
  expect(await ended(session, taskId)).toBe('completed')
  expect(lambda.invokeApi.accepted).toBe(0)
  expect(await result(session, taskId)).toEqual(counted)
})
