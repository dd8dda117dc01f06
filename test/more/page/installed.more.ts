/** The page of the installed package: it is there for who imports it, and in no bundle of another. */
import { execFileSync } from 'node:child_process'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { project } from '../support/project.ts'

const SERVER = `import { createEndpoint, McpServer } from 'mcp-anywhere'
const server = new McpServer({ name: 'hello', version: '1.0.0' })`

test('an app serves it', async () => {
  const app = `${SERVER}
    import { page } from 'mcp-anywhere/page'
    const endpoint = createEndpoint(server, { page, allowedHosts: 'local' })
    const text = async (path, headers) => (await endpoint.fetch(new Request('http://localhost' + path, { headers }))).text()
    const html = await text('/', { accept: 'text/html' })
    const script = await text('/' + /src="([^"]+)"/.exec(html)[1].replace('&amp;', '&'), {})
    console.log(JSON.stringify([html.slice(0, 15), script.includes('mcp-anywhere-page'), await text('/?page=about', {})]))
    process.exit(0)`
  const cwd = await project({ files: { 'app.mjs': app } })
  const printed = execFileSync(process.execPath, ['app.mjs'], { cwd, encoding: 'utf8' })
  const [html, hasScript, about] = JSON.parse(printed)
  expect([html, hasScript, JSON.parse(about)]).toEqual([
    '<!doctype html>',
    true,
    { name: 'hello', path: '/mcp', admission: 'open' },
  ])
})

test('a bundle of an app that does not import it has nothing of it', async () => {
  const resolveDir = await project()
  const bundled = async (more: string) => {
    const contents = `${SERVER}\n${more}\nexport const endpoint = createEndpoint(server)`
    const { outputFiles } = await build({
      stdin: { contents, resolveDir },
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
    })
    return outputFiles[0]?.text ?? ''
  }
  expect(await bundled('')).not.toMatch(/page=|frame-ancestors|app\.css/)
  expect(await bundled("export { page } from 'mcp-anywhere/page'")).toMatch(/frame-ancestors/)
})
