/**
 * A server that is written like the reference filesystem server: it keeps the folders of its client in variables, which it asks for
 * when it is initialized, and again when the client says that they have changed.
 */

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { RootsListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { TestClient } from '../../lib/testing.ts'
import { call, connect, reported, textOf } from './lines.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-anywhere-roots-')))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A folder with a file that says whose it is. */
function folderOf(name: string): { uri: string; file: string } {
  const folder = mkdtempSync(join(root, `${name}-`))
  writeFileSync(join(folder, 'own.txt'), `the file of ${name}`)
  return { uri: pathToFileURL(folder).href, file: join(folder, 'own.txt') }
}

const info = { name: 'files', version: '1.0.0' }
const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

interface Roots {
  roots: { uri: string }[]
}

/** The variables of one server, and what reads them. */
function files(listRoots: () => Promise<Roots>) {
  let allowed: string[] = []
  return {
    async refresh() {
      const { roots } = await listRoots()
      allowed = roots.map(({ uri }) => fileURLToPath(uri))
    },
    async read(path: string) {
      const full = resolve(path)
      if (!allowed.some((folder) => full.startsWith(folder + sep))) throw new Error(`Access denied: ${allowed}`)
      return text(await readFile(full, 'utf8'))
    },
  }
}

const inputSchema = { path: z.string() }

const SERVERS = {
  '1.x': () => {
    const server = new McpServer(info)
    const { refresh, read } = files(() => server.server.listRoots())
    server.server.oninitialized = async () => {
      if (server.server.getClientCapabilities()?.roots) await refresh()
    }
    server.server.setNotificationHandler(RootsListChangedNotificationSchema, refresh)
    server.registerTool('read', { inputSchema, annotations: { readOnlyHint: true } }, ({ path }) => read(path))
    return server
  },
  // As the everything server does: the handler is there once the client has said that it has roots.
  '1.x, with the handler made by oninitialized': () => {
    const server = new McpServer(info)
    const { refresh, read } = files(() => server.server.listRoots())
    server.server.oninitialized = async () => {
      server.server.setNotificationHandler(RootsListChangedNotificationSchema, refresh)
      await refresh()
    }
    server.registerTool('read', { inputSchema }, ({ path }) => read(path))
    return server
  },
  '2.x': () => {
    const server = new McpServer2(info)
    const { refresh, read } = files(() => server.server.listRoots())
    server.server.oninitialized = refresh
    server.server.setNotificationHandler('notifications/roots/list_changed', refresh)
    server.registerTool('read', { inputSchema: z.object(inputSchema) }, ({ path }) => read(path))
    return server
  },
}

const changed = (client: TestClient) => client.notification({ method: 'notifications/roots/list_changed' })

/** Reads a file at each of the instances. */
async function readEverywhere(client: TestClient, path: string): Promise<string[]> {
  const texts: string[] = []
  const seen = new Set<number>()
  while (seen.size < 3) {
    texts.push(String(textOf(await call(client, 'read', { path }))))
    seen.add(client.lastInstance)
  }
  return [...new Set(texts)].map((one) => (one.startsWith('Access denied') ? 'denied' : one))
}

describe.each(Object.entries(SERVERS))('a server of %s that keeps the roots of its client', (_name, make) => {
  test('two clients never see each other’s files, wherever their calls run', async () => {
    const [ada, bob] = [folderOf('ada'), folderOf('bob')]
    const client = await connect(make, { instances: 3, roots: () => [{ uri: ada.uri }] })
    const other = await client.another({ roots: () => [{ uri: bob.uri }] })
    const [mine, theirs] = await Promise.all([
      Promise.all(Array.from({ length: 10 }, () => call(client, 'read', { path: ada.file }))),
      Promise.all(Array.from({ length: 10 }, () => call(other, 'read', { path: bob.file }))),
    ])
    expect(new Set(mine.map(textOf))).toEqual(new Set(['the file of ada']))
    expect(new Set(theirs.map(textOf))).toEqual(new Set(['the file of bob']))
    expect(await readEverywhere(client, bob.file)).toEqual(['denied'])
    expect(await readEverywhere(other, ada.file)).toEqual(['denied'])
  })

  test('changed roots are there for the next call, on every instance, and for their client alone', async () => {
    const [ada, bob, next] = [folderOf('ada'), folderOf('bob'), folderOf('next')]
    let roots = [{ uri: ada.uri }]
    const client = await connect(make, { instances: 3, roots: () => roots })
    const other = await client.another({ roots: () => [{ uri: bob.uri }] })
    expect(await readEverywhere(client, ada.file)).toEqual(['the file of ada'])
    expect(await readEverywhere(other, bob.file)).toEqual(['the file of bob'])
    for (const { uri, file } of [next, ada, next]) {
      const before = file === ada.file ? next : ada
      roots = [{ uri }]
      await changed(client)
      expect(await readEverywhere(client, file)).toEqual([file === ada.file ? 'the file of ada' : 'the file of next'])
      expect(await readEverywhere(client, before.file)).toEqual(['denied'])
    }
    expect(await readEverywhere(other, bob.file)).toEqual(['the file of bob'])
    expect(await readEverywhere(other, next.file)).toEqual(['denied'])
    expect(reported).toEqual([])
  })

  test('an instance that is made after the change has the roots of then', async () => {
    const [ada, next] = [folderOf('ada'), folderOf('next')]
    let roots = [{ uri: ada.uri }]
    const client = await connect(make, { instances: 3, roots: () => roots })
    expect(textOf(await call(client, 'read', { path: ada.file }))).toBe('the file of ada')
    roots = [{ uri: next.uri }]
    await changed(client)
    expect(await readEverywhere(client, next.file)).toEqual(['the file of next'])
    expect(await readEverywhere(client, ada.file)).toEqual(['denied'])
  })
})

test('a low-level server that only hears of changed roots has them too', async () => {
  const [ada, next] = [folderOf('ada'), folderOf('next')]
  let roots = [{ uri: ada.uri }]
  const make = () => {
    const server = new Server(info, { capabilities: { tools: {} } })
    const { refresh, read } = files(() => server.listRoots())
    server.setNotificationHandler(RootsListChangedNotificationSchema, refresh)
    server.fallbackRequestHandler = async ({ params }) =>
      read(String((params?.arguments as { path?: string } | undefined)?.path)).catch((error: Error) => ({
        isError: true,
        ...text(error.message),
      }))
    return server
  }
  const client = await connect(make, { instances: 3, roots: () => roots })
  expect(await readEverywhere(client, ada.file)).toEqual(['denied'])
  await changed(client)
  expect(await readEverywhere(client, ada.file)).toEqual(['the file of ada'])
  roots = [{ uri: next.uri }]
  await changed(client)
  expect(await readEverywhere(client, next.file)).toEqual(['the file of next'])
})
