/**
 * Makes a project as `npm create mcp-anywhere` does, with the packages of this checkout: `npm run create -- ../demo`. It is for the
 * time before a release, and for a change that should be seen as its users will see it.
 */
import { execFileSync } from 'node:child_process'
import { join, relative, resolve } from 'node:path'
import { root } from './build.ts'
import { buildPackage } from './build-package.ts'
import { buildStarter } from './build-starter.ts'

/** Where the person is: `npm run` starts its scripts in the folder of package.json. */
const here = process.env.INIT_CWD ?? process.cwd()
const [folder, ...others] = process.argv.slice(2)
if (folder === undefined || folder.startsWith('-') || others.length > 0) {
  console.error('Name the folder of the project, and nothing else: npm run create -- ../demo')
  process.exit(1)
}

try {
  await create(resolve(here, folder))
} catch (error) {
  // A program that failed has printed the reason.
  if (typeof (error as { status?: unknown }).status !== 'number') console.error(error)
  process.exitCode = 1
}

async function create(project: string): Promise<void> {
  buildStarter()
  // Writes the project, or refuses a folder that is not empty. What it prints names the package of npm.
  const starter = [join(root, 'dist/create/index.mjs'), project, '--no-install']
  execFileSync(process.execPath, starter, { stdio: ['ignore', 'ignore', 'inherit'] })
  console.log('Building the package …')
  await buildPackage()
  const pack = ['pack', './dist/package', '--pack-destination', 'dist', '--silent']
  const tarball = join(root, 'dist', npm(pack, root).toString().trim())
  console.log('Installing it …')
  npm(['install', '--no-audit', '--no-fund', tarball], project)
  const shown = relative(here, project) || '.'
  console.log(
    `\n${shown} has a server, src/server.ts, and its README.md says how to go on:\n\n  cd ${shown}\n  npm run dev`,
  )
}

function npm(args: readonly string[], cwd: string): Buffer {
  return execFileSync('npm', args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' })
}
