/** Which bundles have the page, and that what they serve is the same as from the source. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { bundleServer } from '../../lib/cli/build/bundle-server.ts'
import { sizesOf } from '../../lib/cli/build/sizes.ts'
import { bundle, root } from '../../tools/build.ts'
import { NodeInstance } from '../deploy/node-instance.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-page-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

const server = join(root, 'examples/minimal.ts')
const ofPage = (files: readonly string[]) => files.filter((file) => /(^|\/)lib\/page\//.test(file))

test('the bundle for Node has the page in files that are loaded later, and the one for Lambda has nothing of it', async () => {
  const { lambda, node } = await bundle({ server, out: join(folder, 'usual') })
  expect(ofPage(Object.keys(lambda!.inputs).filter((file) => !file.includes(':')))).toEqual(['lib/page/routes.ts'])
  expect(lambda!.inputs['lib/page/routes.ts']!.bytes).toBeLessThan(200)
  const files = ofPage(Object.keys(node!.inputs))
  expect(files).toContain('lib/page/serve.ts')
  expect(files).not.toContain('lib/page/build.ts')
  const { startFiles } = sizesOf(node!, 'server')
  // Its routes are in the start, which is one file: what they serve is not.
  expect(ofPage(startFiles)).toEqual(['lib/page/about.ts', 'lib/page/routes.ts'])
  // The client is in it as text: no code of it runs here.
  expect(Object.keys(node!.inputs).join('\n')).not.toContain('@modelcontextprotocol')
})

test('with PAGE=1 the bundle for Lambda has the page, too', async () => {
  vi.stubEnv('PAGE', '1')
  const { lambda } = await bundle({ server, out: join(folder, 'lambda') })
  expect(ofPage(Object.keys(lambda!.inputs))).toContain('lib/page/serve.ts')
  const { startFiles } = sizesOf(lambda!, 'lambda')
  expect(ofPage(startFiles)).toEqual([])
})

test('a bundle without the page does not start where the page is wanted, with one line', async () => {
  const entries = { server: { file: join(root, 'functions/node.ts') } }
  const outdir = join(folder, 'without')
  await bundleServer({ server, entries, outdir, hasPage: false })
  const ended = await NodeInstance.start(join(outdir, 'server.mjs'), { PAGE: '1' }).catch(
    (error: Error) => error.message,
  )
  expect(ended).toBe(
    'The instance ended with 1:\nPAGE is 1, and this bundle has no page: it has to be built with PAGE=1, too.',
  )
  const instance = await NodeInstance.start(join(outdir, 'server.mjs'), { PAGE: '0' })
  await instance.stop()
})

test('a bundle serves the page to a browser', async () => {
  await bundle({ server, out: join(folder, 'served') })
  const instance = await NodeInstance.start(join(folder, 'served/node/server.mjs'))
  try {
    const page = await fetch(new URL('/', instance.url), { headers: { accept: 'text/html' } })
    const html = await page.text()
    const [, script = ''] = /src="([^"]+)"/.exec(html) ?? []
    const loaded = await fetch(new URL(script.replace('&amp;', '&'), instance.url))
    expect([page.status, loaded.status]).toEqual([200, 200])
    expect(await loaded.text()).toContain('mcp-anywhere-page')
  } finally {
    await instance.stop()
  }
})
