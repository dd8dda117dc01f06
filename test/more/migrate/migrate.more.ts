/**
 * The diffs of docs/migrate.md: each is applied to a server of another package, which then runs in two processes behind a round
 * robin, and answers the official clients as the server before answered.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { type Connect, clients } from '../../examples/clients.ts'
import { parsePatch, patched } from '../../ports/patch.ts'
import { freePort } from '../../support/ports.ts'
import { startRoundRobin } from '../../support/proxy.ts'
import { startRedis } from '../../support/redis.ts'
import { installed } from '../support/installed.ts'
import { served } from '../support/served.ts'

interface Kind {
  program: string
  path: string
  /** Its tool asks how many days. */
  asks?: boolean
  /** It has a resource; it has a prompt. */
  resource?: boolean
  prompt?: boolean
}

const KINDS: [name: string, kind: Kind][] = [
  ['express-sessions', { program: 'server.ts', path: '/mcp', asks: true }],
  ['create-mcp-handler', { program: 'server.ts', path: '/mcp', asks: true }],
  ['mcp-handler', { program: 'serve.ts', path: '/api/mcp' }],
  ['fastmcp', { program: 'server.ts', path: '/mcp', resource: true, prompt: true }],
  ['mcp-lite', { program: 'server.ts', path: '/mcp', resource: true }],
]

/** Of all processes: what one has sealed, the others open. */
const MCP_SECRET = Buffer.alloc(32, 'a key for tests').toString('base64')

/** A copy of the server that finds its dependencies, and this package as npm installs it. */
async function copyOf(name: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `mcp-anywhere-migrate-`))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(await installed('migrate'), 'node_modules'), join(folder, 'node_modules'))
  const copy = join(folder, name)
  cpSync(join(import.meta.dirname, 'project', name), copy, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  mkdirSync(join(copy, 'node_modules'))
  symlinkSync(join(inject('installation'), 'node_modules/mcp-anywhere'), join(copy, 'node_modules/mcp-anywhere'))
  return copy
}

function applyDiff(name: string, copy: string): void {
  for (const patch of parsePatch(readFileSync(join(import.meta.dirname, `${name}.patch`), 'utf8'))) {
    const file = join(copy, patch.path)
    writeFileSync(file, patched(readFileSync(file, 'utf8'), patch))
  }
}

async function start(copy: string, { program, path }: Kind, env: Record<string, string> = {}): Promise<URL> {
  const PORT = String(await freePort())
  const args = ['--disable-warning=ExperimentalWarning', join(copy, program)]
  const { url } = await served(process.execPath, args, copy, { PORT, ...env })
  return new URL(path, url)
}

/** What a client sees of a server. */
async function seen(connect: Connect, url: URL, { asks, resource, prompt }: Kind) {
  const asked: string[] = []
  const form = (message: string) => {
    asked.push(message)
    return { days: 3 }
  }
  const client = await connect(url, asks ? { form } : {})
  const progress: number[] = []
  const { text } = await client.call('plan', { city: 'Paris' }, (_message, steps) => void progress.push(steps))
  const found = {
    tools: await client.tools(),
    text,
    asked,
    // Without a session the handler runs once for each round of questions, from its begin.
    progress: [...new Set(progress)],
    resource: resource ? [await client.resources(), await client.read('trips://last')] : [],
    prompt: prompt ? await client.prompt('pack', { city: 'Paris' }) : '',
  }
  await client.close()
  return found
}

const [first] = clients
if (!first) throw new Error('There are no clients.')

describe.each(KINDS)('a server of %s', (name, kind) => {
  test('runs in two processes after its diff, and answers as before', async () => {
    const copy = await copyOf(name)
    // As it is, a 2.x handler asks by results of the stateless revision; clients of others cannot answer it there.
    const [, connect] = (name === 'create-mcp-handler' ? clients.at(-1) : first) ?? first
    const before = await seen(connect, await start(copy, kind), kind)
    expect(before).toMatchObject({ tools: ['plan'], text: '3 days in Paris', progress: [1] })
    expect(before.asked).toEqual(kind.asks ? ['How many days in Paris?'] : [])

    applyDiff(name, copy)
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const env = { REDIS_URL: redis.url, MCP_SECRET }
    const urls = await Promise.all([start(copy, kind, env), start(copy, kind, env)])
    const proxy = await startRoundRobin(urls.map(({ origin }) => origin))
    onTestFinished(() => proxy.close())
    for (const [client, connectTo] of clients) {
      const after = await seen(connectTo, new URL(kind.path, proxy.url), kind)
      expect({ client, ...after }).toEqual({ client, ...before })
    }
    expect(Math.min(...proxy.counts)).toBeGreaterThan(3)
  })
})
