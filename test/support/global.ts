/** Programs that the tests and the models need on the machine. A missing one is installed, so that nothing is skipped. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Binary {
  /** Names on PATH, the first one that exists is taken. */
  names: string[]
  /** The environment variable that names another one. */
  variable: string
  apt: string
  brew: string
  /** A Docker image whose program of the same name will do. */
  image?: string
}

const BINARIES = {
  'redis-server': {
    names: ['redis-server', 'valkey-server'],
    variable: 'REDIS_SERVER',
    apt: 'redis-server',
    brew: 'redis',
    image: 'redis:7.4',
  },
  nginx: { names: ['nginx'], variable: 'NGINX', apt: 'nginx', brew: 'nginx' },
  spin: { names: ['spin'], variable: 'SPIN', apt: 'spin', brew: 'spin' },
  gcc: { names: ['gcc'], variable: 'CC', apt: 'gcc libc6-dev', brew: 'gcc' },
} as const satisfies Record<string, Binary>

/** Not everybody's PATH has them. */
const USUAL_PLACES = ['/usr/local/bin', '/usr/bin', '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']

/** Vitest's global setup. */
export default function setup(): void {
  try {
    ensureBinary('redis-server')
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}

/**
 * The path of a program that a script starts, installed when it is missing: by apt as root, by brew, or wrapped from a
 * Docker image. Safe to call from several test files at once.
 * @throws Error with one line that says what to install.
 */
export function ensureBinary(name: keyof typeof BINARIES): string {
  const binary: Binary = BINARIES[name]
  const given = process.env[binary.variable]
  if (given) {
    if (isProgram(given)) return given
    throw new Error(`${binary.variable} must be the path of a ${name} program, not "${given}".`)
  }
  const path = find(binary.names) ?? install(name, binary)
  if (path) return path
  throw new Error(
    `${name} is missing: install it (apt-get install ${binary.apt}, brew install ${binary.brew}) or set ${binary.variable} to its path.`,
  )
}

function install(name: string, { names, apt, brew, image }: Binary): string | undefined {
  if (process.getuid?.() === 0 && find(['apt-get'])) {
    console.error(`${name} is missing: installing it with apt-get`)
    // One at a time: an update does not wait for apt's own locks. The package lists of a fresh image are empty, those
    // of an old one point at files that are gone.
    const add = `apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 ${apt}`
    run('flock', [join(tmpdir(), 'mcp-anywhere-apt.lock'), 'sh', '-c', `${add} || { apt-get update && ${add}; }`])
  } else if (find(['brew'])) {
    console.error(`${name} is missing: installing it with brew`)
    run('brew', ['install', '--quiet', brew])
  }
  return find(names) ?? (image ? wrapImage(name, image) : undefined)
}

/**
 * A script that runs the program of an image as a process of this machine: same network, process ids, user and
 * temporary files, so that tests can signal it like any other. On Linux only, elsewhere Docker is a virtual machine.
 */
function wrapImage(name: string, image: string): string | undefined {
  if (process.platform !== 'linux' || !run('docker', ['info'])) return undefined
  console.error(`${name} is missing: running it from the Docker image ${image}`)
  if (!run('docker', ['pull', '--quiet', image])) return undefined
  const folder = fileURLToPath(new URL('../../node_modules/.cache/binaries/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const path = join(folder, name)
  const as = `--user "$(id -u):$(id -g)" --volume '${tmpdir()}:${tmpdir()}'`
  const script = `exec docker run --rm --network host --pid host ${as} --entrypoint ${name} ${image} "$@"`
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return path
}

function find(names: string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), ...USUAL_PLACES]
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Runs a command to its end, quietly; whether it succeeded. */
function run(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
    return true
  } catch {
    return false
  }
}
