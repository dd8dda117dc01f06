/** What few servers use works in a bundle, where it is a file of its own. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { bundleServer } from '../../lib/cli/build/bundle-server.ts'
import { PARTS } from '../../lib/cli/build/plugins/rarely-used.ts'
import { ENDING, OWN } from '../../lib/cli/own.ts'

const outdir = mkdtempSync(join(tmpdir(), 'mcp-anywhere-rare-'))
afterAll(() => rmSync(outdir, { recursive: true, force: true }))

test.each(Object.entries(PARTS))('%s exports what the bundle has of it', async (name, names) => {
  const module = await import(join(OWN, `${name}${ENDING}`))
  expect(Object.keys(module).sort()).toEqual([...names].sort())
})

test('register calls, refused members, authorization and forms work in a bundle', async () => {
  const file = join(import.meta.dirname, 'rarely-used-program.ts')
  await bundleServer({ server: file, entries: { rare: { file } }, outdir })
  const printed = execFileSync(process.execPath, [join(outdir, 'rare.mjs')], { encoding: 'utf8' })
  expect(JSON.parse(printed)).toEqual({
    old: true,
    member: expect.stringMatching(/^McpServer has no server\.setRequestHandler\. Register tools/),
    server: expect.stringMatching(/^mcp-anywhere has no low-level Server\./),
    auth: 'auth: issuer must be a URL, not "x".',
    metadata: 'https://x.test/mcp',
    challenge: 'Bearer resource_metadata="https://x.test/.well-known/oauth-protected-resource/mcp"',
    form: { a: '1' },
  })
})
