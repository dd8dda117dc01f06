/** The starter, from an empty folder on a machine with Node, npm and a registry of its own: as its users meet it. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { buildStarter } from '../../../tools/build-starter.ts'
import { runSteps } from '../../../tools/dockerfile.ts'
import { startStage } from '../../../tools/image.ts'
import { sessionClients, statelessClient } from '../../deploy/clients.ts'
import { startLambda } from '../../lambda/emulator.ts'
import { ensureBinary } from '../../support/global.ts'
import { freePort } from '../../support/ports.ts'
import { startRedis } from '../../support/redis.ts'
import { installed } from '../support/installed.ts'
import { run } from '../support/run.ts'
import { Machine, type Running } from './machine.ts'
import { type Registry, startRegistry } from './registry.ts'

const clients = { ...sessionClients, '2.x stateless': statelessClient }

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-create-'))
/** An empty folder. */
const work = join(folder, 'work')
const demo = join(work, 'demo')
let registry: Registry
let machine: Machine
/** What `npm create` printed. */
let output: string

const machineWith = (name: string, options: { node?: string; programs?: string[] } = {}) =>
  new Machine({ folder: join(folder, name), registry: registry.url, ...options })

beforeAll(async () => {
  registry = await startRegistry(join(folder, 'registry'), ['mcp-anywhere', 'create-mcp-anywhere'])
  buildStarter(join(folder, 'starter'))
  machine = machineWith('machine')
  await machine.run(`npm publish ${inject('tarball')}`, folder)
  await machine.run('npm publish', join(folder, 'starter'))
  mkdirSync(work)
  output = await machine.run('npm create mcp-anywhere demo', work)
})

