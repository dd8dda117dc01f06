/** The workflows of .github: what they use is pinned, and what they run exists. GitHub's own parser reads them in test/more/workflows. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../tools/build.ts'

interface Step {
  uses?: string
  run?: string
  with?: Record<string, unknown>
}
interface Job {
  uses?: string
  container?: string
  'runs-on'?: string
  'timeout-minutes'?: number
  permissions?: Record<string, string>
  strategy?: { matrix: Record<string, unknown[]> }
  steps?: Step[]
}
interface Workflow {
  on: Record<string, unknown>
  permissions: Record<string, string>
  jobs: Record<string, Job>
}

const folder = join(root, '.github/workflows')
const names = readdirSync(folder)
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const workflow = (name: string): Workflow => parse(read(name))
const jobs = names.flatMap((name) =>
  Object.entries(workflow(name).jobs).map(([id, job]): [string, Job] => [`${name}: ${id}`, job]),
)
const steps = jobs.flatMap(([at, { steps = [] }]) => steps.map((step): [string, Step] => [at, step]))
const scripts: Record<string, string> = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts

/** Commands of npm and other programs that the workflows may run. Scripts are those of package.json. */
const NPM = ['ci', 'install', 'pack', 'pkg', 'publish', 'sbom']
const PROGRAMS = ['gh', 'git']

/** Why a line of a step cannot run; undefined: it can. */
function missing(line: string): string | undefined {
  const [program = '', ...args] = line.trim().split(/\s+/)
  if (program === 'npm') {
    if (args[0] === 'run') return args[1] !== undefined && args[1] in scripts ? undefined : `no script ${args[1]}`
    return NPM.includes(args[0] ?? '') ? undefined : `no command ${args[0]} of npm`
  }
  if (program === 'node') return existsSync(join(root, args[0] ?? '')) ? undefined : `no file ${args[0]}`
  if (PROGRAMS.includes(program)) return undefined
  try {
    accessSync(join(root, program), constants.X_OK)
    return undefined
  } catch {
    return `no program ${program}`
  }
}

test('every command of a step is one of this repository or of its tools, and the shell can read it', () => {
  const lines = steps.flatMap(([at, { run }]) =>
    (run ?? '')
      .split('\n')
      .filter(Boolean)
      .map((line) => ({ at, line })),
  )
  expect(lines.length).toBeGreaterThan(10)
  for (const { at, line } of lines) expect(missing(line), `${at}: ${line}`).toBeUndefined()
  for (const { line } of lines) execFileSync('sh', ['-n', '-c', line])
  expect(missing('npm run no-such-script')).toBe('no script no-such-script')
  expect(missing('.ci/no-such-file')).toBe('no program .ci/no-such-file')
})

test('no value from outside is written into a command: commands take it from their environment', () => {
  for (const [at, { run = '' }] of steps) expect(run, at).not.toContain('${{')
})

test('actions are pinned by the digest of a commit, whose release is beside it, and images by their version', () => {
  for (const [at, { uses }] of steps) if (uses !== undefined) expect(uses, at).toMatch(/^[\w-]+\/[\w-]+@[\da-f]{40}$/)
  for (const name of names) {
    for (const [line, digest] of read(name).matchAll(/uses: \S+@([\da-f]{40}).*/g)) {
      expect(line, digest).toMatch(/ # v\d+\.\d+\.\d+$/)
    }
  }
  for (const [at, { container }] of jobs)
    if (container) expect(container, at).toMatch(/^node:(\d+|\$\{\{ .* \}\})-bookworm$/)
})

test('every job has a limit of time, and no right that it does not use', () => {
  for (const [at, { uses, 'timeout-minutes': limit }] of jobs) {
    if (uses === undefined) expect(limit, at).toBeGreaterThan(0)
  }
  for (const name of names) expect(workflow(name).permissions, name).toEqual({ contents: 'read' })
  const rights = jobs.filter(([, { permissions }]) => permissions).map(([at]) => at)
  expect(rights).toEqual(['release.yml: publish'])
  for (const [at, { uses, with: options }] of steps) {
    if (uses?.startsWith('actions/checkout@')) expect(options, at).toMatchObject({ 'persist-credentials': false })
  }
})

test('each change runs .ci/run on Node 22 and 24', () => {
  const { on, jobs: all } = workflow('checks.yml')
  expect(on).toHaveProperty('pull_request')
  expect(on.push).toEqual({ branches: ['main'] })
  expect(all.checks?.strategy?.matrix.node).toEqual([22, 24])
  expect(all.checks?.container).toMatch(/^node:\$\{\{ matrix\.node \}\}-bookworm$/)
  expect(all.checks?.steps?.map(({ run }) => run)).toContain('.ci/run')
})

test('a nemesis runs each night, on every kind of Redis', () => {
  const { on, jobs: all } = workflow('nightly.yml')
  expect(on.schedule).toMatchObject([{ cron: expect.stringMatching(/^\d+ \d+ \* \* \*$/) }])
  expect(all.nemesis?.strategy?.matrix.redis).toEqual(['replica', 'sentinel', 'cluster'])
  expect(all.nemesis?.steps?.some(({ run }) => run?.startsWith('npm run nemesis'))).toBe(true)
})

test('a tag publishes with provenance and SBOM, after the checks and the comparison with its changelog', () => {
  const { on, jobs: all } = workflow('release.yml')
  expect(on).toEqual({ push: { tags: ['v*'] } })
  expect(all.checks?.uses).toBe('./.github/workflows/checks.yml')
  expect(all.publish).toMatchObject({ needs: 'checks', permissions: { contents: 'write', 'id-token': 'write' } })
  const commands = all.publish?.steps?.flatMap(({ run }) => run ?? []) ?? []
  const place = (begin: string) => commands.findIndex((command) => command.startsWith(begin))
  const order = [
    'npm ci',
    'npm run release -- --check',
    'npm run build:package',
    'npm sbom',
    'npm publish',
    'gh release create',
  ]
  expect(order.map(place)).toEqual(order.map(place).sort((a, b) => a - b))
  expect(order.map(place)).not.toContain(-1)
  expect(commands.filter((command) => command === 'npm publish --provenance --access public')).toHaveLength(2)
})
