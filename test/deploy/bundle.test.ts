/** What the bundle has in it, what is loaded at the start, and that nothing is lost on the way. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Metafile, Plugin } from 'esbuild'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleServer } from '../../lib/cli/build/bundle-server.ts'
import { sizesOf } from '../../lib/cli/build/sizes.ts'
import { bundle, root } from '../../tools/build.ts'
import { call, initialize, post, toolCall } from '../support/raw.ts'
import { startCluster } from '../support/redis.ts'
import { NodeInstance, nodeBundle } from './node-instance.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-sizes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the deployed bundle', () => {
  let metafiles: Record<string, Metafile>
  let metafile: Metafile
  beforeAll(async () => {
    metafiles = await bundle({ server: join(root, 'examples/minimal.ts'), out: folder })
    metafile = metafiles.lambda!
  })

  // A third of it is the Redis client. The rest grew by a quarter when every bound became counted, every input strictly read and
  // every refusal explained; a cold start reads and compiles all of it, so that more needs a reason.
  test.each(['lambda', 'lambda-buffered'])('%s: the endpoint without the author’s server is under 375 KB', (entry) => {
    const { own, author, later } = sizesOf(metafile, entry)
    expect(own).toBeLessThan(375_000)
    // The measure works: the server has zod, and some parts are loaded later.
    expect(own).toBeGreaterThan(100_000)
    expect(author).toBeGreaterThan(100_000)
    expect(later).toBeGreaterThan(50_000)
  })

  test.each([
    'node_modules/jose/',
    'lib/server/schema/validator/validator.ts',
    'lib/server/schema/validator/formats.ts',
    'node_modules/ioredis/built/cluster/',
    'lib/store/memory/',
    'lib/auth/authenticator.ts',
  ])('%s is loaded only when it is used', (part) => {
    const { startFiles } = sizesOf(metafile, 'lambda')
    const has = (files: string[]) => files.some((file) => file.includes(part))
    expect(has(startFiles)).toBe(false)
    expect(has(Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)))).toBe(true)
  })

  test.each([
    ['lambda', ['lib/platform/node/', 'node_modules/@hono/node-server/']],
    ['node', ['lib/platform/lambda/']],
  ] as const)('the %s bundle has no code of the other platform', (platform, others) => {
    const files = Object.keys(metafiles[platform]!.inputs)
    expect(files.some((file) => file.startsWith(`lib/platform/${platform}/`))).toBe(true)
    expect(files.filter((file) => others.some((other) => file.includes(other)))).toEqual([])
  })

  test('no development dependency is in it', () => {
    const files = Object.keys(metafile.inputs).join('\n')
    for (const name of ['vitest', 'typescript', 'osls', 'esbuild', '@modelcontextprotocol', 'yaml', 'test/']) {
      expect(files).not.toContain(name.endsWith('/') ? name : `node_modules/${name}`)
    }
  })
})

describe('the Redis client in a bundle', () => {
  /** The output of a program that is bundled as the entries are. */
  async function printed(name: string, source: string): Promise<string> {
    const file = join(folder, `${name}.ts`)
    writeFileSync(file, source)
    // The program is in a temporary folder: its packages are those of this project.
    const here: Plugin = {
      name: 'here',
      setup: ({ onResolve, resolve }) =>
        onResolve({ filter: /^(redis-errors|ioredis)/ }, ({ path, importer, kind }) =>
          importer === file ? resolve(path, { kind, resolveDir: import.meta.dirname }) : undefined,
        ),
    }
    await bundleServer({ server: file, entries: { [name]: { file } }, outdir: join(folder, name), plugins: [here] })
    return execFileSync(process.execPath, [join(folder, name, `${name}.mjs`)], { encoding: 'utf8' })
  }

  test('has errors whose names tell them apart', async () => {
    const names = await printed(
      'names',
      `import errors from 'redis-errors'
      import retries from 'ioredis/built/errors/MaxRetriesPerRequestError.js'
      const { AbortError, ReplyError, InterruptError } = errors
      const all = [new AbortError(), new ReplyError('x'), new InterruptError(), new retries(1)]
      console.log(all.map(({ name }) => name).join())`,
    )
    expect(names).toBe('AbortError,ReplyError,InterruptError,MaxRetriesPerRequestError\n')
  })

  test('has every Redis command, for authors who use the client themselves', async () => {
    const methods = (from: object) => {
      const client = from as { getBuiltinCommands(): string[] } & Record<string, unknown>
      const names = client.getBuiltinCommands().flatMap((name) => [name, `${name}Buffer`])
      return names.filter((name) => typeof client[name] === 'function')
    }
    const lazy = { lazyConnect: true }
    const redis = new Redis(lazy)
    const lists = await printed(
      'commands',
      `import { Redis } from 'ioredis'
      const methods = ${methods.toString()}
      const redis = new Redis(${JSON.stringify(lazy)})
      console.log(JSON.stringify([methods(redis), methods(redis.pipeline())]))`,
    )
    expect(methods(redis).length).toBeGreaterThan(600)
    expect(JSON.parse(lists)).toEqual([methods(redis), methods(redis.pipeline())])
  })
})

test('the bundle serves from a Redis cluster and from memory, whose code it loads on demand', async () => {
  const { file, remove } = await nodeBundle()
  const cluster = await startCluster()
  const instances = await Promise.all([
    NodeInstance.start(file, { REDIS_URL: cluster.urls.join() }),
    NodeInstance.start(file, { REDIS_URL: cluster.urls.slice(1).join() }),
    NodeInstance.start(file),
  ])
  try {
    const [one, other, alone] = instances.map(({ url }) => url) as [URL, URL, URL]
    const session = await initialize(one)
    expect((await call(other, session, toolCall(1, 'count_session'))).result.content[0].text).toBe('1')
    expect((await call(one, session, toolCall(2, 'count_session'))).result.content[0].text).toBe('2')
    expect((await post(alone, toolCall(3, 'count_session'), { session })).status).toBe(404)
    const own = await initialize(alone)
    expect((await call(alone, own, toolCall(4, 'count_session'))).result.content[0].text).toBe('1')
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()))
    await cluster.stop()
    remove()
  }
})
