/** The installed package in workerd, the runtime of Cloudflare Workers, as docs/package.md has it. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { fenceOf } from '../support/fence.ts'
import { expectGreetings, GREETER } from '../support/greeted.ts'
import { installed } from '../support/installed.ts'
import { project } from '../support/project.ts'

/** What is used of miniflare. */
interface Miniflare {
  ready: Promise<URL>
  dispose(): Promise<void>
}
interface MiniflareModule {
  Miniflare: new (options: object) => Miniflare
}

test.each([
  // Timers are numbers, and fewer modules of Node are there.
  ['2024-09-23'],
  // Timers are objects.
  ['2026-07-01'],
])('workerd of %s serves the official clients with sessions in memory', async (compatibilityDate) => {
  const files = { 'server.js': GREETER, 'worker.js': fenceOf('docs/package.md', 'worker.js') }
  const cwd = await project({ files })
  const outfile = join(cwd, 'out/worker.mjs')
  // As Wrangler bundles.
  const { metafile } = await build({
    absWorkingDir: cwd,
    entryPoints: ['worker.js'],
    outfile,
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*', 'cloudflare:*'],
    metafile: true,
  })
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  const ofNode = imported.filter((name) => name.startsWith('node:'))
  // workerd has all of these; the first is for servers of the official SDK, and is loaded with them.
  expect([...new Set(ofNode)].sort()).toEqual(['node:async_hooks', 'node:crypto', 'node:diagnostics_channel'])
  expect(Object.keys(metafile.inputs).join('\n')).not.toContain('ioredis')

  const miniflare = createRequire(join(await installed('workerd'), 'package.json'))('miniflare') as MiniflareModule
  const worker = new miniflare.Miniflare({
    // As Wrangler gives them: an import that only runs where its package is installed is not looked for.
    modules: [{ type: 'ESModule', path: outfile }],
    modulesRoot: dirname(outfile),
    compatibilityDate,
    compatibilityFlags: ['nodejs_compat'],
    durableObjects: { ENDPOINT: 'Endpoint' },
    port: 0,
  })
  onTestFinished(() => worker.dispose())
  const url = new URL('/mcp', await worker.ready)
  await expectGreetings(url)
  // The streams and calls of these clients have ended, and no others with them.
  await expectGreetings(url)
})
