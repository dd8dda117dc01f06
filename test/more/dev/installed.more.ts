/** `mcp-anywhere dev` of the installed package. */
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { sdk1 } from '../../cli/dev/clients.ts'
import { Dev, SERVES, serverSource } from '../../cli/dev/project.ts'
import { project } from '../support/project.ts'

test.each([
  { place: 'memory', redis: false },
  { place: 'Redis', redis: true },
])('the installed package serves a project, and its changes, with sessions in $place', async ({ redis }) => {
  const version = (name: string) => `export const version: string = '${name}'\n`
  const folder = await project({ files: { 'src/server.ts': serverSource(), 'src/version.ts': version('v1') } })
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  for (const name of ['esbuild', 'zod']) {
    symlinkSync(realpathSync(join(root, 'node_modules', name)), join(folder, 'node_modules', name))
  }
  const dev = await Dev.start({ folder, temporary, cli: 'node_modules/mcp-anywhere/dist/cli/main.js' }, { redis })
  try {
    const client = await sdk1(dev.url)
    const pids = [await client.call('who'), await client.call('who')].map(({ pid }) => pid)
    expect(new Set(pids).size).toBe(2)
    expect(await client.call('ask')).toMatchObject({ version: 'v1', answer: 7 })
    await dev.after(() => writeFileSync(join(folder, 'src/version.ts'), version('v2')), SERVES)
    expect(await client.call('ask')).toMatchObject({ version: 'v2', answer: 7 })
    await client.close()
  } finally {
    await dev.stop()
  }
})
