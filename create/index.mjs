#!/usr/bin/env node
/**
 * `npm create mcp-anywhere demo`: writes a project into a new folder and installs its packages.
 *
 * It asks nothing, and has no dependencies. What cannot be done is one line on stderr, and the process ends with 1.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const TEMPLATE = fileURLToPath(new URL('template', import.meta.url))
const USAGE = `Usage: npm create mcp-anywhere <folder> [-- --no-install]

Writes a project with an MCP server into a new folder, and installs its packages with npm.

  --no-install  writes the files only
  --help        prints this
  --version     prints the version`

/** One line for whoever called: the reason and the cure. */
class Failure extends Error {}

/** Reads the arguments. @returns the folder as it was given, and whether to install */
function readArguments(args) {
  const options = args.filter((arg) => arg.startsWith('-'))
  const [folder, second] = args.filter((arg) => !arg.startsWith('-'))
  const unknown = options.find((option) => option !== '--no-install')
  if (unknown !== undefined) throw new Failure(`There is no option ${unknown}; see --help.`)
  if (folder === undefined) throw new Failure('Name the folder of the project: npm create mcp-anywhere demo')
  if (second !== undefined) throw new Failure(`"${second}" is one argument too many: the only one is the folder.`)
  return { folder, install: !options.includes('--no-install') }
}

/** The name of the package, which is that of its folder. */
function packageName(folder, taken) {
  const name = basename(folder)
  if (taken.includes(name)) throw new Failure(`The project uses a package named ${name}. Name the folder otherwise.`)
  const allowed = /^[a-z0-9][a-z0-9._-]*$/.test(name) && name.length <= 214
  if (allowed && name !== 'node_modules') return name
  const better = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|[._-]+$/g, '')
    .slice(0, 214)
  const cure = better === '' || better === 'node_modules' ? 'a name such as my-server' : better
  throw new Failure(`npm allows no package with the name "${name}". Name the folder ${cure}.`)
}

/** The name of the service on AWS, Google and Kubernetes: letters, digits and dashes, which begins with a letter. */
function deploymentName(name) {
  const plain = name.replace(/[^a-z0-9]+/g, '-')
  return (/^[a-z]/.test(plain) ? plain : `mcp-${plain}`).slice(0, 40).replace(/-+$/, '')
}

function requireEmpty(folder, shown) {
  if (!existsSync(folder)) return
  if (!statSync(folder).isDirectory()) throw new Failure(`${shown} is a file. Name another folder.`)
  const found = readdirSync(folder).find((entry) => entry !== '.git')
  if (found !== undefined) throw new Failure(`${shown} is not empty: it has ${found}. Name another folder.`)
}

/** Copies the template. npm leaves .gitignore out of packages, so that the name of such a file begins with "_" there. */
function write(folder, values) {
  for (const entry of readdirSync(TEMPLATE, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const source = join(entry.parentPath, entry.name)
    const target = join(folder, relative(TEMPLATE, dirname(source)), entry.name.replace(/^_/, '.'))
    mkdirSync(dirname(target), { recursive: true })
    const text = readFileSync(source, 'utf8').replace(/\{\{(\w+)\}\}/g, (token, key) => values[key] ?? token)
    writeFileSync(target, text)
  }
}

/** The npm of the person, also where another package manager has called. */
function npmInstall(cwd) {
  const { status } = spawnSync('npm', ['install'], { cwd, stdio: 'inherit', shell: process.platform === 'win32' })
  return status === 0
}

function nextSteps(shown, installed) {
  const steps = [
    ...(shown === '.' ? [] : [[`cd ${/\s/.test(shown) ? `"${shown}"` : shown}`, '']]),
    ...(installed ? [] : [['npm install', '']]),
    ['npm run dev', 'serves src/server.ts on http://127.0.0.1:3000/mcp, and again after each change'],
    ['npm test', 'calls it with the official client'],
  ]
  return steps.map(([command, meaning]) => `  ${command.padEnd(12)} ${meaning}`.trimEnd()).join('\n')
}

function run(args) {
  if (args.includes('--help') || args.includes('-h')) return console.log(USAGE)
  const own = JSON.parse(readFileSync(join(TEMPLATE, '../package.json'), 'utf8'))
  if (args.includes('--version') || args.includes('-v')) return console.log(own.version)
  if (Number.parseInt(process.versions.node, 10) < 22) {
    throw new Failure(`mcp-anywhere needs Node 22 or newer; this is Node ${process.versions.node}.`)
  }
  const { folder: given, install } = readArguments(args)
  const folder = resolve(given)
  const shown = relative(process.cwd(), folder) || '.'
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(TEMPLATE, 'package.json'), 'utf8'))
  const name = packageName(folder, Object.keys({ ...dependencies, ...devDependencies }))
  requireEmpty(folder, shown)
  write(folder, { name, deployment: deploymentName(name) })
  const installed = install && npmInstall(folder)
  console.log(`\n${shown === '.' ? name : shown} has a server, src/server.ts, and its README.md says how to go on:\n`)
  console.log(`${nextSteps(shown, installed)}\n`)
  if (install && !installed) throw new Failure('npm install failed, and the project is complete but for its packages.')
}

try {
  run(process.argv.slice(2))
} catch (error) {
  // Errors of the file system name the path and the reason.
  if (!(error instanceof Failure) && error?.syscall === undefined) throw error
  console.error(error.message)
  process.exitCode = 1
}
