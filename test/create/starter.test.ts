/** What `npm create mcp-anywhere` writes, and what it refuses. test/more/create runs it from a registry. */
import { execFile, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Service } from '@kubernetes-models/knative/serving.knative.dev/v1/Service'
import { validate } from 'dockerfile-utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../tools/build.ts'
import { buildStarter } from '../../tools/build-starter.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-starter-'))
const starter = join(folder, 'starter')
beforeAll(() => {
  buildStarter(starter)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the starter in an empty folder, or in the one that is given. */
function create(args: string[], cwd = mkdtempSync(join(folder, 'work-'))) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(starter, 'index.mjs'), ...args], {
    cwd,
    encoding: 'utf8',
  })
  return { cwd, status, stdout, stderr }
}

function filesIn(project: string): string[] {
  const entries = readdirSync(project, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name).slice(project.length + 1)).sort()
}

describe('the project', () => {
  let project: string
  const read = (name: string) => readFileSync(join(project, name), 'utf8')
  beforeAll(() => {
    const { cwd, status, stderr } = create(['my-todos', '--no-install'])
    expect([status, stderr]).toEqual([0, ''])
    project = join(cwd, 'my-todos')
  })

  test('has the server, its test, its settings, the deployments and CI', () => {
    const files = filesIn(project)
    expect(files.filter((file) => !file.startsWith('infra/'))).toEqual([
      '.env.example',
      '.github/workflows/ci.yml',
      '.gitignore',
      'README.md',
      'mcp.config.ts',
      'package.json',
      'serverless.yml',
      'src/server.ts',
      'test/server.test.ts',
      'tsconfig.json',
    ])
    const infra = filesIn(join(root, 'infra')).filter((file) => file !== '.env')
    expect(files.filter((file) => file.startsWith('infra/'))).toEqual(infra.map((file) => `infra/${file}`))
  })

  test('has its name everywhere, and no placeholder', () => {
    for (const file of filesIn(project)) expect(read(file), file).not.toMatch(/\{\{(name|deployment|version)/)
    expect(JSON.parse(read('package.json')).name).toBe('my-todos')
    expect(read('src/server.ts')).toContain("name: 'my-todos'")
    expect(parse(read('serverless.yml')).service).toBe('my-todos')
    expect(parse(read('infra/cloudrun/service.yaml')).metadata.name).toBe('my-todos')
    expect(parse(read('infra/compose.yaml')).name).toBe('my-todos')
    expect(read('README.md')).toContain('claude mcp add --transport http my-todos http://127.0.0.1:3000/mcp')
  })

  test('has the deployments of the repository under its own name', () => {
    const deployments = filesIn(project).filter((file) => /^(infra\/|serverless)/.test(file))
    const others = deployments.filter((file) => !/Dockerfile|prod\.yml/.test(file))
    for (const file of others) {
      const text = read(file)
        .replaceAll('node_modules/mcp-anywhere/docs/', 'docs/')
        .replaceAll('my-todos', 'mcp-anywhere')
      expect(text, file).toBe(readFileSync(join(root, file), 'utf8'))
    }
    expect(() => new Service(parse(read('infra/cloudrun/service.yaml'))).validate()).not.toThrow()
  })

  test('names an authorization server that lets nobody in, and every parameter of the repository', () => {
    const stage = read('infra/aws/stages/prod.yml')
    expect(parse(stage)).toEqual({
      authIssuer: 'https://auth.example.com',
      authAudience: 'https://mcp.example.com/mcp',
    })
    const named = (text: string) => [...text.matchAll(/^(?:# )?(\w+): /gm)].map(([, name]) => name)
    expect(named(stage)).toEqual(named(readFileSync(join(root, 'infra/aws/stages/prod.yml'), 'utf8')))
  })

  test('has a Dockerfile whose image is that of the repository, built from the files of the project', () => {
    const text = read('infra/Dockerfile')
    const last = (file: string) => file.slice(file.lastIndexOf('FROM '))
    expect(validate(text)).toEqual([])
    expect(last(text)).toBe(last(readFileSync(join(root, 'infra/Dockerfile'), 'utf8')))
    expect(text).not.toMatch(/COPY (lib|functions|tools)/)
  })

  test('keeps secrets, packages and builds out of the image and out of git', () => {
    for (const name of ['.gitignore', 'infra/Dockerfile.dockerignore']) {
      expect(
        read(name)
          .split('\n')
          .map((line) => line.replace(/^\*\*\//, '').replace(/[/*]$/, '')),
        name,
      ).toEqual(expect.arrayContaining(['node_modules', 'dist', '.env', '.serverless']))
    }
  })

  test('has a README and a workflow whose commands exist, and snippets for clients that are JSON', () => {
    const { scripts } = JSON.parse(read('package.json'))
    for (const file of ['README.md', '.github/workflows/ci.yml']) {
      for (const [, script = ''] of read(file).matchAll(/\bnpm run (\w+)/g))
        expect(Object.keys(scripts)).toContain(script)
    }
    const snippets = [...read('README.md').matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) => JSON.parse(text))
    const servers = snippets.map((snippet) => (snippet.mcpServers ?? snippet.servers)['my-todos'])
    expect(servers).toEqual([
      { command: 'npm', args: expect.arrayContaining(['/path/to/my-todos', '--stdio']) },
      { url: 'http://127.0.0.1:3000/mcp' },
      { type: 'http', url: 'http://127.0.0.1:3000/mcp' },
    ])
  })

  test('uses the versions that the repository is tested with', () => {
    const ours = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const { dependencies, devDependencies, scripts } = JSON.parse(read('package.json'))
    expect(dependencies).toEqual({ 'mcp-anywhere': `^${ours.version}`, zod: `^${ours.devDependencies.zod}` })
    const { tsx, ...others } = devDependencies as Record<string, string>
    expect(tsx).toMatch(/^\^\d/)
    for (const [name, version] of Object.entries(others)) expect(version, name).toBe(`^${ours.devDependencies[name]}`)
    expect(scripts.deploy).toContain(`osls@${ours.devDependencies.osls} deploy`)
    expect(JSON.parse(readFileSync(join(starter, 'package.json'), 'utf8')).version).toBe(ours.version)
  })

  test('compiles, and passes its own test, with the sources of this repository', async () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json'))
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      const link = join(project, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(name === 'mcp-anywhere' ? root : join(root, 'node_modules', name), link)
    }
    const options = { cwd: project, env: { PATH: process.env.PATH } }
    const node = (...args: string[]) =>
      promisify(execFile)(process.execPath, args, options).catch((error) => {
        throw new Error(error.stdout + error.stderr)
      })
    const compilerOptions = { types: ['node'] }
    const settings = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['src', 'test', '*.ts'] }
    writeFileSync(join(project, 'tsconfig.repository.json'), JSON.stringify(settings))
    await node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.repository.json')
    const { stdout } = await node('--test', '--test-reporter=tap', 'test/server.test.ts')
    expect(stdout).toMatch(/^# fail 0$/m)
  })
})

test('a name that is no name of a service becomes one', () => {
  const { cwd } = create(['3d_models.v2', '--no-install'])
  expect(parse(readFileSync(join(cwd, '3d_models.v2/serverless.yml'), 'utf8')).service).toBe('mcp-3d-models-v2')
  expect(JSON.parse(readFileSync(join(cwd, '3d_models.v2/package.json'), 'utf8')).name).toBe('3d_models.v2')
})

test('without packages, the next steps begin with npm install', () => {
  expect(create(['demo', '--no-install']).stdout).toMatch(/^ {2}cd demo\n {2}npm install\n {2}npm run dev /m)
})

test('the present folder may be named, and a new git repository is empty', () => {
  const cwd = join(folder, 'present')
  mkdirSync(join(cwd, '.git'), { recursive: true })
  expect(create(['.', '--no-install'], cwd)).toMatchObject({ status: 0, stderr: '' })
  expect(JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')).name).toBe('present')
})

test.each([
  { args: [], line: 'Name the folder of the project: npm create mcp-anywhere demo' },
  { args: ['My Server'], line: 'npm allows no package with the name "My Server". Name the folder my-server.' },
  { args: ['.hidden'], line: 'npm allows no package with the name ".hidden". Name the folder hidden.' },
  {
    args: ['x'.repeat(215)],
    line: `npm allows no package with the name "${'x'.repeat(215)}". Name the folder ${'x'.repeat(214)}.`,
  },
  { args: ['***'], line: 'npm allows no package with the name "***". Name the folder a name such as my-server.' },
  {
    args: ['node_modules'],
    line: 'npm allows no package with the name "node_modules". Name the folder a name such as my-server.',
  },
  { args: ['zod'], line: 'The project uses a package named zod. Name the folder otherwise.' },
  { args: ['one', 'two'], line: '"two" is one argument too many: the only one is the folder.' },
  { args: ['demo', '--template'], line: 'There is no option --template; see --help.' },
])('$args is refused with one line, and nothing is written', ({ args, line }) => {
  const { cwd, ...result } = create(args)
  expect(result).toEqual({ status: 1, stdout: '', stderr: `${line}\n` })
  expect(readdirSync(cwd)).toEqual([])
})

test('a folder with files is refused, and they stay as they are', () => {
  const cwd = mkdtempSync(join(folder, 'full-'))
  mkdirSync(join(cwd, 'demo'))
  writeFileSync(join(cwd, 'demo/notes.txt'), 'mine')
  writeFileSync(join(cwd, 'file'), '')
  expect(create(['demo'], cwd).stderr).toBe('demo is not empty: it has notes.txt. Name another folder.\n')
  expect(create(['file'], cwd).stderr).toBe('file is a file. Name another folder.\n')
  expect(filesIn(cwd)).toEqual(['demo/notes.txt', 'file'])
})

test('where npm install fails, the project is there, and one line has the reason', () => {
  const cwd = mkdtempSync(join(folder, 'offline-'))
  // A PATH without npm.
  const args = [join(starter, 'index.mjs'), 'demo']
  const result = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', env: { PATH: join(folder, 'none') } })
  expect(result).toMatchObject({
    status: 1,
    stderr: 'npm install failed, and the project is complete but for its packages.\n',
  })
  expect(result.stdout).toMatch(/^ {2}npm install$/m)
  expect(existsSync(join(cwd, 'demo/src/server.ts'))).toBe(true)
})
