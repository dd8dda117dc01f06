/** The parameters of a stage are in one file, which every `npm run deploy` and `npm run package` reads. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { parseEnvironment } from '../../lib/platform/environment.ts'
import { root } from '../../tools/build.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-stages-'))
const stageFile = (stage = 'prod') => join(folder, `infra/aws/stages/${stage}.yml`)
const template = join(folder, '.serverless/cloudformation-template-update-stack.json')

/** The server of the project is this fixture from now on. */
function serve(name: string): void {
  const server = join(root, `test/fixtures/${name}.ts`)
  writeFileSync(join(folder, 'mcp.config.ts'), `export default { server: ${JSON.stringify(server)} }`)
}

beforeAll(() => {
  for (const name of ['serverless.yml', 'infra']) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  serve('small')
})
beforeEach(() => {
  rmSync(join(folder, '.serverless'), { recursive: true, force: true })
  cpSync(join(root, 'infra/aws/stages'), join(folder, 'infra/aws/stages'), { recursive: true })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Removes the network of a process, where the system can. */
const offline = spawnSync('unshare', ['-rn', 'true']).status === 0 ? ['unshare', '-rn'] : []

/** Runs the program of an npm script. A deployment renders everything and then fails, since there is no account. */
function run(script: 'deploy' | 'package', ...args: string[]) {
  const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts
  const [tool = '', command = ''] = scripts[script].split(' ').slice(2)
  expect(scripts[script]).toBe(`node tools/node.mjs tools/deploy.ts ${script}`)
  const [program = '', ...rest] = [...offline, process.execPath, join(root, tool), command, ...args]
  const env = {
    PATH: process.env.PATH,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    HOME: folder,
    AWS_ACCESS_KEY_ID: 'none',
    AWS_SECRET_ACCESS_KEY: 'none',
    HTTPS_PROXY: 'http://127.0.0.1:9',
    HTTP_PROXY: 'http://127.0.0.1:9',
  }
  return spawnSync(program, rest, { cwd: folder, env, encoding: 'utf8' })
}

interface Rendered {
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation has a shape for each of its types
  Resources: Record<string, { Type: string; Properties: any }>
}

/** What the last command rendered, without what differs from one minute to the next. */
function rendered(): Rendered {
  const text = readFileSync(template, 'utf8')
  return JSON.parse(text.replaceAll(/\d{13}(-\d{4}-\d\d-\d\dT[\d:.]+Z)?/g, 'now')) as Rendered
}

/** What differs from one server to the next: the version of the function, and the digest of its code. */
function withoutVersion(given: Rendered): unknown {
  const text = JSON.stringify(given)
  return JSON.parse(
    text.replace(/McpLambdaVersion\w+/g, 'McpLambdaVersion').replace(/"CodeSha256":"[^"]+"/g, '"CodeSha256":"digest"'),
  )
}
const versionOf = ({ Resources }: Rendered) => Object.keys(Resources).find((name) => /^McpLambdaVersion/.test(name))

function variables({ Resources }: Rendered): Record<string, string> {
  const [fn] = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function')
  return fn?.Properties.Environment.Variables
}

/** The stages' file as docs/deploy.md shows it. */
function documented(): string {
  const [, text = ''] =
    /```yaml\n([^`]*authIssuer:[^`]*)```/.exec(readFileSync(join(root, 'docs/deploy.md'), 'utf8')) ?? []
  expect(parse(text)).toMatchObject({ authIssuer: expect.any(String) })
  return text
}

describe('the documented upgrade', () => {
  let first: Rendered
  beforeAll(() => {
    cpSync(join(root, 'infra/aws/stages'), join(folder, 'infra/aws/stages'), { recursive: true })
    writeFileSync(stageFile(), documented())
    run('deploy')
    first = rendered()
  })

  test('has the authorization, the hosts, the origins and the front of the deployment before', () => {
    writeFileSync(stageFile(), documented())
    // A new version of the server comes, and the documented command is repeated as it is.
    rmSync(join(folder, 'dist'), { recursive: true })
    serve('long-task')
    run('deploy')
    serve('small')
    const second = rendered()
    expect(versionOf(second)).not.toBe(versionOf(first))
    expect(withoutVersion(second)).toEqual(withoutVersion(first))

    const { authIssuer, authAudience, allowedHosts, allowedOrigins, environment } = parse(documented())
    expect(variables(second)).toMatchObject({
      AUTH_ISSUER: authIssuer,
      AUTH_AUDIENCE: authAudience,
      // CloudFront, before the API, names the API as host.
      ALLOWED_HOSTS: { 'Fn::Join': [',', [allowedHosts, { 'Fn::Join': ['.', expect.anything()] }]] },
      ALLOWED_ORIGINS: allowedOrigins,
      ...environment,
    })
    const settings = variables(second)
    const texts = { ...settings, ALLOWED_HOSTS: allowedHosts, REDIS_URL: undefined, MCP_SECRET: undefined }
    const { endpoint } = parseEnvironment({ HOST: '0.0.0.0', ...texts })
    expect(endpoint.auth).toMatchObject({ issuer: [authIssuer], resource: authAudience })
    expect(endpoint.allowedHosts).toEqual([allowedHosts])
    expect(endpoint.allowedOrigins).toEqual([allowedOrigins])
    const types = Object.values(second.Resources).map(({ Type }) => Type)
    expect(types).toContain('AWS::ApiGateway::RestApi')
    expect(types).not.toContain('AWS::Lambda::Url')
  })

  test('is rendered alike by npm run package', () => {
    writeFileSync(stageFile(), documented())
    expect(run('package').status).toBe(0)
    expect(rendered()).toEqual(first)
  })
})

test('another stage has a file of its own', () => {
  writeFileSync(stageFile('dev'), 'open: true\nmemory: 1024\nregion: us-west-2\n')
  expect(run('package', '--stage', 'dev').status).toBe(0)
  const text = readFileSync(template, 'utf8')
  expect(text).toContain('mcp-anywhere-dev-mcp')
  expect(text).toContain('"MemorySize": 1024')
  expect(variables(rendered()).AUTH_ISSUER).toBe('')
})

test('the function has the server that the settings of the project name', () => {
  writeFileSync(stageFile(), 'open: true\n')
  const { status, stdout } = run('package')
  expect(status).toBe(0)
  expect(stdout).toMatch(/^lambda\/lambda\.mjs {2}endpoint \d+ KB, server \d+ KB/m)
  const files = readdirSync(join(folder, 'dist/lambda')).filter((name) => name.endsWith('.mjs'))
  const text = files.map((name) => readFileSync(join(folder, 'dist/lambda', name), 'utf8')).join('\n')
  expect(text).toContain('description:"Greets"')
  expect(text).not.toContain('Notes of the user')
})

describe('a deployment stops with one line, and renders nothing,', () => {
  const FILE = 'infra/aws/stages/prod.yml'
  const auth = 'authIssuer: https://auth.example.com\nauthAudience: https://mcp.example.com/mcp\n'
  test.each<[string, string | undefined, string[], RegExp]>([
    ['where nobody has decided about authorization', undefined, [], /prod\.yml: authIssuer is missing\..*open: true/],
    ['where authorization is forgotten', 'memory: 1024', [], /prod\.yml: authIssuer is missing\..*open: true/],
    ['where the issuer is empty', "authIssuer: ''\nopen: false", [], /authIssuer is missing/],
    ['where open is a word', 'open: yes please', [], /open must be true or false/],
    ['where it is open and has an issuer', `${auth}open: true`, [], /exclude each other/],
    ['where the audience is missing', 'authIssuer: https://auth.example.com', [], /AUTH_AUDIENCE must be/],
    [
      'where the issuer is no https URL',
      auth.replace('https://auth', 'http://auth'),
      [],
      /AUTH_\*: issuer must be an https/,
    ],
    [
      'where a parameter is misspelled',
      `${auth}alowedHosts: mcp.example.com`,
      [],
      /alowedHosts is no parameter; there are/,
    ],
    ['where a variable is misspelled', `${auth}environment: { MAX_STREAM: 5 }`, [], /MAX_STREAM, which the endpoint/],
    [
      'where a variable has a bad value',
      `${auth}environment: { MAX_STREAMS: many }`,
      [],
      /MAX_STREAMS must be a whole/,
    ],
    [
      'where a variable would overrule a parameter',
      `${auth}environment: { AUTH_ISSUER: '' }`,
      [],
      /parameter is authIssuer/,
    ],
    ['where the file is not YAML', 'open: [true', [], /prod\.yml: /],
    ['where the stage has no file', auth, ['--stage', 'staging'], /There is no infra\/aws\/stages\/staging\.yml/],
    ['for a parameter that the next deployment would not have', auth, ['--param', 'memory=512'], /--param would hold/],
    ['for a parameter with =', auth, ['--param=authIssuer=x'], new RegExp(`--param would hold.* ${FILE}`)],
    ['for a region that the next deployment would not have', auth, ['--region', 'us-east-1'], /--region would hold/],
  ])('%s', (_what, text, args, line) => {
    mkdirSync(join(folder, 'infra/aws/stages'), { recursive: true })
    if (text !== undefined) writeFileSync(stageFile(), text)
    for (const script of ['package', 'deploy'] as const) {
      const { status, stdout, stderr } = run(script, ...args)
      expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(line)])
      expect(stdout).toBe('')
      expect(status).toBe(1)
      expect(() => rendered()).toThrow(/ENOENT/)
    }
  })

  test('also where osls is run without the check', () => {
    writeFileSync(stageFile(), 'memory: 1024\n')
    const osls = join(root, 'node_modules/osls/bin/serverless.js')
    const { status } = spawnSync(process.execPath, [osls, 'package'], { cwd: folder, env: { PATH: process.env.PATH } })
    expect(status).toBe(1)
    expect(() => rendered()).toThrow(/ENOENT/)
  })
})
