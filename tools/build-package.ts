/**
 * Writes the npm packages: `npm run build:package`. The folder dist/package is what `npm pack` takes: the compiled lib with
 * declarations and source maps, the published manifest, README, documents and licence. dist/create is the starter, see
 * build-starter.ts. `-- --out folder` writes the first of the two into another folder.
 */
import { execFile } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { buildPage, filesModule } from '../lib/page/build.ts'
import { root } from './build.ts'
import { buildStarter } from './build-starter.ts'
import { type Manifest, published } from './manifest.ts'

/** Empties `out` and writes the package into it. @throws Error with what the compiler reports */
export async function buildPackage(out = join(root, 'dist/package')): Promise<void> {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  await compile(join(out, 'dist'))
  await writePage(join(out, 'dist/page'))
  const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(published(manifest), undefined, 2)}\n`)
  mkdirSync(join(out, 'docs/api'), { recursive: true })
  const documents = globSync('docs/{,api/}*.{md,svg}', { cwd: root })
  for (const name of ['README.md', 'LICENSE', ...documents]) copyFileSync(join(root, name), join(out, name))
}

async function compile(outDir: string): Promise<void> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const args = [compiler, '--pretty', 'false', '-p', join(root, 'tools/tsconfig.package.json'), '--outDir', outDir]
  // An exit code other than 0 rejects: the errors are in `stdout`.
  await promisify(execFile)(process.execPath, args).catch((error: { stdout?: string }) => {
    throw new Error(error.stdout || String(error))
  })
  for (const name of readdirSync(outDir, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue
    const file = join(outDir, name)
    // The compiler changes the names of imported files in the code only.
    const text = readFileSync(file, 'utf8').replace(/((?:from|import)\s*\(?\s*['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js')
    writeFileSync(file, text)
  }
}

/** The package has the files of the page built: it has neither their sources nor what builds them. */
async function writePage(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) if (/^build\.|^files\.js\.map$/.test(name)) rmSync(join(folder, name))
  writeFileSync(join(folder, 'files.js'), filesModule(await buildPage()))
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { out: { type: 'string' } } })
  await buildPackage(values.out === undefined ? undefined : resolve(values.out))
  if (values.out === undefined) buildStarter()
}
