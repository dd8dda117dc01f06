/** The result of `npm run package` for AWS, without an account and without a network. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { endpointOf } from '../../lib/platform/lambda/tasks/invoke.ts'
import { EVERYTHING, type Packaging, packaging } from './packaging.ts'
import { holds, made, type Resource, settled, type Template } from './template.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let stages: Packaging
beforeAll(async () => {
  stages = await packaging()
})
afterAll(() => stages.remove())

function packaged(front: string, ...more: string[]): Template {
  return stages.rendered([`front: ${front}`, 'open: true', ...more].join('\n'), `out-${front}-${more.length}`)
}

function ofType(template: Template, type: string): Resource['Properties'][] {
  return Object.values(template.Resources).flatMap((resource) => (resource.Type === type ? [resource.Properties] : []))
}

/** The text of a Fn::Join, with the names of resources for their values. */
// biome-ignore lint/suspicious/noExplicitAny: functions of CloudFormation
function joined(template: Template, value: any): string {
  if (typeof value === 'string') return value
  if (value['Fn::Join'])
    return value['Fn::Join'][1].map((part: unknown) => joined(template, part)).join(value['Fn::Join'][0])
  if (value['Fn::If']) return joined(template, value['Fn::If'][holds(template, value['Fn::If'][0]) ? 1 : 2])
  if (value['Fn::GetAtt']) return value['Fn::GetAtt'].join('.')
  return value['Fn::Sub'] ?? value.Ref
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

  test('its front invokes the alias of the newest version, so that an earlier one can come back at once', () => {
    const targets = [
      ...ofType(template, 'AWS::Lambda::Url').map(({ TargetFunctionArn }) => TargetFunctionArn),
      ...ofType(template, 'AWS::ApiGateway::Method').map(({ Integration }) => Integration.Uri),
      ...ofType(template, 'AWS::ApiGatewayV2::Integration').map(({ IntegrationUri }) => IntegrationUri),
      ...ofType(template, 'AWS::Lambda::Permission').map(({ FunctionName }) => FunctionName),
    ]
    expect(targets.length).toBeGreaterThan(1)
    for (const target of targets) expect(JSON.stringify(target)).toContain('live')
    const [alias] = ofType(template, 'AWS::Lambda::Alias')
    const [version] = alias.FunctionVersion['Fn::GetAtt']
    expect(template.Resources[version]).toMatchObject({ Type: 'AWS::Lambda::Version', DeletionPolicy: 'Retain' })
  })

  test('nothing binds a client to an instance', () => {
    expect(text).not.toMatch(/sticky|affinity|stickiness/i)
  })

  test('the sealing key and the password of Valkey are references to secrets', () => {
    const { MCP_SECRET, REDIS_URL } = ofType(template, 'AWS::Lambda::Function')[0].Environment.Variables
    expect(MCP_SECRET).toEqual({ 'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: 'SealingKey' }, '}}']] })
    expect(joined(template, REDIS_URL)).toBe(
      'rediss://mcp-a:{{resolve:secretsmanager:CachePasswordA}}@Cache.PrimaryEndPoint.Address:6379',
    )
    const secrets = ofType(template, 'AWS::SecretsManager::Secret')
    expect(secrets).toHaveLength(3)
    for (const secret of secrets) expect(secret).not.toHaveProperty('SecretString')
    // 32 bytes or more in characters of base64.
    const { PasswordLength, ExcludePunctuation } = (template.Resources.SealingKey as Resource).Properties
      .GenerateSecretString
    expect(Math.floor((PasswordLength * 6) / 8)).toBeGreaterThanOrEqual(32)
    expect(ExcludePunctuation).toBe(true)
    expect(text).not.toMatch(/NoEcho|AuthToken|Passwords":\["/)
  })

  test('Valkey requires TLS and a user, and accepts connections of the function only', () => {
    expect(ofType(template, 'AWS::ElastiCache::ReplicationGroup')).toMatchObject([
      {
        Engine: 'valkey',
        TransitEncryptionEnabled: true,
        TransitEncryptionMode: 'required',
        AtRestEncryptionEnabled: true,
        UserGroupIds: [{ Ref: 'CacheUsers' }],
        SecurityGroupIds: [{ Ref: 'CacheGroup' }],
      },
    ])
    expect(ofType(template, 'AWS::ElastiCache::ParameterGroup')[0].Properties['maxmemory-policy']).toBe('noeviction')
    const { SecurityGroupIngress } = (template.Resources.CacheGroup as Resource).Properties
    expect(SecurityGroupIngress).toEqual([
      { IpProtocol: 'tcp', FromPort: 6379, ToPort: 6380, SourceSecurityGroupId: { Ref: 'FunctionGroup' } },
    ])
    expect((template.Resources.FunctionGroup as Resource).Properties).not.toHaveProperty('SecurityGroupIngress')
  })

  test('the role of the function allows its log and nothing else', () => {
    const [role, ...more] = ofType(template, 'AWS::IAM::Role')
    expect(more).toEqual([])
    expect(role).not.toHaveProperty('ManagedPolicyArns')
    // biome-ignore lint/suspicious/noExplicitAny: statements of policies
    const policies: any[] = role.Policies.map((policy: any) => policy['Fn::If']?.[1] ?? policy)
    const onlyWhenAsked = policies.splice(1, 2)
    expect(onlyWhenAsked.map(({ PolicyName }) => PolicyName)).toEqual(['tracing', 'own-tasks'])
    expect(['HasTracing', 'HasTasks'].filter((name) => holds(template, name))).toEqual([])
    expect(text).not.toContain('RecursiveLoop')
    // biome-ignore lint/suspicious/noExplicitAny: statements of policies
    const statements: any[] = policies.flatMap((policy) => policy.PolicyDocument.Statement)
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
  const archive = readFileSync(join(stages.folder, 'out-url-0', 'mcp-anywhere.zip'))
  // The names in its directory, at the end.
  const names: string[] = []
  for (let at = archive.indexOf('PK\x01\x02'); at >= 0; at = archive.indexOf('PK\x01\x02', at + 46)) {
    const length = archive.readUInt16LE(at + 28)
    names.push(archive.toString('utf8', at + 46, at + 46 + length))
  }
  expect(names).toContain('dist/lambda/lambda.mjs')
  expect(names.filter((name) => !/^dist\/lambda\/[\w-]+\.[cm]js(\.map)?$/.test(name))).toEqual([])
})

test("params of the stage's file set the region, the function, its variables and the cache", () => {
  const params = [
    ...['region: us-west-2', 'memory: 1024', 'timeout: 60', "getPolicy: 'off'", 'cacheNodes: 1'],
    ...['snapshots: 7', "snapshotTime: '23:30'", 'maintenance: mon:02:00-mon:03:00'],
    "environment: { METRICS_NAMESPACE: notes, SUSPEND_AFTER_SECONDS: '0' }",
  ]
  const template = packaged('url', ...params)
  const state = JSON.parse(
    readFileSync(join(stages.folder, `out-url-${params.length}`, 'serverless-state.json'), 'utf8'),
  )
  expect(state.service.provider.region).toBe('us-west-2')
  expect(ofType(template, 'AWS::Lambda::Function')[0]).toMatchObject({
    MemorySize: 1024,
    Timeout: 60,
    Environment: { Variables: { GET_POLICY: 'off', METRICS_NAMESPACE: 'notes', SUSPEND_AFTER_SECONDS: '0' } },
  })
  expect(ofType(template, 'AWS::ElastiCache::ReplicationGroup')[0]).toMatchObject({
    NumCacheClusters: 1,
    SnapshotRetentionLimit: 7,
    SnapshotWindow: '23:30-00:30',
    PreferredMaintenanceWindow: 'mon:02:00-mon:03:00',
  })
})

test('what a stage leaves out has values that an operator would choose', () => {
  const template = packaged('url')
  const [fn] = ofType(template, 'AWS::Lambda::Function')
  // Durable calls are suspended by the endpoint's own default on Lambda, and there are no metrics that cost something.
  for (const name of ['SUSPEND_AFTER_SECONDS', 'METRICS_NAMESPACE'])
    expect(fn.Environment.Variables).not.toHaveProperty(name)
  expect(settled(template).Resources.Cache?.Properties).toMatchObject({
    NumCacheClusters: 2,
    AutomaticFailoverEnabled: true,
    MultiAZEnabled: true,
    SnapshotRetentionLimit: 1,
    SnapshotWindow: '03:00-04:00',
    PreferredMaintenanceWindow: 'sun:04:00-sun:05:00',
    AutoMinorVersionUpgrade: true,
  })
  const alarms = ofType(settled(template), 'AWS::CloudWatch::Alarm')
  expect(alarms.map(({ MetricName }) => MetricName).sort()).toEqual([
    ...['ConcurrentExecutions', 'DatabaseMemoryUsagePercentage', 'EngineCPUUtilization', 'Errors'],
    ...['Evictions', 'Throttles'],
  ])
})

describe('a stage with everything', () => {
  let template: Template
  const properties = (name: string) => (template.Resources[name] as Resource).Properties
  beforeAll(() => {
    template = stages.rendered(EVERYTHING, 'out-everything')
  })

  test('has CloudFront before the API, which restores WWW-Authenticate and caches nothing', () => {
    const { DistributionConfig } = properties('Edge')
    expect(DistributionConfig).toMatchObject({
      Aliases: ['mcp.example.com'],
      IPV6Enabled: true,
      Origins: [
        { OriginPath: '/prod', CustomOriginConfig: { OriginProtocolPolicy: 'https-only', OriginReadTimeout: 60 } },
      ],
      DefaultCacheBehavior: { Compress: false, ViewerProtocolPolicy: 'https-only' },
    })
    const { LambdaFunctionAssociations } = DistributionConfig.DefaultCacheBehavior
    expect(holds(template, LambdaFunctionAssociations['Fn::If'][0])).toBe(true)
    expect(LambdaFunctionAssociations['Fn::If'][1][0]).toMatchObject({ EventType: 'origin-response' })
    expect(ofType(template, 'AWS::ApiGateway::Method')[0].Integration.ResponseTransferMode).toBe('STREAM')
    const { ALLOWED_HOSTS } = properties('McpLambdaFunction').Environment.Variables
    expect(joined(template, ALLOWED_HOSTS)).toMatch(/^mcp\.example\.com,ApiGatewayRestApi\.execute-api\./)
  })

  test('is invoked through its alias alone, which takes up a new version step by step and goes back at an alarm', () => {
    const alias = template.Resources.LiveAlias as Resource
    expect(alias.UpdatePolicy.CodeDeployLambdaAliasUpdate.DeploymentGroupName).toEqual({ Ref: 'ReleaseGroup' })
    const version = alias.Properties.FunctionVersion['Fn::GetAtt'][0]
    expect(template.Resources[version]?.Type).toBe('AWS::Lambda::Version')
    expect(properties('ReleaseGroup')).toMatchObject({
      DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      AlarmConfiguration: { Enabled: true, Alarms: [{ Name: { Ref: 'ErrorsAlarm' } }] },
      AutoRollbackConfiguration: { Enabled: true },
    })
    const [permission, ...more] = ofType(template, 'AWS::Lambda::Permission')
    expect(more).toEqual([])
    expect(joined(template, permission.FunctionName)).toBe('McpLambdaFunction.Arn:live')
    expect(JSON.stringify(ofType(template, 'AWS::ApiGateway::Method')[0].Integration.Uri)).toContain('live')
  })

  test('has bounds: concurrency, a throttle, a budget, and alarms that send mail', () => {
    expect(properties('McpLambdaFunction').ReservedConcurrentExecutions).toBe(200)
    expect(ofType(template, 'AWS::ApiGateway::Deployment')[0].StageDescription.MethodSettings).toEqual([
      { HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 100, ThrottlingBurstLimit: 150 },
    ])
    expect(properties('ConcurrencyAlarm').Threshold).toBe(160)
    expect(properties('Budget').Budget.BudgetLimit.Amount).toBe(50)
    expect(properties('Alarms').Subscription['Fn::If'][1]).toEqual([{ Protocol: 'email', Endpoint: 'ops@example.com' }])
    const alarms = ofType(template, 'AWS::CloudWatch::Alarm')
    expect(alarms.map(({ MetricName }) => MetricName)).toEqual(
      expect.arrayContaining(['Errors', 'Throttles', 'ConcurrentExecutions', 'Evictions', 'BytesUsedForCache']),
    )
    for (const alarm of alarms) expect(alarm.AlarmActions).toEqual([{ Ref: 'Alarms' }])
  })

  test('has a serverless cache in place of nodes, with the user that the stage names', () => {
    const names = made(template)
    expect(names).toContain('ServerlessCache')
    expect(names).not.toContain('Cache')
    expect(properties('ServerlessCache')).toMatchObject({
      UserGroupId: { Ref: 'CacheUsers' },
      Engine: 'valkey',
      SnapshotRetentionLimit: 1,
      DailySnapshotTime: '03:00',
    })
    const { REDIS_URL } = properties('McpLambdaFunction').Environment.Variables
    expect(joined(template, REDIS_URL)).toBe(
      'rediss+cluster://mcp-b:{{resolve:secretsmanager:CachePasswordB}}@ServerlessCache.Endpoint.Address:6379',
    )
    for (const user of ofType(template, 'AWS::ElastiCache::User'))
      expect(user.AccessString).toContain('on ~notes:* -@all ')
  })

  test('reaches IPv4 through a NAT gateway whose subnet has a way out', () => {
    expect(made(template)).toEqual(
      expect.arrayContaining([
        'Internet',
        'InternetOfNetwork',
        'PublicSubnet',
        'PublicRouteOut',
        'Nat',
        'RouteOutIpv4',
      ]),
    )
    expect(properties('Nat').SubnetId).toEqual({ Ref: 'PublicSubnet' })
    expect(properties('RoutesOfPublic')).toEqual({
      RouteTableId: { Ref: 'PublicRoutes' },
      SubnetId: { Ref: 'PublicSubnet' },
    })
    const egress = properties('FunctionGroup').SecurityGroupEgress.at(-1)['Fn::If']
    expect(holds(template, egress[0])).toBe(true)
    expect(egress[1]).toMatchObject({ FromPort: 443, CidrIp: '0.0.0.0/0' })
  })

  test('runs the legs of tasks in invocations of its own, which its network lets it make', () => {
    const { Resources } = template
    const [fn] = ofType(template, 'AWS::Lambda::Function')
    expect(fn.Environment.Variables.TASK_EXECUTOR).toBe('lambda')
    // Lambda would stop a task at its 16th leg otherwise.
    expect(fn.RecursiveLoop).toBe('Allow')
    const [events] = ofType(template, 'AWS::Lambda::EventInvokeConfig')
    expect(events).toMatchObject({ Qualifier: 'live', MaximumRetryAttempts: 2 })
    expect(Resources.TaskEvents?.DependsOn).toBe('LiveAlias')
    expect(Resources.LiveAlias?.Properties.Name).toBe('live')

    // The role: itself, by the alias, and nothing else.
    const role = Resources.FunctionRole?.Properties
    // biome-ignore lint/suspicious/noExplicitAny: statements of policies
    const policies: any[] = role.Policies.map((policy: any) => policy['Fn::If']?.[1] ?? policy)
    const own = policies.find(({ PolicyName }) => PolicyName === 'own-tasks')
    expect(holds(template, 'HasTasks')).toBe(true)
    expect(own.PolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: 'lambda:InvokeFunction',
        Resource: { 'Fn::Sub': expect.stringMatching(/:function:mcp-anywhere-prod-mcp:live$/) },
      },
    ])

    // The way: the API's address is dual-stack, and IPv6 leads out of both subnets.
    expect(endpointOf({ AWS_REGION: 'eu-central-1' })).toBe('https://lambda.eu-central-1.api.aws')
    expect(fn.VpcConfig.Ipv6AllowedForDualStack).toBe(true)
    expect(Resources.RouteOut?.Properties).toMatchObject({
      DestinationIpv6CidrBlock: '::/0',
      EgressOnlyInternetGatewayId: { Ref: 'Outward' },
    })
    for (const [subnet, association] of [
      ['SubnetA', 'RoutesOfA'],
      ['SubnetB', 'RoutesOfB'],
    ] as const) {
      expect(Resources[subnet]?.Properties).toHaveProperty('Ipv6CidrBlock')
      expect(Resources[association]?.Properties).toEqual({ RouteTableId: { Ref: 'Routes' }, SubnetId: { Ref: subnet } })
    }
    expect(Resources.FunctionGroup?.Properties.SecurityGroupEgress).toContainEqual({
      IpProtocol: 'tcp',
      FromPort: 443,
      ToPort: 443,
      CidrIpv6: '::/0',
    })
  })

  test('has tracing and may write it', () => {
    expect(properties('McpLambdaFunction').TracingConfig).toEqual({ Mode: 'Active' })
    expect(holds(template, 'HasTracing')).toBe(true)
  })

  test('gets another version where only a secret has a new value', () => {
    const version = ({ Resources }: Template) =>
      Object.keys(Resources).find((name) => name.startsWith('McpLambdaVersion'))
    const next = stages.rendered(EVERYTHING.replace('secrets: 2', 'secrets: 3'), 'out-secrets')
    expect(version(next)).not.toBe(version(template))
  })
})

test('without these params there is neither a NAT gateway, nor a domain, nor a budget, nor a bound', () => {
  const template = packaged('url')
  const names = made(template)
  for (const name of ['Nat', 'Edge', 'Budget', 'ServerlessCache', 'ReleaseGroup']) expect(names).not.toContain(name)
  expect(names).toContain('LiveAlias')
  const [fn] = ofType(template, 'AWS::Lambda::Function')
  expect(fn).not.toHaveProperty('ReservedConcurrentExecutions')
  expect(fn).not.toHaveProperty('TracingConfig')
})