afterAll(async () => {
  await registry?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Every official client uses every part of the server of the starter. */
async function useTodos(url: URL): Promise<void> {
  for (const [name, connect] of Object.entries(clients)) {
    const asked: string[] = []
    const client = await connect(url, (message) => {
      asked.push(message)
      return { sure: true }
    })
    expect(await client.tools(), name).toEqual(['add_todos', 'clear_todos'])
    await client.call('clear_todos')
    const progress: (string | undefined)[] = []
    const added = await client.call('add_todos', { todos: ['tea', 'bread'] }, ({ message }) => progress.push(message))
    expect(added, name).toBe('There are 2 things to do.')
    expect(progress, name).toEqual(['tea', 'bread'])
    expect(await client.call('clear_todos'), name).toBe('Removed 2.')
    expect(asked, name).toEqual(['Remove 0 things to do?', 'Remove 2 things to do?'])
    await client.close()
  }
}

test('npm create asks nothing, installs the project, and prints the next steps', () => {
  expect(output).toMatch(/^ {2}cd demo\n {2}npm run dev +serves .*\n {2}npm test +calls /m)
  const { dependencies } = JSON.parse(readFileSync(join(demo, 'package-lock.json'), 'utf8')).packages['']
  expect(Object.keys(dependencies)).toEqual(['mcp-anywhere', 'zod'])
})

describe.each(['22', '24'])('with Node %s', (version) => {
  test('the project passes its tests and its type checker', async () => {
    const name = `node${version}-${process.platform}-${process.arch}`
    const node = join(await installed('runtimes'), 'node_modules', name, 'bin/node')
    const other = machineWith(name, { node })
    expect(await other.run('node --version', demo)).toMatch(new RegExp(`^v${version}\\.`))
    expect(await other.run('npm test', demo)).toMatch(/^# fail 0$|^ℹ fail 0$/m)
    await other.run('npm run types', demo)
  })
})

describe.each([
  { sessions: 'the memory of this command', programs: [] },
  { sessions: 'a Redis of this command', programs: ['redis-server'] as const },
])('npx mcp-anywhere dev, with sessions in $sessions', ({ sessions, programs }) => {
  const file = join(demo, 'src/server.ts')
  let dev: Running
  let url: URL
  let source: string

  beforeAll(async () => {
    source = readFileSync(file, 'utf8')
    const own = machineWith(`dev-${programs.length}`, { programs: programs.map(ensureBinary) })
    dev = own.start('npx mcp-anywhere dev', demo, { PORT: String(await freePort()) })
    url = new URL((await dev.line(/^MCP endpoint +(\S+)$/))[1] ?? '')
    await dev.line(new RegExp(`^Sessions in +${sessions}`))
  })
  afterEach(() => writeFileSync(file, source))
  afterAll(() => dev?.end())

  /** Changes the server. Resolves when `dev` has printed the line. */
  async function change(text: string, line: RegExp): Promise<void> {
    const first = dev.lines.length
    writeFileSync(file, text)
    await dev.line(line, first)
  }

  test('serves the official clients', async () => useTodos(url))

  describe.each(Object.entries(clients))('for client %s', (_, connect) => {
    test('serves a change without losing the session, on both instances; a syntax error keeps the old version', async () => {
      const client = await connect(url, () => ({ sure: true }))
      await client.call('clear_todos')
      await client.call('add_todos', { todos: ['tea'] })
      const tool = "server.registerTool('pid', {}, () => textResult(String(process.pid)))"
      await change(`${source}\n${tool}\n`, /The new version serves/)
      expect(await client.tools()).toContain('pid')
      const pids = new Set<string>()
      while (pids.size < 2) pids.add(await client.call('pid'))

      await change(`${source}\n${tool}\nconst = 1\n`, /src\/server\.ts:\d+:\d+: .*The version before serves on/)
      expect(pids).toContain(await client.call('pid'))
      expect(await client.call('add_todos', { todos: ['bread'] })).toBe('There are 2 things to do.')

      await change(source, /The new version serves/)
      await expect(client.call('pid')).rejects.toThrow(/pid/)
      await client.close()
    })
  })
})

test('the README has a snippet with which a local host starts the server', async () => {
  const [, snippet = ''] =
    /\*\*Claude Desktop\*\*[\s\S]*?```json\n([\s\S]*?)```/.exec(readFileSync(join(demo, 'README.md'), 'utf8')) ?? []
  const { command, args } = JSON.parse(snippet.replaceAll('/path/to/demo', demo)).mcpServers.demo
  const client = new Client({ name: 'host', version: '1.0.0' })
  // A host starts the command in a folder of its own.
  await client.connect(new StdioClientTransport({ command, args, cwd: folder, env: { ...machine.env } }))
  const { tools } = await client.listTools()
  expect(tools.map(({ name }) => name)).toEqual(['add_todos', 'clear_todos'])
  await client.close()
})

describe('what is deployed', () => {
  const secret = Buffer.alloc(32, 7).toString('base64')
  let redis: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.stop())

  test('the Lambda package has the server', async () => {
    await machine.run('npx mcp-anywhere build --target lambda', demo)
    const env = { REDIS_URL: redis.url, MCP_SECRET: secret, POLL_WAIT_SECONDS: '0.2' }
    // An environment may still run for a client that has left, and a request that finds none gets 429.
    const lambda = await startLambda({ task: join(demo, 'dist/lambda'), env, limit: 10 })
    try {
      await useTodos(lambda.url)
    } finally {
      await lambda.stop()
    }
  })

  test('serverless.yml packages the function under the name of the project', async () => {
    const osls = join(root, 'node_modules/osls/bin/serverless.js')
    await run(process.execPath, [osls, 'package'], { cwd: demo, env: { HOME: folder } })
    const template = readFileSync(join(demo, '.serverless/cloudformation-template-update-stack.json'), 'utf8')
    const functions = Object.values(
      JSON.parse(template).Resources as Record<string, { Type: string; Properties: object }>,
    )
    expect(functions.filter(({ Type }) => Type === 'AWS::Lambda::Function')).toMatchObject([
      {
        Properties: {
          FunctionName: 'demo-prod-mcp',
          Handler: 'dist/lambda/lambda.handler',
          Environment: { Variables: { AUTH_ISSUER: 'https://auth.example.com' } },
        },
      },
    ])
    expect(statSync(join(demo, '.serverless/demo.zip')).size).toBeGreaterThan(100_000)
  })

  test('the steps of the image make a folder that serves the server', async () => {
    // As in a clone: nothing that was built or installed here.
    const clone = join(folder, 'clone')
    cpSync(demo, clone, { recursive: true, filter: (path) => !/\/(node_modules|dist|\.serverless)$/.test(path) })
    writeFileSync(join(clone, '.env'), 'PORT=1\n')
    const steps: string[] = []
    const stage = runSteps({
      project: clone,
      folder: join(folder, 'image'),
      say: (step) => steps.push(step),
      env: { npm_config_registry: `${registry.url}/` },
    })
    expect(steps).toContain('RUN npm ci')
    expect(() => statSync(join(folder, 'image/build/build/.env'))).toThrow(/ENOENT/)
    const running = await startStage(stage, { REDIS_URL: redis.url, MCP_SECRET: secret })
    try {
      await useTodos(new URL('/mcp', running.url))
    } finally {
      running.stop()
    }
  })
})

test('npm update brings a new version of the package, and changes no other file', async () => {
  const own = ['package.json', 'src/server.ts', 'serverless.yml', 'infra/Dockerfile'].map((name) => join(demo, name))
  const before = own.map((file) => readFileSync(file, 'utf8'))
  const next = join(folder, 'next')
  cpSync(join(demo, 'node_modules/mcp-anywhere'), next, { recursive: true })
  const manifest = JSON.parse(readFileSync(join(next, 'package.json'), 'utf8'))
  const version = manifest.version.replace(/\d+$/, (patch: string) => String(Number(patch) + 1))
  writeFileSync(join(next, 'package.json'), JSON.stringify({ ...manifest, version }))
  await machine.run('npm publish', next)
  await machine.run('npm update', demo)
  expect(JSON.parse(await machine.run('npm ls mcp-anywhere --json', demo)).dependencies['mcp-anywhere'].version).toBe(
    version,
  )
  expect(own.map((file) => readFileSync(file, 'utf8'))).toEqual(before)
  await machine.run('npm run types && npm test', demo)
})
