/** The example with workers on BullMQ: legs run in workers only, and those of a worker that is killed go on in another one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { root } from '../../../tools/build.ts'
import { eventually } from '../../support/eventually.ts'
import { call, initialize, request } from '../../support/raw.ts'
import { startRedis } from '../../support/redis.ts'
import { installedFrom } from '../support/installed.ts'
import { served } from '../support/served.ts'

vi.setConfig({ testTimeout: 300_000 })

const source = join(root, 'examples/bullmq')

/** The example in a project that has the package and the packages of its lock. */
async function project(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-bullmq-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  for (const from of [inject('installation'), await installedFrom(source)]) {
    cpSync(join(from, 'node_modules'), modules, { recursive: true, verbatimSymlinks: true })
  }
  cpSync(source, join(folder, 'example'), { recursive: true })
  return folder
}

test('tasks run in workers, and go on where a worker is killed or shut down', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const folder = await project()
  const env = { REDIS_URL: redis.url, MCP_SECRET: Buffer.alloc(32, 3).toString('base64') }
  const app = await served(process.execPath, ['example/app.ts'], folder, env)
  const worker = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['example/worker.ts'], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    for await (const line of createInterface({ input: child.stdout })) if (line.includes('ready')) break
    return child
  }
  const session = await initialize(app.url)
  let ids = 0
  const ask = async (method: string, params: object) =>
    (await call(app.url, session, request(++ids, method, params))).result
  const { task } = await ask('tools/call', { name: 'write_report', arguments: { chapters: 60 }, task: {} })
  const get = () => ask('tasks/get', { taskId: task.taskId })
  const chapter = async (least: number) =>
    eventually(
      async () => (Number(/\d+/.exec((await get()).statusMessage ?? '')?.[0] ?? 0) >= least ? true : undefined),
      120_000,
    )

  const first = await worker()
  await chapter(2)
  first.kill('SIGKILL')
  await once(first, 'exit')
  const second = await worker()
  // Its lease is over, and the queue tries again.
  const before = (await get()).statusMessage
  await eventually(async () => ((await get()).statusMessage === before ? undefined : true), 120_000)
  const third = await worker()
  second.kill('SIGTERM')
  expect(await once(second, 'exit')).toEqual([0, null])

  const done = await eventually(async () => {
    const now = await get()
    return now.status === 'working' ? undefined : now
  }, 120_000)
  expect(done.status).toBe('completed')
  const { content } = await ask('tasks/result', { taskId: task.taskId })
  const chapters = (content[0].text as string).split('\n')
  expect(chapters.map((line) => Number(/\d+/.exec(line)?.[0]))).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  const pids = [first, second, third].map(({ pid }) => String(pid))
  const writers = [...new Set(chapters.map((line) => /process (\d+)/.exec(line)?.[1] ?? ''))]
  expect(writers.every((pid) => pids.includes(pid))).toBe(true)
  expect(writers.length).toBeGreaterThan(1)
  await app.end()
})
