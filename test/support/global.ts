/** Installs the programs that the tests and the models need, so that no test is skipped. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Binary {
  /** Names on PATH; the first that exists is used. */
  names: string[]
  /** The environment variable with the path of another program. */
  variable: string
  apt: string
  brew: string
  /** A Docker image with a program of the same name. */
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
  haproxy: { names: ['haproxy'], variable: 'HAPROXY', apt: 'haproxy', brew: 'haproxy' },
  caddy: { names: ['caddy'], variable: 'CADDY', apt: 'caddy', brew: 'caddy' },
  aws: { names: ['aws'], variable: 'AWS_CLI', apt: 'awscli', brew: 'awscli' },
  kubectl: { names: ['kubectl'], variable: 'KUBECTL', apt: 'kubernetes-client', brew: 'kubernetes-cli' },
  'systemd-analyze': { names: ['systemd-analyze'], variable: 'SYSTEMD_ANALYZE', apt: 'systemd', brew: 'systemd' },
  spin: { names: ['spin'], variable: 'SPIN', apt: 'spin', brew: 'spin' },
  gcc: { names: ['gcc'], variable: 'CC', apt: 'gcc libc6-dev', brew: 'gcc' },
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    variable: 'CHROMIUM',
    apt: 'chromium fonts-liberation2',
    brew: 'chromium',
  },
} as const satisfies Record<string, Binary>

/** Folders that PATH may lack. */
const USUAL_PLACES = ['/usr/local/bin', '/usr/bin', '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']

/** Vitest's global setup. */
export default function setup(): () => void {
  try {
    ensureBinary('redis-server')
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
  // The tests start thousands of processes with the same code. Node compiles it once, and less than half of the CPU time of a
  // start remains. The folder is that of one run, since many files of tests are copies with paths of their own.
  const compiled = mkdtempSync(join(tmpdir(), 'mcp-anywhere-compiled-'))
  process.env.NODE_COMPILE_CACHE = compiled
  return () => rmSync(compiled, { recursive: true, force: true })
}

/**
 * Returns the path of a program. A missing program is installed by apt (as root) or brew, or run from a Docker image.
 * Several test files may call this at once.
 * @throws Error that names the package to install
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
    // A lock of our own, since `apt-get update` does not wait for apt's locks. The update is needed where the package
    // lists are empty (a new image) or outdated (an old image).
    const add = `apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 ${apt}`
    run('flock', [join(tmpdir(), 'mcp-anywhere-apt.lock'), 'sh', '-c', `${add} || { apt-get update && ${add}; }`])
  } else if (find(['brew'])) {
    console.error(`${name} is missing: installing it with brew`)
    run('brew', ['install', '--quiet', brew])
  }
  return find(names) ?? (image ? wrapImage(name, image) : undefined)
}

/**
 * Writes a script that runs the program of an image with the network, process ids, user and temporary files of this
 * machine, so that tests can signal it. On Linux only: elsewhere Docker runs in a virtual machine.
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

/** Runs a command without output. Returns whether it succeeded. */
function run(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
    return true
  } catch {
    return false
  }
}
