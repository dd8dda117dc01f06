/** Programs that `serve` gives a process for each session, and why. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { client1 } from '../../examples/clients.ts'
import { Folder } from './served.ts'

const folder = new Folder()
beforeAll(async () => {
  await build({
    entryPoints: [join(import.meta.dirname, 'fixtures/cjs-1x/index.js')],
    outfile: join(folder.path, 'bundled.cjs'),
    bundle: true,
    minify: true,
    platform: 'node',
  })
  const script = `#!/bin/sh\nexec ${process.execPath} ${join(folder.path, 'bundled.cjs')} "$@"\n`
  writeFileSync(join(folder.path, 'script.sh'), script)
  chmodSync(join(folder.path, 'script.sh'), 0o755)
})
afterAll(() => folder.remove())

test.each([
  [
    ['wrapping'],
    /its transport is one of its own around stdio, which may change messages \(with @modelcontextprotocol\/sdk 1\.32\.2\)\./,
  ],
  [['alone'], /it uses the stdio transport without a server of the SDK \(with /],
  [
    ['./bundled.cjs'],
    /the hook sees no server of it, because it has the SDK bundled with it or speaks MCP in a way of its own\./,
  ],
  [['./script.sh'], /Node does not run it\./],
  [['@fixtures/esm-1x', '--isolate', 'session'], /--isolate session says so\./],
])('%j has a process for each session', async (args, why) => {
  const served = await folder.serve(args)
  expect(await served.line(/has a process for each session: /)).toMatch(why)
  const client = await client1(served.url)
  expect(await client.tools()).toEqual(['greet'])
  expect(await client.call('greet', { name: 'Ada' })).toMatchObject({ text: 'Hello Ada', isError: false })
  await client.close()
  served.kill('SIGTERM')
  expect(await served.code).toBe(0)
})

test('a server that keeps the state of one client has that of each session in its own process', async () => {
  const served = await folder.serve(['stateful'])
  expect(await served.line(/has a process for each session: /)).toMatch(
    /its server sets oninitialized, so it keeps the state/,
  )
  const [first, second] = await Promise.all([client1(served.url), client1(served.url)])
  const texts = []
  for (const client of [first, second, first]) texts.push((await client.call('greet', { name: 'Ada' })).text)
  const [one, two, again] = texts.map((text) => /^Hello Ada of official in (\d+)$/.exec(text)?.[1])
  expect(one).toBeDefined()
  expect(two).toBeDefined()
  expect([one === again, one === two]).toEqual([true, false])
  await Promise.all([first.close(), second.close()])
})
