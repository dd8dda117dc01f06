/** The processes of `mcp-anywhere dev`: what crashes comes back, and nothing is left behind. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import { freePort } from '../../support/ports.ts'
import { initialize, toolCall } from '../../support/raw.ts'
import { type DevClient, sdk1 } from './clients.ts'
import { Dev, isAlive, Project, SERVES, serverSource, type Who } from './project.ts'

const PATIENT = { timeout: 30_000 }

let project: Project
let dev: Dev
let client: DevClient | undefined

async function start(settings?: ConstructorParameters<typeof Dev>[1], source?: string): Promise<Dev> {
  project = new Project(source)
  dev = await Dev.start(project, settings)
  return dev
}

/** What each of the instances reports. */
async function instances(): Promise<Who[]> {
  client ??= await sdk1(dev.url)
  const one = await client.call('who')
  const other = await client.call('who')
  return one.pid === other.pid ? [one] : [one, other]
}

afterEach(async () => {
  await client?.close().catch(() => {})
  client = undefined
  if (dev.child.exitCode === null && dev.child.signalCode === null) {
    dev.child.kill('SIGKILL')
    await dev.ended()
  }
  project.remove()
})

describe('the end of dev', () => {
  test('with kill -9 leaves no instance, no Redis and no folder', async () => {
    await start({ redis: true })
    const all = await instances()
    const redis = new Redis(decodeURIComponent(new URL(all[0]?.redis ?? '').pathname))
    const [, pid] = /process_id:(\d+)/.exec(await redis.info('server')) ?? []
    redis.disconnect()
    expect(all).toHaveLength(2)
    const pids = [...all.map((who) => who.pid), Number(pid)]
    expect(pids.every(isAlive)).toBe(true)
    dev.child.kill('SIGKILL')
    await expect.poll(() => pids.filter(isAlive), PATIENT).toEqual([])
    await expect.poll(() => project.left, PATIENT).toEqual([])
  })

  test('with Ctrl-C is in good order, and leaves nothing', async () => {
    await start({ redis: true })
    const all = await instances()
    dev.child.kill('SIGINT')
    expect(await dev.ended()).toBe(0)
    expect(all.map((who) => who.pid).filter(isAlive)).toEqual([])
    expect(project.left).toEqual([])
  })

  test('with a second Ctrl-C is at once, also of an instance that never returns', async () => {
    await start({ args: ['--instances', '1'] })
    const [one] = await instances()
    const session = await initialize(dev.url)
    const spinning = fetch(dev.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': session.id,
      },
      body: JSON.stringify(toolCall(1, 'spin')),
    }).catch(() => {})
    await expect.poll(() => isBusy(one?.pid ?? 0), PATIENT).toBe(true)
    await dev.after(() => dev.child.kill('SIGINT'), /Calls are under way/)
    dev.child.kill('SIGINT')
    expect(await dev.ended()).toBe(1)
    await spinning
    expect(isAlive(one?.pid ?? 0)).toBe(false)
    expect(project.left).toEqual([])
  })

  test('with q is that of Ctrl-C, and r starts the same version again', async () => {
    await start()
    const before = await instances()
    await dev.after(() => dev.press('r'), SERVES)
    const after = await instances()
    expect(after.map((who) => who.version)).toEqual(['v1', 'v1'])
    expect(after.map((who) => who.pid).some((pid) => before.some((who) => who.pid === pid))).toBe(false)
    dev.press('q')
    expect(await dev.ended()).toBe(0)
    expect(project.left).toEqual([])
  })
})

/** Whether a process uses a whole core: it answers nothing. */
async function isBusy(pid: number): Promise<boolean> {
  const response = await fetch(new URL('/healthz', dev.url), { signal: AbortSignal.timeout(500) }).catch(
    () => undefined,
  )
  return response === undefined && isAlive(pid)
}

describe('an instance', () => {
  test('that is killed comes back, and the other one serves meanwhile', async () => {
    await start()
    const [first, second] = await instances()
    const killed = dev.after(
      () => process.kill(first?.pid ?? 0, 'SIGKILL'),
      /Instance [12] has ended \(SIGKILL\)\. It is started again/,
    )
    await expect.poll(() => isAlive(first?.pid ?? 0)).toBe(false)
    for (let i = 0; i < 4; i++) expect(await client?.call('who')).toMatchObject({ version: 'v1' })
    await killed
    await expect.poll(async () => (await instances()).length, PATIENT).toBe(2)
    const pids = (await instances()).map((who) => who.pid)
    expect(pids).toContain(second?.pid)
    expect(pids).not.toContain(first?.pid)
  })

  test('that an exception ends is shown with its stack, and started again', async () => {
    await start(
      {},
      serverSource(
        "server.registerTool('late', {}, async () => { setImmediate(() => { throw new Error('later') }); return new Answer(who()).result })",
      ),
    )
    await instances()
    const from = dev.lines.length
    await client?.call('late')
    await dev.line(/An exception that nobody catches: Error: later/, from)
    await dev.line(/server\.ts:\d+:/, from)
    await dev.line(/is ending after an exception\. It is started again/, from)
    await expect.poll(async () => (await instances()).length, PATIENT).toBe(2)
  })
})

describe('dev', () => {
  test('with --instances 1 has one instance, and says what that means', async () => {
    await start({ args: ['--instances', '1'] })
    expect(await instances()).toHaveLength(1)
    expect(dev.lines.join('\n')).toMatch(/^Instances +1, .*deployed instances do not share them$/m)
  })

  test('with --inspect has one instance, whose inspector goes over to the next version', async () => {
    const port = await freePort()
    await start({ args: [`--inspect=${port}`] })
    const debugged = async () => {
      const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { title: string }[]
      return target?.title
    }
    const [before, ...others] = await instances()
    expect(others).toEqual([])
    const title = await debugged()
    expect(before?.version).toBe('v1')
    await dev.after(
      () => project.write('src/version.ts', 'throw new Error("no")\nexport const version = ""'),
      /does not start/,
    )
    expect(await debugged()).toBe(title)
    await dev.after(() => project.version('v2'), SERVES)
    expect((await instances()).map((who) => who.version)).toEqual(['v2'])
    // The title is the file that the instance runs.
    expect(await debugged()).toMatch(/instance\.mjs$/)
    expect(await debugged()).not.toBe(title)
  })

  test('stops with one line where the port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    project = new Project()
    dev = new Dev(project, { args: ['--port', String(port)] })
    expect(await dev.ended()).toBe(1)
    expect(dev.lines).toEqual([
      expect.stringMatching(new RegExp(`^Port ${port} is in use on 127\\.0\\.0\\.1\\. .*--port`)),
    ])
    expect(project.left).toEqual([])
    taken.close()
  })

  test('waits for the first change where the server cannot be built', async () => {
    project = new Project('export const server = (')
    dev = new Dev(project)
    await dev.line(/src\/server\.ts:1:\d+: .*The next change is tried/)
    project.write('src/server.ts', serverSource())
    await dev.line(/^Keys/)
    expect((await instances()).map((who) => who.version)).toEqual(['v1', 'v1'])
  })
})
