/** What an author's code leaves behind in real processes: rejections that nobody handles, exceptions of timers. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../tools/build.ts'
import { startLambda } from '../lambda/emulator.ts'
import { eventually } from '../support/eventually.ts'
import { initialize, post, type RpcMessage, toolCall } from '../support/raw.ts'
import { startRedis } from '../support/redis.ts'
import { NodeInstance } from './node-instance.ts'

const out = mkdtempSync(join(tmpdir(), 'mcp-anywhere-careless-'))
let instance: NodeInstance | undefined

beforeAll(() => bundle({ server: fileURLToPath(new URL('../fixtures/careless.ts', import.meta.url)), out }))
afterEach(() => void instance?.child.kill('SIGKILL'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

const node = (env: Record<string, string> = {}) =>
  NodeInstance.start(join(out, 'node', 'server.mjs'), { HOST: '127.0.0.1', ...env })

type Session = Awaited<ReturnType<typeof initialize>>

async function textOf(url: URL, session: Session, id: number, tool: string, args = {}): Promise<string> {
  const response = await post(url, toolCall(id, tool, args), { session, accept: 'application/json' })
  return ((await response.json()) as RpcMessage).result.content[0].text
}

/** The output so far, as one text. */
const outputOf = ({ output }: NodeInstance) => output.join('\n')

describe.each([['1'], ['0']])('a Node process with LOG=%s', (LOG) => {
  test('logs the rejections that nobody handles with their stack, and every call ends well', async () => {
    instance = await node({ LOG })
    const session = await initialize(instance.url)
    const texts = await Promise.all(
      Array.from({ length: 90 }, (_, id) => {
        const url = instance?.url as URL
        return id % 4 === 0
          ? textOf(url, session, id, 'leave_rejection')
          : textOf(url, session, id, 'wait', { ms: id % 80 })
      }),
    )
    expect(new Set(texts)).toEqual(new Set(['left', 'waited']))
    const running = instance
    await eventually(async () => (outputOf(running).split('left behind').length > 20 ? true : undefined))
    expect(outputOf(running)).toMatch(/left behind(\\n|\n) {4}at /)
    expect(outputOf(running)).toContain('undefined was thrown')
    expect(running.child.exitCode).toBeNull()
    expect(await textOf(running.url, session, 1, 'wait', { ms: 0 })).toBe('waited')
  })

  test('logs an exception that nobody catches with its stack, answers the calls that run, and exits with 1', async () => {
    instance = await node({ LOG })
    const { url } = instance
    const session = await initialize(url)
    const running = Array.from({ length: 20 }, (_, id) => textOf(url, session, id, 'wait', { ms: 700 }))
    expect(await textOf(url, session, 100, 'leave_exception')).toBe('left')
    expect(new Set(await Promise.all(running))).toEqual(new Set(['waited']))
    expect(await instance.ended()).toBe(1)
    expect(outputOf(instance)).toMatch(/thrown by a timer(\\n|\n) {4}at /)
  })
})

test('a Node process with listeners of its own keeps them, and goes on', async () => {
  instance = await node({ LOG: '0', OWN_LISTENERS: '1' })
  const session = await initialize(instance.url)
  expect(await textOf(instance.url, session, 1, 'leave_rejection')).toBe('left')
  expect(await textOf(instance.url, session, 2, 'leave_exception')).toBe('left')
  const running = instance
  await eventually(async () =>
    outputOf(running).includes('own listener: Error: thrown by a timer') ? true : undefined,
  )
  expect(outputOf(running)).toContain('own listener: Error: left behind')
  expect(outputOf(running)).not.toContain('nobody')
  expect(await textOf(running.url, session, 3, 'wait', { ms: 0 })).toBe('waited')
})

describe.each([
  ['0', 'has no listener'],
  ['1', 'has a listener that ends the environment'],
])('on Lambda, whose runtime (%s) %s,', (TEST_RUNTIME_LISTENER) => {
  test('an environment goes on after a rejection that nobody handles', async () => {
    const redis = await startRedis()
    const env = { REDIS_URL: redis.url, MCP_SECRET: Buffer.alloc(32, 7).toString('base64'), TEST_RUNTIME_LISTENER }
    const lambda = await startLambda({ task: join(out, 'lambda'), env })
    const session = await initialize(lambda.url)
    for (let id = 0; id < 10; id++) expect(await textOf(lambda.url, session, id, 'leave_rejection')).toBe('left')
    expect(await textOf(lambda.url, session, 99, 'wait', { ms: 0 })).toBe('waited')
    await lambda.quiet()
    expect(lambda.lost()).toEqual([])
    expect(lambda.environments.flatMap(({ log }) => log).join('\n')).toContain('left behind')
    await lambda.stop()
    await redis.stop()
  })
})
