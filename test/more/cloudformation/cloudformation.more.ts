/** The templates of AWS, as osls renders stages and as they are, against AWS's own schemas of the resource types. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { EVERYTHING, packaging } from '../../deploy/packaging.ts'
import { parseTemplate, settled, type Template } from '../../deploy/template.ts'
import { installed } from '../support/installed.ts'
import { circles, unknownNames } from './names.ts'
import { Schema } from './schema.ts'

/** The files of stages, each of which osls renders once. */
const STAGES = {
  'a stage with a Function URL': 'front: url\nopen: true',
  'a stage with an HTTP API': 'front: http\nopen: true',
  'a stage with everything': EVERYTHING,
}

const templates = new Map<string, Template>()
let schema: Schema
beforeAll(async () => {
  schema = new Schema(join(await installed('cloudformation'), 'node_modules'))
  const stages = await packaging()
  try {
    for (const [name, params] of Object.entries(STAGES)) templates.set(name, stages.rendered(params, `out ${name}`))
  } finally {
    stages.remove()
  }
  templates.set('header.yml', parseTemplate(readFileSync(join(root, 'infra/aws/header.yml'), 'utf8')))
})

function templateOf(name: string): Template {
  return structuredClone(templates.get(name)) as Template
}

const unknown = (template: Template) => unknownNames(template, (type) => schema.resource(type))

interface Alarm {
  Namespace: string
  MetricName: string
  Dimensions: { Name: string; Value: { Ref: string } }[]
}

/** One line for each alarm on a metric that AWS does not publish in this way. */
function alarmsOnNothing({ Resources }: Template): string[] {
  return Object.entries(Resources).flatMap(([name, { Type, Properties }]) => {
    if (Type !== 'AWS::CloudWatch::Alarm') return []
    const { Namespace, MetricName, Dimensions } = Properties as Alarm
    const published = schema.dimensions(Namespace, MetricName).map(String)
    // The schema has the dimensions of nodes alone. What a serverless cache has:
    // https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/serverless-metrics-events-redis.html
    const serverless = Dimensions.some(
      ({ Value }) => Resources[Value.Ref]?.Type === 'AWS::ElastiCache::ServerlessCache',
    )
    const right = serverless && published.length > 0 ? ['clusterId'] : published
    const dimensions = Dimensions.map((dimension) => dimension.Name).sort()
    return right.includes(String(dimensions)) ? [] : [`${name}: ${Namespace} ${MetricName} by ${dimensions}`]
  })
}

describe.each([...Object.keys(STAGES), 'header.yml'])('%s', (name) => {
  test('has resources and properties as CloudFormation knows them', () => {
    const template = settled(templateOf(name))
    expect(Object.keys(template.Resources).length).toBeGreaterThanOrEqual(3)
    expect(schema.problems(template)).toEqual([])
  })

  test('names resources, attributes, parameters and conditions that exist', () => {
    expect(unknown(templateOf(name))).toEqual([])
  })

  test('names no resource whose condition does not hold', () => {
    expect(unknown(settled(templateOf(name)))).toEqual([])
  })

  test('has no resources that wait for each other', () => {
    expect(circles(templateOf(name))).toEqual([])
  })

  test('has alarms on metrics that AWS publishes', () => {
    expect(alarmsOnNothing(settled(templateOf(name)))).toEqual([])
  })
})

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation has a shape for each of its types
type Resources = Record<string, any>

