/**
 * What serverless.yml cannot say: an alias, which is all that the front invokes, so that a new version can get a part of the
 * traffic first and an old one can come back; a bound on concurrency; a throttle of the API. docs/deploy.md has the parameters.
 */
'use strict'

const { problemOf, hintsOf, frontOf } = require('./parameters.cjs')

const ALIAS = 'live'
const ALIAS_RESOURCE = 'LiveAlias'

class Release {
  constructor(serverless, _options, { log }) {
    this.serverless = serverless
    this.log = log
    this.hooks = {
      'before:package:compileFunctions': () => this.prepare(),
      'after:package:compileFunctions': () => this.addAlias(),
      'after:package:compileEvents': () => this.throttle(),
    }
  }

  get params() {
    return this.serverless.service.custom.stage
  }

  get resources() {
    return this.serverless.service.provider.compiledCloudFormationTemplate.Resources
  }

  prepare() {
    const problem = problemOf(this.params)
    if (problem !== undefined) {
      throw new this.serverless.classes.Error(
        `infra/aws/stages/${this.serverless.service.provider.stage}.yml: ${problem}`,
      )
    }
    for (const hint of hintsOf(this.params)) this.log.warning(hint)
    for (const name of this.serverless.service.getAllFunctions()) {
      const fn = this.serverless.service.getFunction(name)
      // Events and URLs that are compiled from now on name the alias.
      fn.targetAlias = { name: ALIAS, logicalId: ALIAS_RESOURCE }
      if (this.params.concurrency) fn.reservedConcurrency = this.params.concurrency
      if (this.params.domain) fn.environment = { ...fn.environment, ALLOWED_HOSTS: hostsBehindDomain(this.params) }
    }
  }

  addAlias() {
    const [name] = this.serverless.service.getAllFunctions()
    const { versionLogicalId } = this.serverless.service.getFunction(name)
    const fn = this.serverless.getProvider('aws').naming.getLambdaLogicalId(name)
    const alias = {
      Type: 'AWS::Lambda::Alias',
      Properties: {
        FunctionName: { Ref: fn },
        FunctionVersion: { 'Fn::GetAtt': [versionLogicalId, 'Version'] },
        Name: ALIAS,
      },
    }
    const { canary } = this.params
    if (canary && canary !== 'off') {
      alias.UpdatePolicy = {
        CodeDeployLambdaAliasUpdate: {
          ApplicationName: { Ref: 'ReleaseApplication' },
          DeploymentGroupName: { Ref: 'ReleaseGroup' },
        },
      }
      Object.assign(this.resources, release(`CodeDeployDefault.Lambda${canary}`))
    }
    this.resources[ALIAS_RESOURCE] = alias
    if (this.params.tasks) this.addTasks(fn)
  }

  /** A task with many legs is a function that invokes itself as often: that is no loop by mistake. */
  addTasks(fn) {
    this.resources[fn].Properties.RecursiveLoop = 'Allow'
    this.resources.TaskEvents = {
      Type: 'AWS::Lambda::EventInvokeConfig',
      DependsOn: ALIAS_RESOURCE,
      Properties: {
        FunctionName: { Ref: fn },
        Qualifier: ALIAS,
        // After a minute and after two: the lease of an environment that died is over then.
        MaximumRetryAttempts: 2,
        // Where the function is at its concurrency. A task whose event is older goes on with the next poll.
        MaximumEventAgeInSeconds: 3600,
      },
    }
  }

  throttle() {
    const { throttleRate, throttleBurst } = this.params
    if (frontOf(this.params) !== 'rest' || !throttleRate) return
    for (const { Type, Properties } of Object.values(this.resources)) {
      if (Type !== 'AWS::ApiGateway::Deployment') continue
      Properties.StageDescription = {
        MethodSettings: [
          {
            HttpMethod: '*',
            ResourcePath: '/*',
            ThrottlingRateLimit: throttleRate,
            ThrottlingBurstLimit: throttleBurst,
          },
        ],
      }
    }
  }
}

/** CloudFront names the API as host, not the domain. */
const hostsBehindDomain = ({ allowedHosts, domain }) => ({
  'Fn::Join': [
    ',',
    [
      allowedHosts || domain,
      {
        'Fn::Join': [
          '.',
          [{ Ref: 'ApiGatewayRestApi' }, 'execute-api', { Ref: 'AWS::Region' }, { Ref: 'AWS::URLSuffix' }],
        ],
      },
    ],
  ],
})

/** Moves the alias to a new version step by step, and back where an alarm is raised meanwhile. */
function release(configuration) {
  return {
    ReleaseApplication: { Type: 'AWS::CodeDeploy::Application', Properties: { ComputePlatform: 'Lambda' } },
    ReleaseRole: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Principal: { Service: 'codedeploy.amazonaws.com' }, Action: 'sts:AssumeRole' },
          ],
        },
        ManagedPolicyArns: [
          {
            'Fn::Join': [
              ':',
              ['arn', { Ref: 'AWS::Partition' }, 'iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited'],
            ],
          },
        ],
      },
    },
    ReleaseGroup: {
      Type: 'AWS::CodeDeploy::DeploymentGroup',
      Properties: {
        ApplicationName: { Ref: 'ReleaseApplication' },
        ServiceRoleArn: { 'Fn::GetAtt': ['ReleaseRole', 'Arn'] },
        DeploymentConfigName: configuration,
        DeploymentStyle: { DeploymentType: 'BLUE_GREEN', DeploymentOption: 'WITH_TRAFFIC_CONTROL' },
        AlarmConfiguration: { Enabled: true, Alarms: [{ Name: { Ref: 'ErrorsAlarm' } }] },
        AutoRollbackConfiguration: {
          Enabled: true,
          Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
        },
      },
    },
  }
}

module.exports = Release
