/**
 * Every `aws …` command of the documents, by AWS's own command line and without an account: it parses the arguments, checks them
 * against the models of its services, and sends the requests to services on loopback.
 */
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../../tools/build.ts'
import { packaging } from '../../deploy/packaging.ts'
import type { Template } from '../../deploy/template.ts'
import { ensureBinary } from '../../support/global.ts'
import { type Services, startServices } from './service.ts'
import { writtenScripts } from './written.ts'

let services: Services
let home: string
beforeAll(async () => {
  services = await startServices()
  home = mkdtempSync(join(tmpdir(), 'mcp-anywhere-aws-'))
  const wrapper = `#!/bin/sh\nprintf '%s\\n' "$*" >> '${home}/calls'\nexec '${ensureBinary('aws')}' --endpoint-url ${services.url} "$@"\n`
  writeFileSync(join(home, 'aws'), wrapper)
  chmodSync(join(home, 'aws'), 0o755)
})
afterAll(async () => {
  await services.stop()
  rmSync(home, { recursive: true, force: true })
})

/** Runs a script as a reader does who has pasted it, in the folder of the repository. */
async function run(script: string): Promise<string> {
  services.clear()
  const env = {
    PATH: `${home}:${process.env.PATH}`,
    HOME: home,
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'a key for tests',
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  }
  const running = promisify(execFile)('sh', ['-eu', '-c', script], { cwd: root, env })
  // `aws configure` asks four questions.
  running.child.stdin?.end('\n\n\n\n')
  return (await running).stdout
}

const called = () => readFileSync(join(home, 'calls'), 'utf8').trim().split('\n')

test('every command of the documents is one that AWS has, with arguments that it takes', async () => {
  const scripts = writtenScripts()
  const printed = new Map<string, string>()
  for (const { at, text } of scripts)
    printed.set(text, await run(text).catch((error) => expect.fail(`${at}: ${error.message}`)))

  // Each command was run: `configure` in a sentence, and all others with what they sent.
  const commands = scripts.flatMap(({ text }) => [...text.matchAll(/(?:^|[\s(])aws [a-z]/g)])
  expect(called()).toHaveLength(commands.length)
  expect(called()).toContain('configure')
  expect(called().map((args) => args.split(' ').slice(0, 2).join(' '))).toContain('elasticache modify-user')

  const arn = 'arn:aws:lambda:us-east-1:123456789012:function:mcp-anywhere-header:1\n'
  expect([...printed.values()].some((output) => output.endsWith(arn))).toBe(true)
  const sent = (service: string, action: string) =>
    services.sent.filter((one) => one.service === service && one.action.startsWith(action))
  expect(sent('acm', 'RequestCertificate')).toMatchObject([
    { region: 'us-east-1', params: { DomainName: 'mcp.example.com', ValidationMethod: 'DNS' } },
  ])
  expect(sent('cloudformation', 'CreateChangeSet')[0]).toMatchObject({
    region: 'us-east-1',
    params: {
      StackName: 'mcp-anywhere-header',
      'Capabilities.member.1': 'CAPABILITY_IAM',
      TemplateBody: readFileSync(join(root, 'infra/aws/header.yml'), 'utf8'),
    },
  })
  expect(sent('lambda', 'PUT')).toMatchObject([{ region: 'eu-central-1', params: { FunctionVersion: '7' } }])
  const [put] = sent('secretsmanager', 'PutSecretValue')
  expect(put?.params).toMatchObject({
    SecretId: 'arn:of:CachePasswordB',
    SecretString: expect.stringMatching(/^[\da-f]{64}$/),
  })
  expect(sent('elasticache', 'ModifyUser')).toMatchObject([
    { params: { UserId: 'mcp-anywhere-prod-b', 'Passwords.member.1': put?.params.SecretString } },
  ])
})

test('a command with an argument that AWS does not take fails', async () => {
  await expect(run('aws lambda update-alias --function-name f --alias live --function-version 7')).rejects.toThrow(
    /required: --name|Unknown options/,
  )
  await expect(run('aws elasticache modify-user --user-id b --passwords')).rejects.toThrow(/--passwords/)
})

test('the names in these commands are those of the template', async () => {
  const stages = await packaging()
  let template: Template
  try {
    template = stages.rendered('open: true', 'out')
  } finally {
    stages.remove()
  }
  const { Resources } = template
  const named = (type: string, member: string) =>
    Object.values(Resources).flatMap(({ Type, Properties }) => (Type === type ? [Properties[member]] : []))
  expect(named('AWS::Lambda::Function', 'FunctionName')).toContain('mcp-anywhere-prod-mcp')
  expect(named('AWS::Lambda::Alias', 'Name')).toContain('live')
  expect(named('AWS::ElastiCache::User', 'UserId')).toContain('mcp-anywhere-prod-b')
  expect(Resources.CachePasswordB?.Type).toBe('AWS::SecretsManager::Secret')
})
