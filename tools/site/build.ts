/** The documents as a site: VitePress, whose version is in the lock of test/more/site. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join, posix } from 'node:path'
import { promisify } from 'node:util'
import { installed } from '../../test/more/support/installed.ts'
import { root } from '../build.ts'
import { isExternal, linksOf, resolved } from './links.ts'
import { documents, groups } from './pages.ts'

const PICTURES = ['.svg', '.png', '.gif', '.jpg']

/** Writes the site into `out`. A link without a target is an error. @throws Error with what VitePress printed */
export async function buildSite(out: string, base = '/'): Promise<void> {
  const tools = await installed('site')
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-site-'))
  try {
    symlinkSync(join(tools, 'node_modules'), join(folder, 'node_modules'))
    writeSources(folder)
    mkdirSync(join(folder, '.vitepress'))
    writeFileSync(
      join(folder, '.vitepress/config.mjs'),
      `export default ${JSON.stringify(config(base), undefined, 2)}\n`,
    )
    const program = join(tools, 'node_modules/vitepress/bin/vitepress.js')
    const run = promisify(execFile)(process.execPath, [program, 'build', folder, '--outDir', out], {
      cwd: folder,
      maxBuffer: 1 << 26,
    })
    await run.catch((error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${error.stdout ?? ''}${error.stderr ?? ''}` || String(error))
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Copies the documents, and the sources that they link, as text files that a browser shows. */
function writeSources(folder: string): void {
  const pages = documents()
  for (const file of pages) {
    let text = readFileSync(join(root, file), 'utf8')
    // From the end, so that the positions before stay right.
    for (const { target, index } of linksOf(text).toReversed()) {
      if (isExternal(target) || target.startsWith('#')) continue
      const { path, anchor } = resolved(file, target)
      const shown = copied(folder, path, pages)
      const link = posix.relative(dirname(file), shown) || posix.basename(shown)
      const relative = link.startsWith('.') ? link : `./${link}`
      text = `${text.slice(0, index)}${relative}${anchor === undefined ? '' : `#${anchor}`}${text.slice(index + target.length)}`
    }
    write(join(folder, onSite(file)), text)
  }
}

/** The first page of a site is its index. */
const onSite = (page: string) => (page === 'README.md' ? 'index.md' : page)

/** Where the site has a file of the repository. */
function copied(folder: string, path: string, pages: readonly string[]): string {
  if (pages.includes(path)) return onSite(path)
  const source = join(root, path)
  if (statSync(source).isDirectory()) {
    const readme = join(path, 'README.md')
    if (pages.includes(readme)) return readme
    throw new Error(`The folder ${path} is linked, and has no README.md: link a file.`)
  }
  if (PICTURES.includes(extname(path))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(source, join(folder, path))
    return path
  }
  const shown = `source/${path}.txt`
  write(join(folder, 'public', shown), readFileSync(source, 'utf8'))
  return shown
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

function config(base: string) {
  const pageOf = (file: string) => (file === 'README.md' ? '/' : `/${file.replace(/\.md$/, '')}`)
  const sidebar = groups().map(({ title, pages }) => ({
    text: title,
    collapsed: false,
    items: pages.map(({ title: text, file }) => ({ text, link: pageOf(file) })),
  }))
  return {
    title: 'mcp-anywhere',
    description: 'MCP servers on any number of instances',
    base,
    lastUpdated: false,
    // The links to sources are no pages; the test of the site looks at every file that is linked.
    ignoreDeadLinks: false,
    themeConfig: {
      nav: [
        { text: 'First steps', link: '/docs/first-steps' },
        { text: 'Documents', link: '/docs/README' },
        { text: 'API', link: '/docs/api/index' },
      ],
      sidebar,
      outline: [2, 3],
      search: { provider: 'local' },
    },
  }
}
