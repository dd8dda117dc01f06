/** The server of Heroku, moved to this package: zod 3, `server.tool` and `server.resource`. Its command line is a script here. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients } from '../../examples/clients.ts'
import { type PortFleet, startPort } from '../../ports/fleet.ts'
import { expectSameLists } from '../../ports/same-lists.ts'
import { startUpstream, type Upstream } from '../../ports/upstream.ts'

/** Repeats each command as its result. */
const HEROKU = `#!/bin/sh
case "$1" in
  version) echo 'heroku/10.12.0 linux-x64 node-v22.0.0' ;;
  plugins:inspect) exit 0 ;;
  repl)
    printf 'heroku > '
    while read -r line; do printf '<<<BEGIN RESULTS>>>\\n%s\\n<<<END RESULTS>>>\\nheroku > ' "$line"; done ;;
esac
`

let fleet: PortFleet
let upstream: Upstream
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-heroku-'))
  writeFileSync(join(folder, 'heroku'), HEROKU)
  chmodSync(join(folder, 'heroku'), 0o755)
  upstream = await startUpstream({ '/llms.txt': { body: 'How to use Heroku' } })
  fleet = await startPort('heroku', { PATH: folder, UPSTREAM: upstream.url })
})

afterAll(async () => {
  await fleet.stop()
  await upstream.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('has the tools and the resource of the package', async () => {
  const { tools, resources } = await expectSameLists(fleet)
  expect(tools.length).toBeGreaterThan(35)
  expect(resources).toHaveLength(1)
})

test.each(clients)('runs commands on every instance (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  for (let i = 0; i < fleet.counts.length; i++) {
    const { text, isError } = await client.call('maintenance_on', { app: `app-${i}` })
    expect([text, isError]).toEqual([expect.stringContaining(`maintenance:on --app=app-${i}`), false])
  }
  for (const count of fleet.counts) expect(count).toBeGreaterThan(0)
  await client.close()
})

test.each(clients)('refuses arguments that do not fit the zod 3 schema (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  const failed = await client.call('maintenance_on', { app: 1 }).catch((error: Error) => ({ text: error.message }))
  expect(failed.text).toContain('app')
  const { text } = await client.call('maintenance_on', { app: 'a' })
  expect(text).toContain('--app=a')
  await client.close()
})

test.each(clients)('reads its resource (%s)', async (_, connect) => {
  const client = await connect(fleet.url)
  expect(await client.read('https://devcenter.heroku.com/llms.txt')).toBe('How to use Heroku')
  await client.close()
})
