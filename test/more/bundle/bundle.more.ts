/** Apps that their authors bundle with esbuild into one file, with settings of their own and nothing special for this package. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { expectGreetings, GREETER } from '../support/greeted.ts'
import { project } from '../support/project.ts'
import { served } from '../support/served.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** Bundles an entry and runs the file where no package is installed. */
async function bundled(entry: string, options: BuildOptions) {
  const cwd = await project({ check: 'bundle', files: { 'greeter.js': GREETER } })
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-bundle-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const outfile = join(folder, options.format === 'cjs' ? 'app.cjs' : 'app.mjs')
  const common = { absWorkingDir: cwd, bundle: true, platform: 'node' } satisfies BuildOptions
  const { metafile, warnings } = await build({
    ...common,
    ...options,
    entryPoints: [entry],
    outfile,
    metafile: true,
  })
  expect(warnings).toEqual([])
  return { folder, outfile, inputs: Object.keys(metafile.inputs).join('\n') }
}

test.each<[text: string, entry: string, options: BuildOptions]>([
  ['an ES module with sessions in memory', 'memory.js', { format: 'esm' }],
  ['a CommonJS module with sessions in memory', 'memory.js', { format: 'cjs' }],
  ['an ES module with sessions in Redis', 'redis.js', { format: 'esm' }],
  ['a minified ES module with sessions in Redis', 'redis.js', { format: 'esm', minify: true }],
  ['a CommonJS module with sessions in Redis', 'redis.js', { format: 'cjs' }],
  ['an ES module of the whole process', 'node.js', { format: 'esm' }],
])('%s', async (_text, entry, options) => {
  const { folder, outfile, inputs } = await bundled(entry, options)
  if (entry === 'memory.js') expect(inputs).not.toContain('ioredis')
  const { url } = await served(process.execPath, [outfile], folder, { REDIS_URL: redis.url })
  await expectGreetings(url)
})