describe('the check finds', () => {
  test.each<[string, (resources: Resources) => void, string]>([
    ['a misspelled property', ({ Alarms }) => (Alarms.Properties.Subscriptions = []), 'Alarms.Subscriptions is no'],
    [
      'a misspelled property deep inside',
      ({ Edge }) => (Edge.Properties.DistributionConfig.Origins[0].CustomOriginConfig.ReadTimeout = 60),
      'Edge.DistributionConfig.Origins.0.CustomOriginConfig.ReadTimeout is no property',
    ],
    [
      'a text for a number',
      ({ ErrorsAlarm }) => (ErrorsAlarm.Properties.Period = '60'),
      'must be of type integer: "60"',
    ],
    [
      'a number for a text',
      ({ Network }) => (Network.Properties.CidrBlock = 10),
      'CidrBlock must be of type string: 10',
    ],
    ['a value for a list', ({ CacheUsers }) => (CacheUsers.Properties.UserIds = 'a'), 'UserIds must be of type array'],
    ['a word that is no choice', ({ CacheUserA }) => (CacheUserA.Properties.Engine = 'valky'), 'Engine must be one of'],
    ['a property that is missing', ({ Budget }) => delete Budget.Properties.Budget.TimeUnit, 'TimeUnit is missing'],
    [
      'an unknown type',
      ({ Routes }) => (Routes.Type = 'AWS::EC2::RoutesTable'),
      'the unknown type AWS::EC2::RoutesTable',
    ],
    ['a misspelled policy', ({ LiveAlias }) => (LiveAlias.UpdatePolice = {}), 'LiveAlias.UpdatePolice is nothing'],
  ])('%s', (_what, change, line) => {
    const template = templateOf('a stage with everything')
    change(template.Resources)
    expect(schema.problems(settled(template))).toEqual([expect.stringContaining(line)])
  })

  test.each<[string, (resources: Resources) => void, string]>([
    ['Ref', ({ RouteOut }) => (RouteOut.Properties.RouteTableId.Ref = 'Route'), 'names Route'],
    [
      'Ref of a pseudo parameter',
      ({ RouteOut }) => (RouteOut.Properties.RouteTableId.Ref = 'AWS::Zone'),
      'names AWS::Zone',
    ],
    [
      'Fn::GetAtt',
      ({ Nat }) => (Nat.Properties.AllocationId['Fn::GetAtt'] = ['NatAddress', 'Id']),
      'names NatAddress.Id',
    ],
    ['Fn::Sub', ({ Alarms }) => (Alarms.Properties.TopicName = { 'Fn::Sub': `\${!a}-\${Caches}` }), 'names Caches'],
    ['Fn::If', ({ Alarms }) => (Alarms.Properties.Subscription['Fn::If'][0] = 'HasMail'), 'names HasMail'],
    ['Condition', ({ Budget }) => (Budget.Condition = 'HasBudgets'), 'Resources.Budget.Condition names HasBudgets'],
    [
      'DependsOn',
      ({ SubnetA }) => (SubnetA.DependsOn = 'NetworkIpv7'),
      'Resources.SubnetA.DependsOn names NetworkIpv7',
    ],
  ])('a name behind %s that does not exist', (_what, change, line) => {
    const template = templateOf('a stage with everything')
    change(template.Resources)
    expect(unknown(template)).toEqual([expect.stringContaining(line)])
  })

  test('a name of a resource that is not made', () => {
    const template = templateOf('a stage with everything')
    const { RouteOut } = template.Resources as Resources
    RouteOut.Properties.VpcEndpointId = { Ref: 'Cache' }
    expect(unknown(settled(template))).toEqual(['Resources.RouteOut.Properties.VpcEndpointId.Ref names Cache'])
  })

  test('resources that wait for each other', () => {
    const template = templateOf('a stage with everything')
    const { Network } = template.Resources as Resources
    Network.DependsOn = 'NetworkIpv6'
    expect(circles(template)).toEqual(expect.arrayContaining(['Network', 'NetworkIpv6']))
    expect(circles(template)).not.toContain('Alarms')
  })

  test.each<[string, (resources: Resources) => void, string]>([
    ['metric', ({ ErrorsAlarm }) => (ErrorsAlarm.Properties.MetricName = 'Error'), 'AWS/Lambda Error by FunctionName'],
    [
      'dimension',
      ({ ServerlessMemoryAlarm }) => (ServerlessMemoryAlarm.Properties.Dimensions[0].Name = 'CacheName'),
      'AWS/ElastiCache BytesUsedForCache by CacheName',
    ],
  ])('an alarm on an unknown %s', (_what, change, line) => {
    const template = templateOf('a stage with everything')
    change(template.Resources)
    expect(alarmsOnNothing(settled(template))).toEqual([expect.stringContaining(line)])
  })
})
