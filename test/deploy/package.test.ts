/** The result of `npm run package` for AWS, without an account and without a network. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bundle, root } from '../../tools/build.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

interface Resource {
  Type: string
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation has a shape for each of its types
  Properties: any
}
interface Template {
  Resources: Record<string, Resource>
}

const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-package-'))
/** In a folder of its own, because other tests build too. */
beforeAll(async () => {
  for (const name of ['serverless.yml', 'infra']) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  await bundle({ server: join(root, 'test/fixtures/small.ts'), out: join(folder, 'dist') })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Removes the network of a process, where the system can; elsewhere the process gets a proxy that does not exist. */
const offline = spawnSync('unshare', ['-rn', 'true']).status === 0 ? ['unshare', '-rn'] : []

const NO_PROXY = 'http://127.0.0.1:9'

function packaged(front: string, ...more: string[]): Template {
  const params = [`front: ${front}`, 'open: true', ...more]
  writeFileSync(join(folder, 'infra/aws/stages/prod.yml'), params.join('\n'))
  const out = join(folder, `out-${front}-${more.length}`)
  const osls = join(root, 'node_modules/osls/bin/serverless.js')
  const [command = '', ...args] = [...offline, process.execPath, osls, 'package', '--package', out]
  const { PATH, NODE_COMPILE_CACHE } = process.env
  execFileSync(command, args, {
    cwd: folder,
    // Neither the variables nor the home folder have credentials.
    env: { PATH, NODE_COMPILE_CACHE, HOME: folder, HTTPS_PROXY: NO_PROXY, HTTP_PROXY: NO_PROXY },
    stdio: 'pipe',
  })
  return JSON.parse(readFileSync(join(out, 'cloudformation-template-update-stack.json'), 'utf8')) as Template
}

function ofType(template: Template, type: string): Resource['Properties'][] {
  return Object.values(template.Resources).flatMap((resource) => (resource.Type === type ? [resource.Properties] : []))
}

describe.each(['url', 'rest', 'http'])('behind %s', (front) => {
  let template: Template
  let text: string
  beforeAll(() => {
    template = packaged(front)
    text = JSON.stringify(template)
  })

  test('the function is the bundle, on arm64, in the private subnets', () => {
    const [fn, ...more] = ofType(template, 'AWS::Lambda::Function')
    expect(more).toEqual([])
    expect(fn).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: front === 'http' ? 'dist/lambda/lambda-buffered.handler' : 'dist/lambda/lambda.handler',
      VpcConfig: { SubnetIds: [{ Ref: 'SubnetA' }, { Ref: 'SubnetB' }], SecurityGroupIds: [{ Ref: 'FunctionGroup' }] },
    })
  })

  test('responses are streamed where the gateway can stream', () => {
    const urls = ofType(template, 'AWS::Lambda::Url')
    const methods = ofType(template, 'AWS::ApiGateway::Method')
    if (front === 'url') expect(urls).toMatchObject([{ InvokeMode: 'RESPONSE_STREAM', AuthType: 'NONE' }])
    else expect(urls).toEqual([])
    if (front === 'rest') {
      expect(methods).toMatchObject([{ Integration: { ResponseTransferMode: 'STREAM', TimeoutInMillis: 900_000 } }])
      expect(JSON.stringify(methods)).toContain('/response-streaming-invocations')
      expect(ofType(template, 'AWS::ApiGateway::RestApi')[0].EndpointConfiguration.Types).toEqual(['REGIONAL'])
    } else expect(methods).toEqual([])
    if (front === 'http') {
      const [fn] = ofType(template, 'AWS::Lambda::Function')
      expect(fn.Timeout).toBeLessThan(30)
      expect(ofType(template, 'AWS::ApiGatewayV2::Integration')).toHaveLength(1)
    }
  })

  test('the function may be invoked through its front only', () => {
    for (const permission of ofType(template, 'AWS::Lambda::Permission')) {
      if (permission.Principal !== '*') expect(permission.Principal).toBe('apigateway.amazonaws.com')
      else if (permission.Action === 'lambda:InvokeFunction') expect(permission.InvokedViaFunctionUrl).toBe(true)
      else expect(permission).toMatchObject({ Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'NONE' })
    }
  })

  test('nothing binds a client to an instance', () => {
    expect(text).not.toMatch(/sticky|affinity|stickiness/i)
  })

  test('the sealing key and the password of Valkey are references to secrets', () => {
    const { MCP_SECRET, REDIS_URL } = ofType(template, 'AWS::Lambda::Function')[0].Environment.Variables
    expect(MCP_SECRET).toEqual({ 'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: 'SealingKey' }, '}}']] })
    expect(JSON.stringify(REDIS_URL)).toMatch(/^{"Fn::Join":\["",\["rediss:\/\/:{{resolve:secretsmanager:/)
    const secrets = ofType(template, 'AWS::SecretsManager::Secret')
    expect(secrets).toHaveLength(2)
    for (const secret of secrets) expect(secret).not.toHaveProperty('SecretString')
    // 32 bytes or more in characters of base64.
    const { PasswordLength, ExcludePunctuation } = (template.Resources.SealingKey as Resource).Properties
      .GenerateSecretString
    expect(Math.floor((PasswordLength * 6) / 8)).toBeGreaterThanOrEqual(32)
    expect(ExcludePunctuation).toBe(true)
    expect(text).not.toMatch(/NoEcho|AuthToken":"[^{]/)
  })

  test('Valkey requires TLS and a password, and accepts connections of the function only', () => {
    expect(ofType(template, 'AWS::ElastiCache::ReplicationGroup')).toMatchObject([
      {
        Engine: 'valkey',
        TransitEncryptionEnabled: true,
        TransitEncryptionMode: 'required',
        AtRestEncryptionEnabled: true,
        AuthToken: { 'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: 'CachePassword' }, '}}']] },
        SecurityGroupIds: [{ Ref: 'CacheGroup' }],
      },
    ])
    expect(ofType(template, 'AWS::ElastiCache::ParameterGroup')[0].Properties['maxmemory-policy']).toBe('noeviction')
    const { SecurityGroupIngress } = (template.Resources.CacheGroup as Resource).Properties
    expect(SecurityGroupIngress).toEqual([
      { IpProtocol: 'tcp', FromPort: 6379, ToPort: 6379, SourceSecurityGroupId: { Ref: 'FunctionGroup' } },
    ])
    expect((template.Resources.FunctionGroup as Resource).Properties).not.toHaveProperty('SecurityGroupIngress')
  })

  test('the role of the function allows its log and nothing else', () => {
    const [role, ...more] = ofType(template, 'AWS::IAM::Role')
    expect(more).toEqual([])
    expect(role).not.toHaveProperty('ManagedPolicyArns')
    // biome-ignore lint/suspicious/noExplicitAny: statements of policies
    const statements: any[] = role.Policies.flatMap((policy: any) => policy.PolicyDocument.Statement)
    expect(statements.flatMap(({ Action }) => Action).filter((action) => action.includes('*'))).toEqual([])
    const [log, network, forbidden, ...others] = statements
    expect(others).toEqual([])
    expect(log).toMatchObject({ Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'] })
    expect(log.Resource['Fn::Sub']).toMatch(/:log-group:\/aws\/lambda\/mcp-anywhere-prod-mcp:\*$/)
    // Lambda connects the function to its network with this role. The code of the function may not use that.
    expect(network.Effect).toBe('Allow')
    expect(forbidden).toMatchObject({
      Effect: 'Deny',
      Action: network.Action,
      Condition: {
        ArnEquals: { 'lambda:SourceFunctionArn': { 'Fn::Sub': expect.stringMatching(/:mcp-anywhere-prod-mcp$/) } },
      },
    })
  })
})

test('the archive has the bundle and nothing else', () => {
  const archive = readFileSync(join(folder, 'out-url-0', 'mcp-anywhere.zip'))
  // The names in its directory, at the end.
  const names: string[] = []
  for (let at = archive.indexOf('PK\x01\x02'); at >= 0; at = archive.indexOf('PK\x01\x02', at + 46)) {
    const length = archive.readUInt16LE(at + 28)
    names.push(archive.toString('utf8', at + 46, at + 46 + length))
  }
  expect(names).toContain('dist/lambda/lambda.mjs')
  expect(names.filter((name) => !/^dist\/lambda\/[\w-]+\.[cm]js(\.map)?$/.test(name))).toEqual([])
})

test("params of the stage's file set memory, timeout, GET policy and cache nodes", () => {
  const template = packaged('url', 'memory: 1024', 'timeout: 60', "getPolicy: 'off'", 'cacheNodes: 1')
  expect(ofType(template, 'AWS::Lambda::Function')[0]).toMatchObject({
    MemorySize: 1024,
    Timeout: 60,
    Environment: { Variables: { GET_POLICY: 'off' } },
  })
  expect(String(ofType(template, 'AWS::ElastiCache::ReplicationGroup')[0].NumCacheClusters)).toBe('1')
})
