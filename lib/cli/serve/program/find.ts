/** The program that `serve` is asked for: a file, a folder with a package.json, or an installed package. */
import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from 'node:fs'
import { dirname, extname, isAbsolute, join, resolve } from 'node:path'
import { Failure } from '../../command.ts'
import { OWN, readManifest } from '../../own.ts'
import { shown } from '../../shown.ts'

export interface Program {
  /** For people: the package with its version, or the file. */
  name: string
  /** The file that runs, without symbolic links. */
  file: string
  args: readonly string[]
  /** Node runs it. Else it is an executable of its own. */
  isScript: boolean
}

interface Wanted {
  args: readonly string[]
  /** Which of several programs of a package. */
  bin?: string | undefined
}

/**
 * @param folder the working folder
 * @param named as on the command line: `./server.js`, `./folder` or the name of a package
 * @throws Failure with one line for what is not there, or is not clear
 */
export function findProgram(folder: string, named: string, { args, bin }: Wanted): Program {
  const path = resolve(folder, named)
  const isPath = /^\.\.?(?:[/\\]|$)/.test(named) || isAbsolute(named) || /^[^@].*[/\\]/.test(named)
  const isFile = existsSync(path) && statSync(path).isFile()
  if (isFile && (isPath || SCRIPT.test(named))) {
    if (bin !== undefined) throw new Failure(`--bin ${bin} chooses a program of a package, and ${named} is a file.`)
    return programOf(path, shown(path), args)
  }
  if (isPath) {
    if (!existsSync(path)) throw new Failure(`There is no ${named}.`)
    return ofPackage(path, named, args, bin)
  }
  const home = installed(folder, named) ?? installed(OWN, named)
  if (home === undefined) throw new Failure(notInstalled(named, existsSync(path)))
  return ofPackage(home, named, args, bin)
}

const SCRIPT = /\.[cm]?[jt]s$/

/** The folder of an installed package, as Node finds it from `from`. */
function installed(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const home = join(folder, 'node_modules', name)
    if (existsSync(join(home, 'package.json'))) return home
    if (folder === dirname(folder)) return undefined
  }
}

function notInstalled(name: string, isFolder: boolean): string {
  const [, plain = name, version] = /^(@?[^@]+)@(.+)$/.exec(name) ?? []
  if (version !== undefined) {
    return `Name the package without its version, "${plain}": the one that is installed is served. npm install ${name}`
  }
  if (isFolder) return `No package "${name}" is installed here. For the folder of that name: ./${name}`
  return (
    `${name} is not installed here. npm install ${name}, or without installing it: ` +
    `npx -p mcp-anywhere -p ${name} mcp-anywhere serve ${name}`
  )
}

function ofPackage(home: string, named: string, args: readonly string[], bin: string | undefined): Program {
  const manifest = readManifest(home)
  if (!manifest) throw new Failure(`${named} has no package.json that can be read. Name the file that runs.`)
  const { name = shown(home), version } = manifest
  const label = version === undefined ? name : `${name} ${version}`
  const programs = programsOf(manifest.bin, name)
  const file = join(home, chosen(label, programs, manifest.main, name, bin))
  if (existsSync(file)) return programOf(file, label, args)
  throw new Failure(`${label} has no ${shown(file)}, which its package.json names. Build the package first.`)
}

/** The programs of a package, by their names. */
function programsOf(bin: unknown, name: string): Map<string, string> {
  if (typeof bin === 'string') return new Map([[unscoped(name), bin]])
  const entries = typeof bin === 'object' && bin !== null ? Object.entries(bin) : []
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

const unscoped = (name: string) => name.replace(/^@[^/]*\//, '')

function chosen(
  label: string,
  programs: ReadonlyMap<string, string>,
  main: unknown,
  name: string,
  bin: string | undefined,
): string {
  const names = [...programs.keys()].join(', ')
  if (bin !== undefined) {
    const file = programs.get(bin)
    if (file !== undefined) return file
    throw new Failure(`${label} has no program "${bin}". ${names === '' ? 'It has none.' : `There is ${names}.`}`)
  }
  const files = new Set(programs.values())
  const [only] = files
  const own = files.size === 1 ? only : programs.get(unscoped(name))
  if (own !== undefined) return own
  if (files.size > 1) throw new Failure(`${label} has several programs: ${names}. Choose one with --bin.`)
  if (typeof main === 'string') return main
  throw new Failure(`${label} has no program in its package.json. Name the file that runs.`)
}

function programOf(path: string, name: string, args: readonly string[]): Program {
  const file = realpathSync(path)
  return { name, file, args, isScript: isScript(file) }
}

function isScript(file: string): boolean {
  if (SCRIPT.test(file)) return true
  const head = firstBytes(file)
  if (head.startsWith('#!')) return /\bnode\b/.test(head.split('\n', 1)[0] ?? '')
  return extname(file) === '' && !head.includes('\0')
}

function firstBytes(file: string): string {
  const bytes = Buffer.alloc(256)
  const handle = openSync(file, 'r')
  try {
    return bytes.toString('latin1', 0, readSync(handle, bytes))
  } finally {
    closeSync(handle)
  }
}
