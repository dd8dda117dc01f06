/** Writes docs/api, the reference of the public API, from the JSDoc of lib: `npm run api`. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installed } from '../../test/more/support/installed.ts'
import { root } from '../build.ts'

const FOLDER = join(root, 'docs/api')
const ENTRIES = ['index', 'node', 'lambda', 'redis', 'page', 'testing', 'stdio']
const NOTE = '<!-- written by npm run api, from the JSDoc of lib -->\n'

/** The pages by their names, as they should be. @throws Error with what TypeDoc printed */
export async function apiPages(): Promise<Map<string, string>> {
  const tools = join(await installed('site'), 'node_modules')
  const out = mkdtempSync(join(tmpdir(), 'mcp-anywhere-api-'))
  try {
    const options = join(out, 'typedoc.json')
    writeFileSync(options, JSON.stringify(settings(tools, join(out, 'pages'))))
    const run = promisify(execFile)(process.execPath, [join(tools, 'typedoc/bin/typedoc'), '--options', options], {
      cwd: root,
    })
    await run.catch((error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${error.stdout ?? ''}${error.stderr ?? ''}` || String(error))
    })
    const names = readdirSync(join(out, 'pages')).filter((name) => name.endsWith('.md') && name !== 'README.md')
    return new Map(names.map((name) => [name, page(name, readFileSync(join(out, 'pages', name), 'utf8'))]))
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

/** The title of a page is what an author imports. */
function page(name: string, text: string): string {
  const entry = name === 'index.md' ? 'mcp-anywhere' : `mcp-anywhere/${name.replace(/\.md$/, '')}`
  return `${NOTE}\n${text.replace(/^# .*$/m, `# ${entry}`).trimEnd()}\n`
}

function settings(tools: string, out: string) {
  return {
    entryPoints: ENTRIES.map((name) => join(root, `lib/${name}.ts`)),
    tsconfig: join(root, 'tools/tsconfig.package.json'),
    plugin: [join(tools, 'typedoc-plugin-markdown/dist/index.js')],
    out,
    readme: 'none',
    logLevel: 'Error',
    // The repository has another TypeScript, which checks the types.
    skipErrorChecking: true,
    // Line numbers would change with every commit.
    disableSources: true,
    excludePrivate: true,
    excludeProtected: true,
    excludeInternal: true,
    excludeExternals: true,
    outputFileStrategy: 'modules',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    enumMembersFormat: 'table',
    propertyMembersFormat: 'table',
    validation: { notExported: false, invalidLink: false },
  }
}

if (process.argv[1] === import.meta.filename) {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  for (const [name, text] of await apiPages()) writeFileSync(join(FOLDER, name), text)
}
