/**
 * `npm run package` and `npm run deploy`, for AWS: reads the parameters of the stage from its file, checks them, bundles the
 * function and runs osls. What cannot be deployed stops with one line before anything is built or sent.
 *
 * `node tools/deploy.ts package|deploy [--stage name] [options of osls]`, in the folder of serverless.yml.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parse } from 'yaml'
import { installBeside } from '../lib/cli/build/beside.ts'
import { orExit } from '../lib/cli/command.ts'
import { BadSetting, parseEnvironment } from '../lib/platform/environment.ts'
import { bundlePlatforms, root } from './build.ts'
import { VARIABLES } from './settings.ts'

/** One line that says why nothing is deployed. */
class NotDeployable extends Error {
  override readonly name = 'NotDeployable'
}

const DEFAULT_STAGE = 'prod'

/** Parameters that the function gets as variables. */
const BY_PARAM = new Map([
  ['authIssuer', 'AUTH_ISSUER'],
  ['authAudience', 'AUTH_AUDIENCE'],
  ['allowedHosts', 'ALLOWED_HOSTS'],
  ['allowedOrigins', 'ALLOWED_ORIGINS'],
  ['getPolicy', 'GET_POLICY'],
])

interface Parameters {
  RULES: Record<string, unknown>
  problemOf(params: Record<string, unknown>): string | undefined
}

/** The parameters of AWS, which osls reads as well: hence CommonJS. */
const parametersOf = (folder: string): Parameters =>
  createRequire(import.meta.url)(join(folder, 'infra/aws/parameters.cjs')) as Parameters

/** The parameters that serverless.yml and its parts use, and their defaults; '' where there is none. */
export function knownParams(folder: string): Map<string, string> {
  const parts = readdirSync(join(folder, 'infra/aws')).filter((name) => name.endsWith('.yml'))
  const files = ['serverless.yml', ...parts.sort().map((name) => `infra/aws/${name}`)]
  const params = new Map<string, string>()
  for (const name of files) {
    const uses = readFileSync(join(folder, name), 'utf8').matchAll(/\$\{param:(\w+)(?:, (?:'([^']*)'|(\d+)))?/g)
    for (const [, param = '', text, number] of uses) params.set(param, text ?? number ?? params.get(param) ?? '')
  }
  for (const param of Object.keys(parametersOf(folder).RULES)) if (!params.has(param)) params.set(param, '')
  return params
}

/**
 * Checks the parameters of a stage.
 * @throws NotDeployable
 */
function checkStage(folder: string, stage: string): void {
  const file = `infra/aws/stages/${stage}.yml`
  const refuse = (why: string): never => {
    throw new NotDeployable(`${file}: ${why}`)
  }
  const params = readParams(folder, stage)
  const known = knownParams(folder)
  const unknown = Object.keys(params).find((name) => !known.has(name))
  if (unknown !== undefined) refuse(`${unknown} is no parameter; there are ${[...known.keys()].sort().join(', ')}.`)

  const problem = parametersOf(folder).problemOf(params)
  if (problem !== undefined) refuse(problem)

  const { authIssuer, open, environment = {} } = params
  if (!authIssuer && open !== true) {
    refuse(
      'authIssuer is missing. Set authIssuer and authAudience, or open: true, and then everybody may use every tool.',
    )
  }
  if (authIssuer && open === true) refuse('open: true and authIssuer exclude each other. Remove one of them.')
  if (typeof environment !== 'object' || environment === null || Array.isArray(environment)) {
    refuse('environment must have variables and their values.')
  }
  for (const name of Object.keys(environment as object)) {
    const own = [...BY_PARAM].find(([, variable]) => variable === name)
    if (own) refuse(`environment has ${name}, whose parameter is ${own[0]}.`)
    if (!VARIABLES.includes(name)) refuse(`environment has ${name}, which the endpoint does not read.`)
  }
  const named = [...BY_PARAM].map(([param, variable]) => [variable, params[param]])
  const variables = [...named, ...Object.entries(environment as object)]
  const texts = variables.map(([name, value]) => [name, value === undefined ? undefined : String(value)])
  try {
    parseEnvironment({ HOST: '0.0.0.0', ...Object.fromEntries(texts) })
  } catch (error) {
    if (!(error instanceof BadSetting)) throw error
    refuse(error.message)
  }
}

function readParams(folder: string, stage: string): Record<string, unknown> {
  const file = `infra/aws/stages/${stage}.yml`
  let params: unknown
  try {
    params = parse(readFileSync(join(folder, file), 'utf8')) ?? {}
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const missing = `There is no ${file}. Write the parameters of the stage ${stage} into it, as in ${DEFAULT_STAGE}.yml.`
    throw new NotDeployable(code === 'ENOENT' ? missing : `${file}: ${message.split('\n')[0]}`)
  }
  if (typeof params !== 'object' || Array.isArray(params)) throw new NotDeployable(`${file} must have parameters.`)
  return params as Record<string, unknown>
}

/**
 * The stage that the options of osls name.
 * @throws NotDeployable for a parameter on the command line, which the next deployment would not have
 */
function stageOf(args: readonly string[]): string {
  let stage: string | undefined
  args.forEach((arg, i) => {
    const [option = '', value = args[i + 1]] = arg.split(/=(.*)/s)
    if (option === '--stage' || option === '-s') stage = value
    if (!['--param', '--region', '-r'].includes(option)) return
    const file = `infra/aws/stages/${stage ?? DEFAULT_STAGE}.yml`
    throw new NotDeployable(
      `${option} would hold for this command alone. Write ${option === '--param' ? 'the parameter' : 'region'} into ${file}.`,
    )
  })
  if (stage !== undefined && !/^[\w-]+$/.test(stage)) throw new NotDeployable(`--stage must be a name, not "${stage}".`)
  return stage ?? DEFAULT_STAGE
}

/** Bundles the server that the settings of the project name, and installs what cannot be in a bundle for the function. */
async function bundled(folder: string): Promise<void> {
  const out = join(folder, 'dist')
  for (const { lines } of (await bundlePlatforms({ folder, out })).values()) console.log(lines.join('\n'))
  installBeside(join(out, 'lambda'), 'lambda')
}

if (process.argv[1] === import.meta.filename) {
  const [command = '', ...args] = process.argv.slice(2)
  const folder = process.cwd()
  try {
    checkStage(folder, stageOf(args))
  } catch (error) {
    if (!(error instanceof NotDeployable)) throw error
    console.error(error.message)
    process.exit(1)
  }
  await orExit(() => bundled(folder))
  const osls = join(root, 'node_modules/osls/bin/serverless.js')
  const { status } = spawnSync(process.execPath, [osls, command, ...args], { cwd: folder, stdio: 'inherit' })
  process.exit(status ?? 1)
}
