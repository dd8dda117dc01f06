/** Servers from packages of Debian, also of suites that this machine does not have: unpacked with their libraries, not installed. */
import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const MIRROR = 'http://deb.debian.org/debian'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const FOLDER = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mcp-anywhere', 'servers')

/** A package of a suite, as in `valkey-server/sid`. */
export interface DebianServer {
  package: string
  suite: string
}

/** @throws TypeError with a line that shows the form */
export function readDebian(text: string): DebianServer {
  const [, name, suite] = /^([a-z][a-z\d+.-]*)\/([a-z][a-z-]*)$/.exec(text) ?? []
  if (name !== undefined && suite !== undefined) return { package: name, suite }
  throw new TypeError(`--debian takes packages with their suites, such as redis-server/trixie, not "${text}".`)
}

/**
 * Downloads the package and everything that it depends on, as if nothing were installed, and unpacks it all into one folder.
 * A folder of an earlier call is used again.
 *
 * @returns the path of the program
 * @throws Error with the last line of apt-get or dpkg-deb
 */
export function unpackDebian({ package: name, suite }: DebianServer): string {
  const place = join(FOLDER, suite, name)
  const program = () => globSync(join(place, 'usr/bin', name))[0]
  const there = program()
  if (there !== undefined) return there
  const work = `${place}.${process.pid}`
  const root = join(work, 'root')
  for (const folder of ['lists/partial', 'archives/partial', 'root']) mkdirSync(join(work, folder), { recursive: true })
  try {
    const base = suite.replace(/-backports$/, '')
    const suites = base === suite ? [suite] : [base, suite]
    writeFileSync(
      join(work, 'sources'),
      suites.map((one) => `deb [signed-by=${KEYRING}] ${MIRROR} ${one} main\n`).join(''),
    )
    writeFileSync(join(work, 'status'), '')
    const settings = {
      'Dir::Etc::SourceList': join(work, 'sources'),
      'Dir::Etc::SourceParts': '-',
      'Dir::State::Lists': join(work, 'lists'),
      'Dir::State::status': join(work, 'status'),
      'Dir::State::extended_states': join(work, 'extended'),
      'Dir::Cache::Archives': join(work, 'archives'),
      'Acquire::Languages': 'none',
      'APT::Sandbox::User': 'root',
      'APT::Update::Error-Mode': 'any',
    }
    const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
    run('apt-get', [...options, '-q', 'update'])
    run('apt-get', [...options, '-qy', '--no-install-recommends', '--download-only', '-t', suite, 'install', name])
    for (const file of globSync(join(work, 'archives/*.deb'))) run('dpkg-deb', ['-x', file, root])
    rmSync(place, { recursive: true, force: true })
    renameSync(root, place)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  const found = program()
  if (found === undefined) throw new Error(`The package ${name} of ${suite} has no program /usr/bin/${name}.`)
  return found
}

function run(command: string, args: string[]): void {
  try {
    execFileSync(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 1e7,
    })
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer }
    throw new Error(`${command}: ${stderr?.toString().trim().split('\n').at(-1) || message}`)
  }
}
